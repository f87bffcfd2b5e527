package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"brandmelder/brand"
)

// lemmy reads communities of one instance, or searches the posts that the instance knows (https://join-lemmy.org/api,
// version 3).
type lemmy struct {
	*service
	places []list
}

func newLemmy(c Config, d Deps) (Source, error) {
	if c.URL == "" {
		return nil, errors.New("url is missing: the instance, such as https://feddit.org")
	}
	s, err := newService("Lemmy", c.URL, "", d)
	if err != nil {
		return nil, err
	}
	l := &lemmy{service: s}
	for _, name := range c.Communities {
		l.place("posts in "+name, "/api/v3/post/list", url.Values{"community_name": {name}})
		l.place("comments in "+name, "/api/v3/comment/list", url.Values{"community_name": {name}})
	}
	search := c.Search
	if len(search) == 0 && len(c.Communities) == 0 {
		if search, err = searchTerms(c, d.Topics); err != nil {
			return nil, err
		}
	}
	for _, term := range search {
		l.place(term, "/api/v3/search", url.Values{"q": {strings.Trim(term, `"`)}})
	}
	return l, nil
}

func (s *lemmy) Listen(ctx context.Context, cursor string, emit Emit) error {
	return readLists(ctx, s.places, cursor, s.deps.Now, emit)
}

type lemmyPerson struct {
	Name  string `json:"name"`
	Actor string `json:"actor_id"`
	Shown string `json:"display_name"`
}

type lemmyView struct {
	Post struct {
		ID        int64   `json:"id"`
		Name      string  `json:"name"`
		Body      string  `json:"body"`
		Published anyTime `json:"published"`
		URI       string  `json:"ap_id"`
		Deleted   bool    `json:"deleted"`
		Removed   bool    `json:"removed"`
	} `json:"post"`
	Comment *struct {
		ID        int64   `json:"id"`
		Content   string  `json:"content"`
		Path      string  `json:"path"` // 0.parent.this
		Published anyTime `json:"published"`
		URI       string  `json:"ap_id"`
		Deleted   bool    `json:"deleted"`
		Removed   bool    `json:"removed"`
	} `json:"comment"`
	Creator lemmyPerson `json:"creator"`
	Counts  struct {
		Upvotes  int64 `json:"upvotes"`
		Comments int64 `json:"comments"`
	} `json:"counts"`
}

func (s *lemmy) place(key, path string, q url.Values) {
	const size = 50
	s.places = append(s.places, list{key, func(ctx context.Context, _ time.Time, next string) (pg page, err error) {
		v := url.Values{"type_": {"All"}, "sort": {"New"}, "limit": {strconv.Itoa(size)}}
		for k := range q {
			v[k] = q[k]
		}
		number := 1
		if n, err := strconv.Atoi(next); err == nil {
			number = n
			v.Set("page", next)
		} else if next != "" {
			v.Set("page_cursor", next)
		}
		var doc struct {
			Posts    []json.RawMessage `json:"posts"`
			Comments []json.RawMessage `json:"comments"`
			Next     string            `json:"next_page"`
		}
		if _, err := s.get(ctx, path, v, &doc); err != nil {
			return pg, s.slow(err)
		}
		for _, raw := range append(doc.Posts, doc.Comments...) {
			s.add(raw, &pg)
		}
		switch {
		case doc.Next != "":
			pg.next = doc.Next
		case len(doc.Posts) > 0 && path == "/api/v3/post/list": // the last page, or a version without cursors
			if len(doc.Posts) == size {
				pg.next = strconv.Itoa(number + 1)
			}
		case len(doc.Posts)+len(doc.Comments) > 0:
			pg.next = strconv.Itoa(number + 1)
		}
		return pg, nil
	}})
}

// slow makes a SlowDown of Lemmy's own form of a rate limit: 400 with rate_limit_error.
func (s *lemmy) slow(err error) error {
	var no *RefusedError
	if errors.As(err, &no) && strings.Contains(no.Detail, "rate_limit") {
		return &SlowDown{s.deps.Now().Add(10 * time.Minute), "Lemmy said rate_limit_error"}
	}
	return err
}

func (s *lemmy) add(raw json.RawMessage, pg *page) {
	var v lemmyView
	err := json.Unmarshal(raw, &v)
	p := v.Post
	m := brand.Mention{
		ID: p.URI, Source: "lemmy", At: p.Published.Time, Author: v.Creator.Actor, AuthorName: v.Creator.Shown, Title: p.Name, Text: p.Body, URL: p.URI, Kind: brand.Post,
		Likes: v.Counts.Upvotes, Replies: v.Counts.Comments,
	}
	gone := p.Deleted || p.Removed
	if c := v.Comment; c != nil {
		m.ID, m.URL, m.At, m.Title, m.Text, m.Kind, m.InReplyTo, m.Replies = c.URI, c.URI, c.Published.Time, "", c.Content, brand.Reply, p.URI, 0
		gone = c.Deleted || c.Removed
		if up := strings.Split(c.Path, "."); len(up) > 2 {
			m.InReplyTo = s.base + "/comment/" + up[len(up)-2]
		}
	}
	if m.AuthorName == "" {
		m.AuthorName = v.Creator.Name
	}
	if m.Text == "" {
		m.Text = m.Title
	}
	if err == nil && (m.ID == "" || m.At.IsZero()) {
		err = errors.New("it has no ap_id or published")
	}
	switch {
	case err != nil:
		pg.bad = append(pg.bad, unreadable(raw, fmt.Errorf("read a post of Lemmy: %w", err)))
	case gone:
		pg.gone = append(pg.gone, m.ID)
	default:
		pg.mentions = append(pg.mentions, m)
	}
}
