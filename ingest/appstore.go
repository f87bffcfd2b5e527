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

// appstore reads the public reviews of apps by country, from Apple's feed
// https://itunes.apple.com/de/rss/customerreviews/page=1/id=…/sortby=mostrecent/json: at most ten pages of fifty,
// some hours late.
type appstore struct {
	*service
	places []list
}

const appstorePages = 10

func newAppstore(c Config, d Deps) (Source, error) {
	if len(c.Apps) == 0 {
		return nil, errors.New("apps is missing: the numbers in the apps' addresses, such as 324684580")
	}
	s, err := newService("the App Store", c.URL, "https://itunes.apple.com", d)
	if err != nil {
		return nil, err
	}
	s.advice = "are app and country right?"
	countries := c.Countries
	if len(countries) == 0 {
		countries = []string{"de", "at", "ch", "us", "gb"}
	}
	a := &appstore{service: s}
	for _, app := range c.Apps {
		if _, err := strconv.ParseUint(app, 10, 64); err != nil {
			return nil, fmt.Errorf("apps: %q is no number; it stands behind id in the app's address", app)
		}
		for _, cc := range countries {
			cc = strings.ToLower(cc)
			a.places = append(a.places, list{app + " in " + cc, func(ctx context.Context, _ time.Time, next string) (page, error) {
				return a.reviews(ctx, app, cc, next)
			}})
		}
	}
	return a, nil
}

func (s *appstore) Listen(ctx context.Context, cursor string, emit Emit) error {
	return readLists(ctx, s.places, cursor, s.deps.Now, emit)
}

type label struct {
	Label string `json:"label"`
}

func (s *appstore) reviews(ctx context.Context, app, country, next string) (pg page, err error) {
	number := 1
	if n, err := strconv.Atoi(next); err == nil {
		number = n
	}
	var doc struct {
		Feed struct {
			Entry json.RawMessage `json:"entry"` // a list, a single entry, or nothing
		} `json:"feed"`
	}
	if _, err := s.get(ctx, fmt.Sprintf("/%s/rss/customerreviews/page=%d/id=%s/sortby=mostrecent/json", url.PathEscape(country), number, app), nil, &doc); err != nil {
		return pg, err
	}
	var entries []json.RawMessage
	if len(doc.Feed.Entry) > 0 && json.Unmarshal(doc.Feed.Entry, &entries) != nil {
		entries = []json.RawMessage{doc.Feed.Entry}
	}
	for _, raw := range entries {
		var e struct {
			ID      label `json:"id"`
			Title   label `json:"title"`
			Content label `json:"content"`
			Rating  label `json:"im:rating"`
			Version label `json:"im:version"`
			Votes   label `json:"im:voteSum"`
			Updated struct {
				Label anyTime `json:"label"`
			} `json:"updated"`
			Author struct {
				Name label `json:"name"`
				URI  label `json:"uri"`
			} `json:"author"`
		}
		err := json.Unmarshal(raw, &e)
		if err == nil && e.Rating.Label == "" {
			continue // some answers begin with the app itself
		}
		if err == nil && (e.ID.Label == "" || e.Updated.Label.IsZero()) {
			err = errors.New("it has no id or updated")
		}
		if err != nil {
			pg.bad = append(pg.bad, unreadable(raw, fmt.Errorf("read a review of the App Store: %w", err)))
			continue
		}
		likes, _ := strconv.ParseInt(e.Votes.Label, 10, 64)
		m := brand.Mention{
			ID: "appstore:" + e.ID.Label, Source: "appstore", At: e.Updated.Label.Time, Author: e.Author.URI.Label, AuthorName: e.Author.Name.Label, Title: e.Title.Label, Text: e.Content.Label,
			URL: "https://apps.apple.com/" + country + "/app/id" + app, Kind: brand.Review, Likes: likes, Extra: reviewExtra(e.Rating.Label, e.Version.Label),
		}
		if m.Author == "" {
			m.Author = m.AuthorName
		}
		pg.mentions = append(pg.mentions, m)
	}
	if len(pg.mentions) > 0 && number < appstorePages {
		pg.next = strconv.Itoa(number + 1)
	}
	return pg, nil
}

// reviewExtra returns the fields that only reviews have: 1 to 5 stars, and the version of the app.
func reviewExtra(stars, version string) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	if n, err := strconv.Atoi(stars); err == nil {
		out["stars"] = json.RawMessage(strconv.Itoa(n))
	}
	if version != "" {
		out["version"], _ = json.Marshal(version) // cannot fail
	}
	return out
}
