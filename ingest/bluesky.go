package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/query"
)

// bluesky reads all posts of the network by Jetstream (https://github.com/bluesky-social/jetstream) and keeps those
// that match a topic; or it searches by app.bsky.feed.searchPosts (https://docs.bsky.app), which needs an account.
type bluesky struct {
	*service
	langs []string
	scan  *query.Scanner
	// of the search
	terms         []string
	account, pass string
	token         string
}

const (
	jetstream       = "https://jetstream2.us-east.bsky.network"
	blueskyPDS      = "https://bsky.social"
	blueskyRewind   = 5 * time.Second  // that is read again after a cut, as Jetstream advises
	blueskyProgress = 10 * time.Second // between two cursors when nothing matches
	blueskyAhead    = time.Minute      // that the network's clock may be ahead of ours
	blueskyGone     = 1000             // deletions that are emitted together
	blueskyName     = 300              // bytes of a DID or a key of a post
)

func newBluesky(c Config, d Deps) (Source, error) {
	b := &bluesky{langs: c.Languages, account: c.Account, pass: c.Token}
	base := jetstream
	switch c.Mode {
	case "", "stream":
	case "search":
		if base = blueskyPDS; c.Account == "" || c.Token == "" {
			return nil, errors.New("mode search needs account and password_file: an app password (Settings, Privacy and security)")
		}
		var err error
		if b.terms, err = searchTerms(c, d.Topics); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("mode %q: want stream or search", c.Mode)
	}
	var err error
	if b.service, err = newService("Bluesky", c.URL, base, d); err != nil {
		return nil, err
	}
	b.advice = "are account and app password right?"
	var qs []*query.Query
	for _, t := range d.Topics {
		q, err := query.Parse(t.Query)
		if err != nil {
			return nil, fmt.Errorf("topic %s: %w", t.Name, err)
		}
		qs = append(qs, q)
	}
	b.scan = query.Compile(qs).Scanner()
	return b, nil
}

func (s *bluesky) Listen(ctx context.Context, cursor string, emit Emit) error {
	if s.terms == nil {
		return s.follow(ctx, cursor, emit)
	}
	return readLists(ctx, searches(s.terms, s.search), cursor, s.deps.Now, emit)
}

// blueskyEvent is one line of Jetstream.
type blueskyEvent struct {
	DID    string `json:"did"`
	TimeUS int64  `json:"time_us"`
	Kind   string `json:"kind"`
	Commit struct {
		Operation  string          `json:"operation"`
		Collection string          `json:"collection"`
		Rkey       string          `json:"rkey"`
		Record     json.RawMessage `json:"record"`
	} `json:"commit"`
}

type blueskyRecord struct {
	Text      string   `json:"text"`
	CreatedAt anyTime  `json:"createdAt"`
	Langs     []string `json:"langs"`
	Reply     struct {
		Parent struct {
			URI string `json:"uri"`
		} `json:"parent"`
	} `json:"reply"`
}

const blueskyPost = "app.bsky.feed.post"

func (s *bluesky) follow(ctx context.Context, cursor string, emit Emit) error {
	q := url.Values{"wantedCollections": {blueskyPost}}
	// A cursor in the future would skip all events until then: without one the stream begins now.
	if at, err := strconv.ParseInt(cursor, 10, 64); err == nil && s.plausible(at) {
		q.Set("cursor", strconv.FormatInt(at-blueskyRewind.Microseconds(), 10))
	}
	kept := s.deps.Now()
	var gone []string // of the whole network, most of them of posts that were never kept
	return socket(ctx, s.service, "ws"+strings.TrimPrefix(s.base, "http")+"/subscribe?"+q.Encode(), nil, func(ctx context.Context, line []byte) error {
		b, at := s.event(line)
		gone = append(gone, b.Gone...)
		now := s.deps.Now()
		if len(b.Mentions)+len(b.Bad) == 0 && len(gone) < blueskyGone && now.Sub(kept) < blueskyProgress {
			return nil
		}
		if s.plausible(at) {
			cursor = strconv.FormatInt(at, 10)
		}
		b.Cursor, b.Gone = cursor, gone
		kept, gone = now, nil
		return emit(ctx, b)
	})
}

// plausible reports whether a time of Jetstream, in microseconds since 1970, can be that of an event.
func (s *bluesky) plausible(us int64) bool {
	return us > 0 && us <= s.deps.Now().Add(blueskyAhead).UnixMicro()
}

