package ingest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"brandmelder/brand"
)

// reddit reads posts and comments of subreddits, and searches all of Reddit: by OAuth with an application
// (https://github.com/reddit-archive/reddit/wiki/OAuth2), else by its Atom feeds, which have the newest hundred
// entries and allow few requests.
type reddit struct {
	*service          // the API, or the site with its feeds
	login    *service // nil without an application
	until    time.Time
	places   []list
}

func newReddit(c Config, d Deps) (Source, error) {
	api := "https://oauth.reddit.com"
	if c.Account == "" {
		api = "https://www.reddit.com"
	} else if c.Token == "" {
		return nil, errors.New("account needs password_file: the application's secret")
	}
	s, err := newService("Reddit", c.URL, api, d)
	if err != nil {
		return nil, err
	}
	s.advice = "is it public, and is the application approved?"
	r := &reddit{service: s}
	if c.Account != "" {
		if r.login, err = newService("Reddit", c.URL, "https://www.reddit.com", d); err != nil {
			return nil, err
		}
		r.login.advice = "are account (the application's id) and password_file (its secret) right?"
		r.login.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c.Account+":"+c.Token)))
	}
	for _, name := range c.Subreddits {
		name = strings.TrimPrefix(name, "r/")
		r.place("r/"+name, "/r/"+url.PathEscape(name)+"/new", nil)
		r.place("comments in r/"+name, "/r/"+url.PathEscape(name)+"/comments", nil)
	}
	search := c.Search
	if len(search) == 0 && len(c.Subreddits) == 0 {
		if search, err = searchTerms(c, d.Topics); err != nil {
			return nil, err
		}
	}
	for _, term := range search {
		r.place(term, "/search", url.Values{"q": {term}, "sort": {"new"}})
	}
	return r, nil
}

func (s *reddit) place(key, path string, q url.Values) {
	s.places = append(s.places, list{key, func(ctx context.Context, _ time.Time, next string) (page, error) {
		v := url.Values{"limit": {"100"}, "raw_json": {"1"}}
		for k := range q {
			v[k] = q[k]
		}
		if next != "" {
			v.Set("after", next)
		}
		if s.login == nil {
			return s.feed(ctx, path+".rss", v)
		}
		return s.listing(ctx, path, v)
	}})
}

func (s *reddit) Listen(ctx context.Context, cursor string, emit Emit) error {
	return readLists(ctx, s.places, cursor, s.deps.Now, emit)
}

// authorize gets a token, valid for the time that Reddit says.
func (s *reddit) authorize(ctx context.Context) error {
	_, text, err := s.login.do(ctx, http.MethodPost, "/api/v1/access_token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		return wholeSource(err)
	}
	var doc struct {
		Token   string  `json:"access_token"`
		Expires float64 `json:"expires_in"`
		Error   any     `json:"error"`
	}
	if err := decode(text, &doc); err != nil || doc.Token == "" {
		return fmt.Errorf("Reddit gave no token (%s): %s: %w", truncate(fmt.Sprint(doc.Error), maxDetail), s.login.advice, ErrGiveUp)
	}
	s.until = s.deps.Now().Add(time.Duration(doc.Expires) * time.Second).Add(-time.Minute)
	s.header.Set("Authorization", "Bearer "+doc.Token)
	return nil
}

func (s *reddit) listing(ctx context.Context, path string, q url.Values) (pg page, err error) {
	var doc struct {
		Data struct {
			After    string `json:"after"`
			Children []struct {
				Kind string          `json:"kind"`
				Data json.RawMessage `json:"data"`
			} `json:"children"`
		} `json:"data"`
	}
	for again := false; ; again = true {
		if !s.deps.Now().Before(s.until) {
			if err := s.authorize(ctx); err != nil {
				return pg, err
			}
		}
		_, err := s.get(ctx, path, q, &doc)
		var no *RefusedError
		if errors.As(err, &no) && no.Status == http.StatusUnauthorized && !again {
			s.until = time.Time{} // it expired early
			continue
		}
		if err != nil {
			return pg, err
		}
		break
	}
	for _, c := range doc.Data.Children {
		if c.Kind != "t1" && c.Kind != "t3" {
			continue
		}
		m, gone, err := redditThing(c.Data)
		switch {
		case err != nil:
			pg.bad = append(pg.bad, unreadable(c.Data, err))
		case gone:
			pg.gone = append(pg.gone, m.ID)
		default:
			pg.mentions = append(pg.mentions, m)
		}
	}
	pg.next = doc.Data.After
	return pg, nil
}

// redditThing reads a post (t3) or a comment (t1). gone reports whether its author or a moderator removed it.
func redditThing(raw json.RawMessage) (m brand.Mention, gone bool, err error) {
	var t struct {
		Name      string  `json:"name"` // t3_abc
		Title     string  `json:"title"`
		Self      string  `json:"selftext"`
		Body      string  `json:"body"`
		Author    string  `json:"author"`
		At        anyTime `json:"created_utc"`
		Permalink string  `json:"permalink"`
		Parent    string  `json:"parent_id"`
		Crosspost string  `json:"crosspost_parent"`
		Ups       int64   `json:"ups"`
		Comments  int64   `json:"num_comments"`
	}
	err = json.Unmarshal(raw, &t)
	if err == nil && (t.Name == "" || t.At.IsZero()) {
		err = errors.New("it has no name or created_utc")
	}
	if err != nil {
		return m, false, fmt.Errorf("read a post of Reddit: %w", err)
	}
	m = brand.Mention{
		ID: "reddit:" + t.Name, Source: "reddit", At: t.At.Time, Author: t.Author, Title: t.Title, Text: t.Self + t.Body, URL: "https://www.reddit.com" + t.Permalink,
		Kind: brand.Post, Likes: t.Ups, Replies: t.Comments,
	}
	switch {
	case t.Parent != "":
		m.Kind, m.InReplyTo = brand.Reply, "reddit:"+t.Parent
	case t.Crosspost != "":
		m.Kind, m.InReplyTo = brand.Repost, "reddit:"+t.Crosspost
	}
	gone = m.Text == "[deleted]" || m.Text == "[removed]"
	if m.Text == "" {
		m.Text = m.Title
	}
	return m, gone, nil
}

func (s *reddit) feed(ctx context.Context, path string, q url.Values) (pg page, err error) {
	_, text, err := s.text(ctx, path, q)
	if err != nil {
		return pg, err
	}
	doc, err := parseFeed(text)
	if err != nil {
		return pg, fmt.Errorf("read a feed of Reddit: %w", err)
	}
	pg.bad = doc.bad
	for _, item := range doc.Items {
		m, dated := (&feed{}).mention(item)
		name := item.GUID
		if !dated || name == "" {
			pg.bad = append(pg.bad, unreadable([]byte(item.Title), errors.New("read a feed of Reddit: an entry without id or date")))
			continue
		}
		m.ID, m.Source, m.Author, m.Kind = "reddit:"+name, "reddit", strings.TrimPrefix(m.Author, "/u/"), brand.Post
		if strings.HasPrefix(name, "t1_") {
			m.Kind, m.Title = brand.Reply, ""
		}
		m.AuthorName = m.Author
		pg.mentions = append(pg.mentions, m)
		pg.next = name
	}
	return pg, nil
}
