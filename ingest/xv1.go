package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"strconv"
	"time"

	"brandmelder/brand"

	"github.com/dghubble/go-twitter/twitter"
)

// xv1 listens to the search of API v1.1, for the contracts that still have it, by go-twitter. Why not for v2 as well: docs/sources.md.
type xv1 struct {
	deps    Deps
	client  *twitter.Client
	queries []string
}

// xv1Pages is the most pages of one query in a visit: what X keeps for search, a week, has fewer.
const xv1Pages = 1000

// xv1Values is the most values of an answer: go-twitter makes a large structure of each.
const xv1Values = 30_000

// v1Transport carries the token, and go-twitter's calls to another server where one is configured.
type v1Transport struct {
	next        http.RoundTripper
	token, base string
}

func (t *v1Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+t.token)
	if t.base != xAPI {
		u, err := r.URL.Parse(t.base + r.URL.RequestURI())
		if err != nil {
			return nil, err
		}
		r.URL, r.Host = u, u.Host
	}
	res, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	doc, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err == nil {
		err = checkJSON(doc, xv1Values)
	}
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(doc))
	return res, nil
}

func newXv1(token, base string, queries []string, d Deps) Source {
	c := *d.Client
	c.Timeout = fetchTimeout // go-twitter takes no context
	c.Transport = &v1Transport{next: d.Client.Transport, token: token, base: base}
	return &xv1{deps: d, client: twitter.NewClient(&c), queries: queries}
}

// Listen pages back from the newest post to the cursor, which is the newest ID heard. Only when all pages are on the stream does it move.
func (s *xv1) Listen(ctx context.Context, cursor string, emit Emit) error {
	since, _ := strconv.ParseInt(cursor, 10, 64)
	if !xID(cursor, s.deps.Now()) {
		since = 0 // that of a clock that was wrong
	}
	newest := since
	for _, q := range s.queries {
		before := int64(0)
		for range xv1Pages {
			if err := ctx.Err(); err != nil {
				return err
			}
			found, res, err := s.client.Search.Tweets(&twitter.SearchTweetParams{Query: q, SinceID: since, MaxID: before, Count: xPage, ResultType: "recent", TweetMode: "extended"})
			if res != nil && res.StatusCode/100 != 2 {
				return xError(res, nil, s.deps.Now())
			}
			if err != nil {
				return fmt.Errorf("search v1.1: %w", redact(err))
			}
			b := Batch{Cursor: cursor}
			for i := range found.Statuses {
				t := &found.Statuses[i]
				m, err := v1Mention(t)
				if err != nil {
					b.Bad = append(b.Bad, unread([]byte(t.IDStr), err))
					continue
				}
				b.Mentions = append(b.Mentions, m)
				if xID(strconv.FormatInt(t.ID, 10), s.deps.Now()) {
					newest = max(newest, t.ID)
				}
				if before == 0 || t.ID <= before {
					before = t.ID - 1
				}
			}
			if err := emit(ctx, b); err != nil {
				return err
			}
			if len(found.Statuses) == 0 { // a page that is not full says nothing: deleted posts are taken out of it
				break
			}
		}
	}
	if newest == since {
		return nil
	}
	return emit(ctx, Batch{Cursor: strconv.FormatInt(newest, 10)})
}

func v1Mention(t *twitter.Tweet) (brand.Mention, error) {
	at, err := time.Parse(time.RubyDate, t.CreatedAt)
	if err != nil {
		return brand.Mention{}, fmt.Errorf("read a post of X v1.1: created_at: %w", err)
	}
	text := t.FullText
	if text == "" {
		text = t.Text
	}
	m := brand.Mention{ID: "x:" + t.IDStr, Source: "x", At: at, Text: html.UnescapeString(text), Kind: brand.Post, Likes: int64(t.FavoriteCount), Reposts: int64(t.RetweetCount)}
	if t.Lang != "und" {
		m.Lang = t.Lang
	}
	if t.User != nil {
		m.Author, m.AuthorName, m.Followers = t.User.ScreenName, t.User.Name, int64(t.User.FollowersCount)
		m.URL = "https://x.com/" + m.Author + "/status/" + t.IDStr
	}
	switch {
	case t.RetweetedStatus != nil:
		m.Kind, m.Reposts = brand.Repost, 0
	case t.InReplyToStatusIDStr != "":
		m.Kind, m.InReplyTo = brand.Reply, "x:"+t.InReplyToStatusIDStr
	}
	return m, nil
}
