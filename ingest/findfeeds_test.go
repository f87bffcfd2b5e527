package ingest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestTheFeedsOfASiteAreFound(t *testing.T) {
	feed := `<?xml version="1.0"?><rss version="2.0"><channel><title>News</title><item><guid>1</guid><title>Acme</title><pubDate>Sat, 14 Mar 2026 18:00:00 GMT</pubDate></item></channel></rss>`
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<html><head><link rel="stylesheet" href="/a.css"><link rel="alternate" type="application/rss+xml" href="/politik.rss"><LINK REL="alternate" TYPE="application/atom+xml" HREF="broken.xml"><link rel=alternate type="application/rss+xml" href="javascript:alert(1)"></head><body><a href="/sport/feed">Sport</a><a href="/feedback">Feedback</a></body></html>`)
	})
	mux.HandleFunc("GET /politik.rss", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, feed) })
	mux.HandleFunc("GET /sport/feed", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, feed) })
	mux.HandleFunc("GET /silent/{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html></html>") })
	mux.HandleFunc("GET /atom.xml", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, feed) })
	srv := httptest.NewServer(mux)
	defer srv.Close()
	u, _ := url.Parse(srv.URL)
	client := func() *http.Client { return NewClient(map[string]bool{u.Host: true}, "") }
	for page, want := range map[string]string{"/": "/politik.rss named by the page, /sport/feed named by the page", "/silent/": "/atom.xml a usual place", "/politik.rss": "/politik.rss the address itself"} {
		found, err := Find(t.Context(), client(), srv.URL+page)
		var got []string
		for _, f := range found {
			got = append(got, strings.TrimPrefix(f.URL, srv.URL)+" "+f.How)
		}
		if err != nil || strings.Join(got, ", ") != want {
			t.Errorf("%s: got %q, %v; want %q", page, got, err, want)
		}
	}
	if _, err := Find(t.Context(), NewClient(nil, ""), srv.URL); err == nil || !strings.Contains(err.Error(), "private address") {
		t.Errorf("inside: got %v", err)
	}
	if _, err := Find(t.Context(), client(), "gopher://x"); err == nil {
		t.Error("gopher is no site")
	}
	tried, err := Try(t.Context(), Config{Kind: "feed", URL: srv.URL + "/politik.rss", AllowPrivate: true}, topics, "", 5, time.Minute)
	if err != nil || len(tried.Mentions) != 1 || tried.Mentions[0].Title != "Acme" {
		t.Errorf("tried: %+v, %v", tried, err)
	}
}
