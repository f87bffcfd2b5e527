package ingest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
	"brandmelder/store/sqlite"

	"github.com/cenkalti/backoff/v5"
)

// An article's page is made to become a hundred million nodes, or to be looked through for hours: its mention keeps
// what the feed says, and the visit goes on.
//
// Fails on 0005da9: the page of 7 KB takes 2 s and 124 MiB; one of 1 MiB takes all memory.
func TestAHostilePageIsNotReadInFull(t *testing.T) {
	var again strings.Builder
	again.WriteString("<p>")
	for i := range 450 {
		fmt.Fprintf(&again, "<b a=%d>", i)
	}
	again.WriteString(strings.Repeat("<p>x", 200_000))
	article := "<html><body><article>" + strings.Repeat("<p>The whole story of acme, told at length, with its commas, and more of them.</p>", 30) + "</article></body></html>"
	for name, c := range map[string]struct {
		page string
		read bool
	}{
		"an article": {article, true}, "formatting": {again.String(), false}, "deep": {strings.Repeat("<div>", 150_000), false}, "many": {strings.Repeat("<div>x</div>", 80_000), false},
		"deep text":  {strings.Repeat("<div>", 500) + strings.Repeat("<p>text, with commas, and such", 20_000), false},
		"attributes": {"<div " + strings.Repeat("a=b ", 250_000) + ">" + article, false}, "a script": {"<script>" + strings.Repeat("x", 300_000) + "</script>" + article, true},
	} {
		p := &pages{deps: Deps{Now: time.Now, Log: slog.New(slog.DiscardHandler), Client: &http.Client{Transport: oneAnswer(func(r *http.Request) string {
			if r.URL.Path == "/robots.txt" {
				return ""
			}
			return c.page
		})}}}
		m := brand.Mention{URL: "http://a.test/x", Text: "short"}
		begun := time.Now()
		p.fill(t.Context(), []*brand.Mention{&m})
		if c.read != (len(m.Text) > 1000) && name != "attributes" {
			t.Errorf("%s: the text is %.60q", name, m.Text)
		}
		if d := time.Since(begun); d > 10*time.Second {
			t.Errorf("%s: it took %s", name, d)
		}
	}
}

// The rules of a site are without end: it counts as one that allows nothing.
func TestEndlessRulesAllowNothing(t *testing.T) {
	p := &pages{deps: Deps{Now: time.Now, Log: slog.New(slog.DiscardHandler), Client: &http.Client{Transport: oneAnswer(func(r *http.Request) string {
		if r.URL.Path == "/robots.txt" {
			return "User-agent: *\n" + strings.Repeat("Disallow: /*a*b$\n", 30_000)
		}
		return "<p>" + strings.Repeat("word ", 1000)
	})}}}
	m := brand.Mention{URL: "http://a.test/x", Text: "short"}
	if p.fill(t.Context(), []*brand.Mention{&m}); m.Text != "short" {
		t.Errorf("got %.60q", m.Text)
	}
}

// A batch holds more that cannot be read than anybody looks through, and a server's words are endless: what is kept of
// them is small, and says how many there were.
//
// Fails on 0005da9: 100,000 dead letters are written, one of 10 MiB, and the status holds 1 MiB of the server's words.
func TestDeadLettersAndWordsOfServersAreFew(t *testing.T) {
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	l, err := New(st, []Config{{Kind: "feed", Name: "paper", URL: "http://a.test"}}, nil, Options{Holder: "t"})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("ü", 5<<20)
	b := Batch{Bad: []Bad{{long, errors.New(long)}}, Mentions: []brand.Mention{{ID: "1", At: time.Now(), Text: "acme"}}}
	for i := range 10_000 {
		b.Bad = append(b.Bad, Bad{fmt.Sprint(i), errors.New("no")})
	}
	if err := l.emit(t.Context(), l.sources[0], b); err != nil {
		t.Fatal(err)
	}
	letters, err := st.ListDeadLetters(t.Context(), 100_000)
	if err != nil || len(letters) != maxBadKept+1 {
		t.Fatalf("%d dead letters, %v; want %d and one more", len(letters), err, maxBadKept)
	}
	reported := false
	for _, d := range letters {
		reported = reported || strings.Contains(d.Error, "10001 items since")
		if len(d.Item) > store.MaxItem || len(d.Error) > maxError {
			t.Errorf("a dead letter has %d bytes, its error %d", len(d.Item), len(d.Error))
		}
	}
	if !reported {
		t.Error("no dead letter says how many there were")
	}
	if es, err := st.After(t.Context(), "", 10); err != nil || len(es) != 1 {
		t.Errorf("%d mentions, %v; what is right is kept", len(es), err)
	}
	l.nextVisit(l.sources[0], errors.New(long), backoff.NewExponentialBackOff())
	if s := l.sources[0].status.Error; len(s) > maxError {
		t.Errorf("the status has %d bytes", len(s))
	}
}
