package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"brandmelder/brand"

	"github.com/coder/websocket"
)

// mastodon reads hashtags or all public posts of one instance: by its stream, with the timelines for the gaps, or by
// the timelines alone. The forms are those of https://docs.joinmastodon.org/methods/timelines/ and
// /methods/streaming/. Other software of the Fediverse has them too.
type mastodon struct {
	*service
	tags   []string // none: all public posts
	stream bool
	ids    remembered // IDs of the instance to IDs of mentions
}

func newMastodon(c Config, d Deps) (Source, error) {
	if c.URL == "" {
		return nil, errors.New("url is missing: the instance, such as https://mastodon.social")
	}
	s, err := newService("Mastodon", c.URL, "", d)
	if err != nil {
		return nil, err
	}
	s.advice = "does the instance ask for a token (token_file)?"
	m := &mastodon{service: s, stream: c.Mode == "stream"}
	switch {
	case c.Mode != "" && c.Mode != "stream" && c.Mode != "poll":
		return nil, fmt.Errorf("mode %q: want stream or poll", c.Mode)
	case c.Token == "" && m.stream:
		return nil, errors.New("mode stream needs token_file: an access token with the scope read:statuses")
	case c.Token != "":
		s.header.Set("Authorization", "Bearer "+c.Token)
		m.stream = c.Mode != "poll"
	}
	for _, t := range c.Tags {
		m.tags = append(m.tags, strings.TrimLeft(t, "#"))
	}
	return m, nil
}

func (s *mastodon) lists() (out []list) {
	if len(s.tags) == 0 {
		return []list{{"public", func(ctx context.Context, _ time.Time, next string) (page, error) {
			return s.timeline(ctx, "/api/v1/timelines/public", next)
		}}}
	}
	for _, t := range s.tags {
		out = append(out, list{"#" + t, func(ctx context.Context, _ time.Time, next string) (page, error) {
			return s.timeline(ctx, "/api/v1/timelines/tag/"+url.PathEscape(t), next)
		}})
	}
	return out
}

func (s *mastodon) Listen(ctx context.Context, cursor string, emit Emit) error {
	if !s.stream {
		return readLists(ctx, s.lists(), cursor, s.deps.Now, emit)
	}
	last := cursor
	keep := func(ctx context.Context, b Batch) error {
		last = b.Cursor
		return emit(ctx, b)
	}
	address, err := s.streaming(ctx)
	if err != nil {
		return err
	}
	// First the stream, then the gap before it: a post from both has one ID.
	return socket(ctx, s.service, address, func(ctx context.Context, c *websocket.Conn) error {
		for _, t := range s.tags {
			doc, _ := json.Marshal(map[string]string{"type": "subscribe", "stream": "hashtag", "tag": t}) // cannot fail
			if err := c.Write(ctx, websocket.MessageText, doc); err != nil {
				return fmt.Errorf("subscribe to #%s: %w", t, err)
			}
		}
		return readLists(ctx, s.lists(), cursor, s.deps.Now, keep)
	}, func(ctx context.Context, line []byte) error {
		b, tags := s.event(line)
		cur := decodeLists(last)
		for _, m := range b.Mentions {
			for key, p := range cur {
				if (slices.Contains(tags, strings.TrimPrefix(key, "#")) || key == "public") && m.At.After(p.Since) && !m.At.After(s.deps.Now()) {
					p.Since = m.At
				}
			}
		}
		if b.Cursor = cur.encode(); len(b.Mentions)+len(b.Bad)+len(b.Gone) == 0 {
			return nil
		}
		return keep(ctx, b)
	})
}

// streaming returns the address of the stream, which may be on another host.
func (s *mastodon) streaming(ctx context.Context) (string, error) {
	var doc struct {
		Configuration struct {
			URLs struct {
				Streaming string `json:"streaming"`
			} `json:"urls"`
		} `json:"configuration"`
	}
	base := s.base
	_, err := s.get(ctx, "/api/v2/instance", nil, &doc)
	var no *RefusedError
	if err != nil && (!errors.As(err, &no) || no.Whole) {
		return "", err
	}
	if doc.Configuration.URLs.Streaming != "" { // older versions do not name it: then it is the default
		base = strings.TrimSuffix(doc.Configuration.URLs.Streaming, "/")
	}
	for from, to := range map[string]string{"https:": "wss:", "http:": "ws:"} {
		if rest, ok := strings.CutPrefix(base, from); ok {
			base = to + rest
		}
	}
	if base += "/api/v1/streaming"; len(s.tags) == 0 {
		base += "?stream=public"
	}
	return base, nil
}

// event reads one message of the stream, and returns the tags that it came by.
func (s *mastodon) event(line []byte) (b Batch, tags []string) {
	var ev struct {
		Stream  []string `json:"stream"`
		Event   string   `json:"event"`
		Payload string   `json:"payload"`
	}
	if err := decode(line, &ev); err != nil {
		return Batch{Bad: []Bad{unreadable(line, fmt.Errorf("read an event of Mastodon's stream: %w", err))}}, nil
	}
	switch ev.Event {
	case "update":
		s.add(json.RawMessage(ev.Payload), &b.Mentions, &b.Bad)
	case "delete":
		if id, ok := s.ids.get(ev.Payload); ok {
			b.Gone = []string{id}
		}
	}
	return b, ev.Stream
}