// event reads one line of Jetstream. It returns no mention for a post that matches no topic: the lines are those of
// the whole network.
func (s *bluesky) event(line []byte) (b Batch, at int64) {
	var ev blueskyEvent
	err := decode(line, &ev)
	if err == nil && (ev.Kind != "commit" || ev.Commit.Collection != blueskyPost) {
		return b, ev.TimeUS
	}
	if err == nil && len(ev.DID)+len(ev.Commit.Rkey) > 2*blueskyName {
		err = &LimitError{"bytes in a name", 2 * blueskyName}
	}
	uri := "at://" + ev.DID + "/" + blueskyPost + "/" + ev.Commit.Rkey
	if err == nil && ev.Commit.Operation == "delete" {
		return Batch{Gone: []string{uri}}, ev.TimeUS
	}
	var r blueskyRecord
	if err == nil {
		err = json.Unmarshal(ev.Commit.Record, &r)
	}
	if err == nil && (ev.DID == "" || ev.Commit.Rkey == "" || ev.TimeUS == 0) {
		err = errors.New("an event without did, rkey or time_us")
	}
	if err != nil {
		return Batch{Bad: []Bad{unreadable(line, fmt.Errorf("read an event of Jetstream: %w", err))}}, ev.TimeUS
	}
	if len(s.langs) > 0 && len(r.Langs) > 0 && !slices.ContainsFunc(r.Langs, func(l string) bool { return slices.Contains(s.langs, strings.ToLower(l[:min(2, len(l))])) }) {
		return b, ev.TimeUS
	}
	m := r.mention(uri, ev.DID)
	// The author's clock gives the time, unless it is impossible.
	received := s.deps.Now().UTC()
	if s.plausible(ev.TimeUS) {
		received = time.UnixMicro(ev.TimeUS).UTC()
	}
	if m.At.IsZero() || m.At.After(received) {
		m.At = received
	}
	if strings.TrimSpace(m.Text) != "" && len(s.scan.Match(&m, nil)) > 0 {
		b.Mentions = []brand.Mention{m}
	}
	return b, ev.TimeUS
}

func (r *blueskyRecord) mention(uri, author string) brand.Mention {
	parts := strings.Split(uri, "/")
	m := brand.Mention{ID: uri, Source: "bluesky", At: r.CreatedAt.Time, Author: author, Text: r.Text, URL: "https://bsky.app/profile/" + author + "/post/" + parts[len(parts)-1], Kind: brand.Post}
	if len(r.Langs) == 1 {
		m.Lang = strings.ToLower(r.Langs[0][:min(2, len(r.Langs[0]))])
	}
	if r.Reply.Parent.URI != "" {
		m.Kind, m.InReplyTo = brand.Reply, r.Reply.Parent.URI
	}
	return m
}

func (s *bluesky) search(ctx context.Context, term string, since time.Time, next string) (pg page, err error) {
	q := url.Values{"q": {term}, "sort": {"latest"}, "limit": {"100"}, "since": {since.UTC().Format(time.RFC3339)}}
	if next != "" {
		q.Set("cursor", next)
	}
	var doc struct {
		Cursor string            `json:"cursor"`
		Posts  []json.RawMessage `json:"posts"`
	}
	for fresh := false; ; fresh = true {
		if s.token == "" {
			if err := s.login(ctx); err != nil {
				return pg, err
			}
		}
		_, err := s.get(ctx, "/xrpc/app.bsky.feed.searchPosts", q, &doc)
		var no *RefusedError
		if errors.As(err, &no) && (no.Status == http.StatusUnauthorized || no.Status == http.StatusBadRequest && strings.Contains(no.Detail, "expired")) && !fresh {
			s.token = "" // it expired
			continue
		}
		if err != nil {
			return pg, err
		}
		break
	}
	for _, raw := range doc.Posts {
		var p struct {
			URI    string `json:"uri"`
			Author struct {
				Handle string `json:"handle"`
				Name   string `json:"displayName"`
			} `json:"author"`
			Record  blueskyRecord `json:"record"`
			Indexed anyTime       `json:"indexedAt"`
			Likes   int64         `json:"likeCount"`
			Reposts int64         `json:"repostCount"`
			Replies int64         `json:"replyCount"`
		}
		if err := json.Unmarshal(raw, &p); err != nil || p.URI == "" {
			pg.bad = append(pg.bad, unreadable(raw, fmt.Errorf("read a post of Bluesky: %w", errors.Join(err, errors.New("is there an uri?")))))
			continue
		}
		m := p.Record.mention(p.URI, p.Author.Handle)
		if m.At.IsZero() || m.At.After(p.Indexed.Time) && !p.Indexed.IsZero() {
			m.At = p.Indexed.Time
		}
		m.AuthorName, m.Likes, m.Reposts, m.Replies = p.Author.Name, p.Likes, p.Reposts, p.Replies
		pg.mentions = append(pg.mentions, m)
	}
	pg.next = doc.Cursor
	return pg, nil
}

// login opens a session (com.atproto.server.createSession).
func (s *bluesky) login(ctx context.Context) error {
	body, _ := json.Marshal(map[string]string{"identifier": s.account, "password": s.pass}) // cannot fail
	s.header = http.Header{"Content-Type": {"application/json"}}
	_, text, err := s.do(ctx, http.MethodPost, "/xrpc/com.atproto.server.createSession", bytes.NewReader(body))
	if err != nil {
		return wholeSource(err)
	}
	var doc struct {
		Token string `json:"accessJwt"`
	}
	if err := decode(text, &doc); err != nil || doc.Token == "" {
		return errors.New("Bluesky opened no session: its answer has no accessJwt")
	}
	s.token = doc.Token
	s.header = http.Header{"Authorization": {"Bearer " + doc.Token}}
	return nil
}
