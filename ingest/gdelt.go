package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"brandmelder/brand"
)

// gdelt searches news worldwide by the DOC 2.0 API (https://blog.gdeltproject.org/gdelt-doc-2-0-api-debuts/). It
// returns an article's title, address and time after a quarter of an hour. The search terms may appear only in the
// article's text: they are added to the mention, so that the topic's query matches.
type gdelt struct {
	*service
	terms []string
	asked time.Time
	pages *pages     // nil unless the articles are read
	read  remembered // addresses whose pages were read
}

const (
	gdeltPage = 250
	gdeltPace = 6 * time.Second // GDELT allows one request in five seconds
	gdeltForm = "20060102150405"
)

func newGdelt(c Config, d Deps) (Source, error) {
	s, err := newService("GDELT", c.URL, "https://api.gdeltproject.org", d)
	if err != nil {
		return nil, err
	}
	terms, err := searchTerms(c, d.Topics)
	if err != nil {
		return nil, err
	}
	g := &gdelt{service: s, terms: terms}
	if c.FullText {
		g.pages = &pages{deps: d}
	}
	return g, nil
}

func (s *gdelt) Listen(ctx context.Context, cursor string, emit Emit) error {
	return readLists(ctx, searches(s.terms, s.search), cursor, s.deps.Now, emit)
}

// wait keeps GDELT's pace.
func (s *gdelt) wait(ctx context.Context) error {
	if wait := gdeltPace - s.deps.Now().Sub(s.asked); wait > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
	s.asked = s.deps.Now()
	return nil
}

func (s *gdelt) search(ctx context.Context, term string, since time.Time, next string) (pg page, err error) {
	if err := s.wait(ctx); err != nil {
		return pg, err
	}
	q := url.Values{
		"query": {term}, "mode": {"artlist"}, "format": {"json"}, "sort": {"datedesc"}, "maxrecords": {fmt.Sprint(gdeltPage)},
		"startdatetime": {since.UTC().Format(gdeltForm)}, "enddatetime": {s.deps.Now().UTC().Format(gdeltForm)},
	}
	if next != "" {
		q.Set("enddatetime", next)
	}
	_, text, err := s.text(ctx, "/api/v2/doc/doc", q)
	if err != nil {
		return pg, err
	}
	if text = bytes.TrimSpace(text); len(text) == 0 {
		return pg, nil
	}
	var doc struct {
		Articles []json.RawMessage `json:"articles"`
	}
	if err := decode(text, &doc); err != nil {
		if text[0] != '{' { // an error is plain text
			return pg, fmt.Errorf("GDELT answered to %s: %.200q", term, text)
		}
		return pg, fmt.Errorf("read the answer of GDELT: %w", err)
	}
	oldest := ""
	for _, raw := range doc.Articles {
		m, err := gdeltArticle(raw)
		if err != nil {
			pg.bad = append(pg.bad, unreadable(raw, fmt.Errorf("read an article of GDELT: %w", err)))
			continue
		}
		oldest = m.At.Format(gdeltForm)
		m.Text = term
		pg.mentions = append(pg.mentions, m)
	}
	s.readPages(ctx, pg.mentions)
	if len(doc.Articles) == gdeltPage && oldest != next {
		pg.next = oldest
	}
	return pg, nil
}

func gdeltArticle(raw []byte) (m brand.Mention, err error) {
	var a struct {
		URL    string `json:"url"`
		Title  string `json:"title"`
		Seen   string `json:"seendate"` // 20230918T031500Z
		Domain string `json:"domain"`
		Lang   string `json:"language"`
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return m, err
	}
	at, err := time.Parse("20060102T150405Z", a.Seen)
	if err != nil {
		return m, err
	}
	if a.URL == "" || a.Title == "" {
		return m, errors.New("it has no url or title")
	}
	return brand.Mention{
		ID: "article:" + brand.Hash(a.URL), Source: "news", At: at, Author: a.Domain, AuthorName: a.Domain,
		Title: plain(a.Title), URL: a.URL, Lang: gdeltLanguages[a.Lang], Kind: brand.Article,
	}, nil
}

// readPages reads the articles that were not read before, if the configuration asks for them.
func (s *gdelt) readPages(ctx context.Context, ms []brand.Mention) {
	if s.pages == nil {
		return
	}
	var unread []*brand.Mention
	for i := range ms {
		m := &ms[i]
		if _, known := s.read.get(m.URL); !known {
			s.read.put(m.URL, "")
			unread = append(unread, m)
		}
	}
	s.pages.fill(ctx, unread)
}

var gdeltLanguages = map[string]string{"English": "en", "German": "de", "French": "fr", "Spanish": "es", "Italian": "it", "Portuguese": "pt", "Dutch": "nl", "Polish": "pl", "Russian": "ru", "Turkish": "tr"}
