package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"time"

	"brandmelder/brand"
)

// hackernews searches stories and comments by https://hn.algolia.com/api.
type hackernews struct {
	*service
	terms []string
}

func newHackernews(c Config, d Deps) (Source, error) {
	s, err := newService("Hacker News", c.URL, "https://hn.algolia.com", d)
	if err != nil {
		return nil, err
	}
	terms, err := searchTerms(c, d.Topics)
	if err != nil {
		return nil, err
	}
	return &hackernews{s, terms}, nil
}

func (s *hackernews) Listen(ctx context.Context, cursor string, emit Emit) error {
	return readLists(ctx, searches(s.terms, s.search), cursor, s.deps.Now, emit)
}

func (s *hackernews) search(ctx context.Context, term string, since time.Time, next string) (pg page, err error) {
	q := url.Values{
		"query": {term}, "tags": {"(story,comment)"}, "numericFilters": {"created_at_i>=" + strconv.FormatInt(since.Unix(), 10)}, "hitsPerPage": {"100"},
		"typoTolerance": {"false"}, "advancedSyntax": {"true"},
	}
	if next != "" {
		q.Set("page", next)
	}
	var doc struct {
		Hits  []json.RawMessage `json:"hits"`
		Page  int               `json:"page"`
		Pages int               `json:"nbPages"`
	}
	if _, err := s.get(ctx, "/api/v1/search_by_date", q, &doc); err != nil {
		return pg, err
	}
	for _, raw := range doc.Hits {
		var h struct {
			ID       string  `json:"objectID"`
			At       anyTime `json:"created_at_i"`
			Author   string  `json:"author"`
			Title    string  `json:"title"`
			Story    string  `json:"story_text"`
			Comment  string  `json:"comment_text"`
			Parent   int64   `json:"parent_id"`
			Points   int64   `json:"points"`
			Comments int64   `json:"num_comments"`
		}
		err := json.Unmarshal(raw, &h)
		if err == nil && (h.ID == "" || h.At.IsZero()) {
			err = errors.New("it has no objectID or created_at_i")
		}
		if err != nil {
			pg.bad = append(pg.bad, unreadable(raw, fmt.Errorf("read an item of Hacker News: %w", err)))
			continue
		}
		m := brand.Mention{
			ID: "hn:" + h.ID, Source: "hackernews", At: h.At.Time, Author: h.Author, Title: html.UnescapeString(h.Title), Text: plain(h.Story + h.Comment), URL: "https://news.ycombinator.com/item?id=" + h.ID,
			Kind: brand.Post, Likes: h.Points, Replies: h.Comments,
		}
		if h.Parent != 0 {
			m.Kind, m.InReplyTo = brand.Reply, "hn:"+strconv.FormatInt(h.Parent, 10)
		}
		if m.Text == "" {
			m.Text = m.Title
		}
		pg.mentions = append(pg.mentions, m)
	}
	if doc.Page+1 < doc.Pages {
		pg.next = strconv.Itoa(doc.Page + 1)
	}
	return pg, nil
}
