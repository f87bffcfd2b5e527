package x

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"brandmelder/brand"

	"github.com/dghubble/go-twitter/twitter"
)

// v1 reads the search of API v1.1 with go-twitter, for the contracts that still have it. docs/sources.md says why v2
// has a client of its own.
type v1 struct {
	now     func() time.Time
	client  *twitter.Client
	queries []string
}

const (
	// v1Pages is the most pages of one query in a visit: the week that X keeps for search has fewer.
	v1Pages = 1000
	// v1Values is the most values of an answer: go-twitter makes a large structure of each.
	v1Values = 30_000
)

// v1Transport adds the token to go-twitter's requests, and sends them to the configured server.
type v1Transport struct{ api client }

func (t v1Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+t.api.token)
	if t.api.base != baseURL {
		u, err := r.URL.Parse(t.api.base + r.URL.RequestURI())
		if err != nil {
			return nil, err
		}
		r.URL, r.Host = u, u.Host
	}
	res, err := t.api.deps.Do(r)
	if err != nil {
		return nil, err
	}
	doc, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err == nil {
		err = t.api.deps.Check(doc, v1Values)
	}
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(doc))
	return res, nil
}

func newV1(api client, queries []string) *v1 {
	c := &http.Client{Timeout: timeout, Transport: v1Transport{api}} // go-twitter takes no context
	return &v1{now: api.deps.Now, client: twitter.NewClient(c), queries: queries}
}

// Listen reads from the newest post back to the cursor, which is the newest ID of the visit before. The cursor moves
// when all pages are stored.
func (s *v1) Listen(ctx context.Context, position string, emit Emit) error {
	since, _ := strconv.ParseInt(position, 10, 64)
	if !validID(position, s.now()) {
		since = 0
	}
	newest := since
	for _, q := range s.queries {
		before := int64(0)
		for range v1Pages {
			if err := ctx.Err(); err != nil {
				return err
			}
			statuses, err := s.page(q, since, before)
			if err != nil {
				return err
			}
			b := Batch{Cursor: position}
			for i := range statuses {
				t := &statuses[i]
				m, err := v1Mention(t)
				if err != nil {
					b.Bad = append(b.Bad, Bad{[]byte(t.IDStr), err})
					continue
				}
				b.Mentions = append(b.Mentions, m)
				if validID(strconv.FormatInt(t.ID, 10), s.now()) {
					newest = max(newest, t.ID)
				}
				if before == 0 || t.ID <= before {
					before = t.ID - 1
				}
			}
			if err := emit(ctx, b); err != nil {
				return err
			}
			if len(statuses) == 0 { // a short page is not the last: X leaves out deleted posts
				break
			}
		}
	}
	if newest == since {
		return nil
	}
	return emit(ctx, Batch{Cursor: strconv.FormatInt(newest, 10)})
}

func (s *v1) page(q string, since, before int64) ([]twitter.Tweet, error) {
	found, _, err := s.client.Search.Tweets(&twitter.SearchTweetParams{
		Query: q, SinceID: since, MaxID: before, Count: maxPosts, ResultType: "recent", TweetMode: "extended",
	})
	if err != nil {
		var address *url.Error
		if errors.As(err, &address) {
			err = address.Err
		}
		return nil, fmt.Errorf("search by API v1.1: %w", err)
	}
	return found.Statuses, nil
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
	m := brand.Mention{
		ID: idPrefix + t.IDStr, Source: "x", At: at, Text: html.UnescapeString(text), Kind: brand.Post,
		Likes: int64(t.FavoriteCount), Reposts: int64(t.RetweetCount),
	}
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
		m.Kind, m.InReplyTo = brand.Reply, idPrefix+t.InReplyToStatusIDStr
	}
	return m, nil
}
