package ingest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"brandmelder/brand"
	"brandmelder/store/sqlite"

	"golang.org/x/time/rate"
)

// server counts its requests. It is on this machine, at a private address.
func server(t *testing.T, h http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	visits := &atomic.Int64{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visits.Add(1)
		if h != nil {
			h(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	return srv, visits
}

// One source may reach its own server on this machine. Another source, another port, a redirect, a linked article, a
// stream and a folder of mail may not reach private addresses.
func TestWhatOneSourceMayReachNoOtherMay(t *testing.T) {
	inside, visits := server(t, nil)
	article := inside.URL + "/admin?delete=all"
	allowed, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, inside.URL, http.StatusFound)
		case "/api/v2/instance":
			fmt.Fprintf(w, `{"configuration":{"urls":{"streaming":"ws%s"}}}`, strings.TrimPrefix(inside.URL, "http"))
		default:
			fmt.Fprint(w, rssHead+`<item><title>acme</title><guid>1</guid><link>`+article+`</link><pubDate>Sat, 14 Mar 2026 18:00:00 GMT</pubDate></item></channel></rss>`)
		}
	})
	host := strings.TrimPrefix(inside.URL, "http://")
	confs := []Config{
		{Kind: "feed", Name: "allowed", URL: allowed.URL + "/rss", AllowPrivate: true, FullText: true},
		{Kind: "feed", Name: "redirected", URL: allowed.URL + "/away", AllowPrivate: true},
		{Kind: "feed", Name: "other", URL: inside.URL},
		{Kind: "feed", Name: "same server, not allowed", URL: allowed.URL + "/rss"},
		{Kind: "lemmy", Name: "api", URL: inside.URL, Search: []string{"acme"}},
		{Kind: "mastodon", Name: "stream", URL: allowed.URL, Token: "t", AllowPrivate: true},
		{Kind: "imap", Name: "mail", URL: "imap://" + host, Account: "a", Token: "b"},
	}
	st, err := sqlite.Open(t.Context(), t.TempDir()+"/x.db")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	l, err := New(st, confs, []brand.Topic{{Name: "a", Query: "acme"}}, Options{Holder: "t"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range l.sources {
		err := s.source.Listen(t.Context(), "", func(ctx context.Context, b Batch) error { return l.emit(ctx, s, b) })
		switch s.conf.Name {
		case "allowed":
			if err != nil {
				t.Errorf("the source that may reach its server: %v", err)
			}
		default:
			if err == nil || !strings.Contains(err.Error(), "private address") {
				t.Errorf("%s: got %v, want a private address", s.conf.Name, err)
			}
		}
	}
	if n := visits.Load(); n != 0 {
		t.Errorf("what is inside was reached %d times", n)
	}
	if _, err := Try(t.Context(), confs[1], nil, "", 1, time.Minute); err == nil || !strings.Contains(err.Error(), "opens "+strings.TrimPrefix(allowed.URL, "http://")+" alone") {
		t.Errorf("tried: got %v, want what allow_private opens", err)
	}
	found, err := Find(t.Context(), NewClient(Private(allowed.URL), ""), allowed.URL+"/away")
	if err == nil || len(found) > 0 || visits.Load() != 0 {
		t.Errorf("found: got %v, %v, %d visits", found, err, visits.Load())
	}
}

func TestPrivateIsAHostWithItsPort(t *testing.T) {
	for address, want := range map[string]string{
		"http://Nas.example/x": "nas.example:80", "https://nas.example": "nas.example:443", "imap://nas.example": "nas.example:143", "imaps://nas.example": "nas.example:993",
		"http://[::1]:8080": "[::1]:8080", "nas.example": "nas.example:443", "nas.example:8443/x": "nas.example:8443",
	} {
		if got := Private(address); len(got) != 1 || !got[want] {
			t.Errorf("%s: got %v, want %s", address, got, want)
		}
	}
	if got := Private("://"); got != nil {
		t.Errorf("got %v for no address", got)
	}
	if _, _, err := net.SplitHostPort("nas.example:80"); err != nil {
		t.Error(err)
	}
}

// Sources with connections of their own share one pace at one host.
func TestSourcesShareThePaceOfAHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := answering(`{}`)
		p := &polite{pace: 1, hosts: map[string]*rate.Limiter{}}
		begun := time.Now()
		for range 3 {
			for _, rt := range []http.RoundTripper{pacedTransport{p, answer}, pacedTransport{p, answer}} {
				res, err := (&http.Client{Transport: rt}).Get("http://a.example/")
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
			}
		}
		if d := time.Since(begun); d != 2*time.Second {
			t.Errorf("six requests took %s, want 2s after a burst of four", d)
		}
	})
}