func (s *mastodon) timeline(ctx context.Context, path, next string) (pg page, err error) {
	q := url.Values{"limit": {"40"}}
	if next != "" {
		q.Set("max_id", next)
	}
	var doc []json.RawMessage
	head, err := s.get(ctx, path, q, &doc)
	if err != nil {
		return pg, err
	}
	for _, raw := range doc {
		s.add(raw, &pg.mentions, &pg.bad)
	}
	pg.next = nextLink(head, "max_id")
	return pg, nil
}

var linkHead = regexp.MustCompile(`<([^<>]*)>[^,]*rel="?next"?`)

// nextLink returns a parameter of the next page's address in the Link header (RFC 8288), or "".
func nextLink(h http.Header, param string) string {
	if m := linkHead.FindStringSubmatch(h.Get("Link")); m != nil {
		if u, err := url.Parse(m[1]); err == nil {
			return u.Query().Get(param)
		}
	}
	return ""
}

type tootAccount struct {
	Acct      string `json:"acct"`
	Name      string `json:"display_name"`
	Followers int64  `json:"followers_count"`
}

type toot struct {
	ID         string      `json:"id"`
	URI        string      `json:"uri"`
	URL        string      `json:"url"`
	At         anyTime     `json:"created_at"`
	Content    string      `json:"content"`
	Warning    string      `json:"spoiler_text"`
	Visibility string      `json:"visibility"`
	Lang       string      `json:"language"`
	Account    tootAccount `json:"account"`
	Reblog     *toot       `json:"reblog"`
	ReplyTo    string      `json:"in_reply_to_id"`
	Likes      int64       `json:"favourites_count"`
	Reposts    int64       `json:"reblogs_count"`
	Replies    int64       `json:"replies_count"`
}

func (s *mastodon) add(raw json.RawMessage, ms *[]brand.Mention, bad *[]Bad) {
	var t toot
	err := decode(raw, &t)
	if err == nil && (t.ID == "" || t.At.IsZero()) {
		err = errors.New("a status without id or created_at")
	}
	if err != nil {
		*bad = append(*bad, unreadable(raw, fmt.Errorf("read a status of Mastodon: %w", err)))
		return
	}
	if t.Visibility != "" && t.Visibility != "public" {
		return // not public
	}
	// A picture without text is no mention.
	switch m := s.mention(&t); {
	case strings.TrimSpace(m.Text+m.Title) != "":
		*ms = append(*ms, m)
	case len(t.Content) > maxEmpty:
		*bad = append(*bad, unreadable(raw, fmt.Errorf("read a status of Mastodon: %d bytes of markup hold no text", len(t.Content))))
	}
}

// maxEmpty is how many bytes of markup a status without a text may have: a picture has an empty paragraph.
const maxEmpty = 1000

func (s *mastodon) mention(t *toot) brand.Mention {
	said := t
	if t.Reblog != nil {
		said = t.Reblog
	}
	m := brand.Mention{
		// The same post has one URI on many instances.
		ID: t.URI, Source: "mastodon", At: t.At.Time, Author: t.Account.Acct, AuthorName: t.Account.Name, Followers: t.Account.Followers,
		Text: plain(said.Content), Title: html.UnescapeString(said.Warning), URL: said.URL, Lang: said.Lang, Kind: brand.Post,
		Likes: t.Likes, Reposts: t.Reposts, Replies: t.Replies,
	}
	if m.ID == "" {
		m.ID = s.base + "/statuses/" + t.ID
	}
	if u, err := url.Parse(s.base); err == nil && !strings.Contains(m.Author, "@") {
		m.Author += "@" + u.Host // the full name of an account of this instance
	}
	s.ids.put(t.ID, m.ID)
	switch {
	case t.Reblog != nil:
		m.Kind, m.InReplyTo, m.Reposts = brand.Repost, said.URI, 0
	case t.ReplyTo != "":
		m.Kind, m.InReplyTo = brand.Reply, s.base+"/statuses/"+t.ReplyTo
		if id, ok := s.ids.get(t.ReplyTo); ok {
			m.InReplyTo = id
		}
	}
	return m
}

// remembered maps the last few thousand IDs of a service to IDs of mentions. One goroutine at a time may use it.
type remembered struct {
	ids   map[string]string
	order []string
}

const (
	remembers    = 8192
	rememberedID = 2000 // bytes of an ID; a longer one is not remembered
)

func (r *remembered) put(theirs, ours string) {
	if len(theirs)+len(ours) > rememberedID {
		return
	}
	if r.ids == nil {
		r.ids = map[string]string{}
	}
	if _, known := r.ids[theirs]; !known {
		if len(r.order) >= remembers {
			delete(r.ids, r.order[0])
			r.order = r.order[1:]
		}
		r.order = append(r.order, theirs)
	}
	r.ids[theirs] = ours
}

func (r *remembered) get(theirs string) (string, bool) {
	ours, ok := r.ids[theirs]
	return ours, ok
}
