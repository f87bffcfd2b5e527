package ingest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestArticlesAreReadWholeWhereRobotsMay(t *testing.T) {
	long := strings.Repeat("<p>Der Röster Acme ruft seinen Kaffee zurück, weil er nach Seife schmeckt. Betroffen sind zwölf Filialen in Köln und Umgebung, sagte eine Sprecherin.</p>", 8)
	var visits atomic.Int32
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	defer srv.Close()
	mux.HandleFunc("GET /feed", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<?xml version="1.0"?><rss version="2.0"><channel><title>N</title>`)
		for i, path := range []string{"open/1", "closed/2", "missing/3", "pdf/4", "latin/5"} {
			fmt.Fprintf(w, `<item><guid>%d</guid><title>Kurz %d</title><link>%s/%s</link><pubDate>Sat, 14 Mar 2026 18:0%d:00 GMT</pubDate></item>`, i, i, srv.URL, path, i)
		}
		fmt.Fprint(w, `</channel></rss>`)
	})
	mux.HandleFunc("GET /robots.txt", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "User-agent: *\nDisallow: /closed/\n")
	})
	article := func(w http.ResponseWriter, _ *http.Request) {
		visits.Add(1)
		fmt.Fprintf(w, `<html><head><title>x</title></head><body><nav><a href="/">Start</a></nav><article><h1>Acme</h1>%s</article><footer>Impressum</footer></body></html>`, long)
	}
	mux.HandleFunc("GET /open/", article)
	mux.HandleFunc("GET /closed/", func(http.ResponseWriter, *http.Request) { t.Error("robots.txt does not allow this") })
	mux.HandleFunc("GET /pdf/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/pdf")
		fmt.Fprint(w, "%PDF")
	})
	mux.HandleFunc("GET /latin/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
		fmt.Fprintf(w, "<html><body><article>%s</article></body></html>", strings.NewReplacer("ö", "\xf6", "ü", "\xfc").Replace(long))
	})
	s := source(t, Config{Kind: "feed", URL: srv.URL + "/feed", FullText: true})
	ms, _, cursor, err := listenOnce(t, s, "")
	if err != nil || len(ms) != 5 {
		t.Fatalf("got %d, %v", len(ms), err)
	}
	for i, whole := range []bool{true, false, false, false, true} {
		if got := strings.Contains(ms[i].Text, "zwölf Filialen in Köln"); got != whole || strings.Contains(ms[i].Text, "Impressum") {
			t.Errorf("item %d: got %.80q", i, ms[i].Text)
		}
		if ms[i].Title != fmt.Sprint("Kurz ", i) {
			t.Errorf("item %d has the title %q", i, ms[i].Title)
		}
	}
	if _, _, _, err := listenOnce(t, s, cursor); err != nil || visits.Load() != 1 {
		t.Errorf("read again: %d visits, %v", visits.Load(), err)
	}
}
