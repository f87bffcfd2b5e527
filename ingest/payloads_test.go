package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Payloads in the form of the services' documentation, with content as in real posts: testdata/payloads. The golden
// files have the mentions that are made of them.
func TestPayloadsBecomeMentions(t *testing.T) {
	for file, c := range map[string]Config{
		"mastodon.json":   {Kind: "mastodon", Tags: []string{"acme"}},
		"bluesky.json":    {Kind: "bluesky", Mode: "search", Account: "a", Token: "b"},
		"reddit.json":     {Kind: "reddit", Search: []string{"acme"}, Account: "a", Token: "b"},
		"hackernews.json": {Kind: "hackernews"},
		"lemmy.json":      {Kind: "lemmy", Search: []string{"acme"}},
		"gdelt.json":      {Kind: "gdelt"},
		"youtube.json":    {Kind: "youtube", Channels: []string{"UCacme"}, Token: "k"},
		"telegram.json":   {Kind: "telegram", Token: "1:k"},
		"appstore.json":   {Kind: "appstore", Apps: []string{"42"}, Countries: []string{"de"}},
		"playstore.json":  {Kind: "playstore", Apps: []string{"com.acme"}, Token: serviceAccount(t)},
		"x.json":          {Kind: "x", Token: "k"},
	} {
		t.Run(file, func(t *testing.T) {
			payload, err := os.ReadFile("testdata/payloads/" + file)
			if err != nil {
				t.Fatal(err)
			}
			sent := false
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case strings.Contains(r.URL.Path, "createSession"):
					writeJSON(w, obj{"accessJwt": "t"})
				case strings.HasSuffix(r.URL.Path, "token"):
					writeJSON(w, obj{"access_token": "t", "token_type": "bearer", "expires_in": 3600})
				case sent || strings.Contains(r.URL.Path, "playlistItems"):
					fmt.Fprint(w, "{}")
				default:
					sent = true
					_, _ = w.Write(payload)
				}
			})
			srv := httptest.NewServer(h)
			defer srv.Close()
			c.URL, c.BaseURL = srv.URL, srv.URL
			c.Token = strings.ReplaceAll(c.Token, "http://service.test", srv.URL)
			now := time.Date(2026, 3, 14, 19, 0, 0, 0, time.UTC)
			s, err := kinds[c.Kind].make(c, Deps{Client: &http.Client{Transport: http.DefaultTransport}, Topics: topics, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			var all Batch
			if err := s.Listen(t.Context(), "", func(_ context.Context, b Batch) error {
				all.Mentions, all.Bad, all.Gone = append(all.Mentions, b.Mentions...), append(all.Bad, b.Bad...), append(all.Gone, b.Gone...)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/payloads/"+file+".golden", bytes.ReplaceAll(readable(&all), []byte(strings.TrimPrefix(srv.URL, "http://")), []byte("service.test")))
		})
	}
	t.Run("jetstream.jsonl", func(t *testing.T) {
		lines, err := os.ReadFile("testdata/payloads/jetstream.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		made, err := newBluesky(Config{Kind: "bluesky"}, Deps{Topics: topics, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		var all Batch
		for _, line := range bytes.Split(bytes.TrimSpace(lines), []byte("\n")) {
			b, _ := made.(*bluesky).event(line)
			all.Mentions, all.Bad, all.Gone = append(all.Mentions, b.Mentions...), append(all.Bad, b.Bad...), append(all.Gone, b.Gone...)
		}
		golden(t, "testdata/payloads/jetstream.jsonl.golden", readable(&all))
	})
}

// readable returns a batch as text for a person.
func readable(b *Batch) []byte {
	var out bytes.Buffer
	for _, m := range b.Mentions {
		if err := m.Normalise(); err != nil {
			fmt.Fprintf(&out, "not normal: %v\n", err)
		}
		doc, _ := json.Marshal(m)
		fmt.Fprintf(&out, "%s\n", doc)
	}
	for _, id := range b.Gone {
		fmt.Fprintf(&out, "gone: %s\n", id)
	}
	for _, bad := range b.Bad {
		fmt.Fprintf(&out, "bad: %v\n", strings.ReplaceAll(bad.Err.Error(), "\n", "; "))
	}
	return out.Bytes()
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%swant\n%s", file, got, want)
	}
}

func FuzzPayloads(f *testing.F) {
	entries, err := os.ReadDir("testdata/payloads")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		if payload, err := os.ReadFile("testdata/payloads/" + e.Name()); err == nil {
			f.Add(payload)
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		deps := Deps{Topics: topics, Now: time.Now, Client: &http.Client{Transport: answering(payload)}}
		for _, c := range []Config{
			{Kind: "mastodon", URL: "http://s.test"},
			{Kind: "reddit", Search: []string{"acme"}},
			{Kind: "hackernews"},
			{Kind: "lemmy", URL: "http://s.test"},
			{Kind: "youtube", Channels: []string{"UCa"}, Token: "k"},
			{Kind: "telegram", Token: "1:k"},
			{Kind: "appstore", Apps: []string{"1"}},
			{Kind: "x", Token: "k"},
			{Kind: "feed", URL: "http://s.test"},
		} {
			s, err := kinds[c.Kind].make(c, deps)
			if err != nil {
				t.Fatal(err)
			}
			// Any result is right but a panic.
			_ = s.Listen(t.Context(), "", func(context.Context, Batch) error { return errCut })
		}
		sky, _ := newBluesky(Config{}, deps)
		sky.(*bluesky).event(payload)
		_, _ = mailMention(payload, time.Now())
		m := mapping{from: map[string]string{"text": "a.b", "at": "c"}, items: "d"}
		_, _ = m.document(payload)
	})
}

var errCut = fmt.Errorf("cut")

// answering is a network with one answer to all requests.
type answering []byte

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	_, _ = rec.Write(a)
	res := rec.Result()
	res.Request = r
	return res, nil
}
