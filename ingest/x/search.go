package x

import (
	"context"
	"errors"
	"net/url"
	"strconv"
)

const (
	maxPages = 50   // of a query in one visit; the next visit goes on
	maxToken = 1000 // bytes of a page token; X's are shorter
)

// search reads all posts of the queries by recent search.
type search struct {
	client
	queries []string // each within maxQuery
}

// Listen reads the new posts of each query.
func (s *search) Listen(ctx context.Context, position string, emit Emit) error {
	return s.all(ctx, decodeCursor(position), emit)
}

// all reads the new posts of each query.
func (s *search) all(ctx context.Context, cur *cursor, emit Emit) error {
	for _, q := range s.queries {
		p := cur.Queries[q]
		if p == nil {
			p = &progress{}
			cur.Queries[q] = p
		}
		if err := s.one(ctx, q, p, cur, emit); err != nil {
			return err
		}
	}
	return nil
}

// one reads the new posts of a query, page by page. After older pages that an earlier visit left, it reads from the
// top once more, for the posts that were published since.
func (s *search) one(ctx context.Context, q string, p *progress, cur *cursor, emit Emit) error {
	p.check(s.deps.Now())
	again := p.Next != ""
	if !again && p.Since != "" {
		// Counts are not billed as reads: a query without new posts costs none.
		if n, err := s.count(ctx, q, p.Since); err != nil || n == 0 {
			return err
		}
	}
	for range maxPages {
		found, err := s.page(ctx, q, p)
		if errors.Is(err, errTooOld) && (p.Since != "" || p.Next != "") {
			*p = progress{} // X keeps seven days: begin with what it still has
			continue
		}
		if err != nil {
			return err
		}
		p.advance(found, s.deps.Now())
		b := found.batch()
		if b.Cursor, err = cur.encode(); err != nil {
			return err
		}
		if err := emit(ctx, b); err != nil {
			return err
		}
		if p.Next == "" && !again {
			return nil
		}
		again = again && p.Next != ""
	}
	return nil
}

func (s *search) page(ctx context.Context, q string, p *progress) (*page, error) {
	v := url.Values{"query": {q}, "max_results": {strconv.Itoa(maxPosts)}}
	if p.Since != "" {
		v.Set("since_id", p.Since)
	}
	if p.Next != "" {
		v.Set("next_token", p.Next)
	}
	setFields(v)
	var found page
	err := s.get(ctx, "/2/tweets/search/recent", v, &found)
	return &found, err
}

// count returns the number of posts of a query after an ID, or 1 where X cannot count so far back.
func (s *search) count(ctx context.Context, q, since string) (int, error) {
	v := url.Values{"query": {q}, "since_id": {since}, "granularity": {"day"}}
	var doc struct {
		Meta struct {
			Total int `json:"total_tweet_count"`
		} `json:"meta"`
	}
	err := s.get(ctx, "/2/tweets/counts/recent", v, &doc)
	if errors.Is(err, errTooOld) {
		return 1, nil
	}
	return doc.Meta.Total, err
}
