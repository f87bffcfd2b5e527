package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
)

// Networks, a feed and a channel answer with what clears a terminal, sets its title, turns its lines around or forges a
// line of its own. The command shows what was said on one line, and none of the rest.
// Fails on e679f07: the sequences and the forged line came out as they were.
func TestNoServerWritesOnTheTerminal(t *testing.T) {
	const evil = "\x1b[2J\x1b]0;owned\x07\u202eno\u202c\u009b1mfail\nbrandmelder: all is well\u2028brandmelder: calm"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/feed" {
			var text bytes.Buffer
			_ = xml.EscapeText(&text, []byte("acme \u202eburns\u202c\u009b1m\nbrandmelder: all is well"))
			_, _ = fmt.Fprintf(w, `<rss version="2.0"><channel><title>x</title><item><guid>1</guid><title>%s</title>`+
				`<pubDate>%s</pubDate></item></channel></rss>`, text.String(), time.Now().UTC().Format(time.RFC1123Z))
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": evil})
	}))
	defer srv.Close()
	raw := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 500 \x1b[2J\u202eowned\r\nContent-Length: 0\r\n\r\n")
	}))
	defer raw.Close()
	conf := filepath.Join(t.TempDir(), "c.yaml")
	text := fmt.Sprintf(`topics: [{name: acme, query: acme}]
channels: [{name: bad, kind: webhook, url: %q}]
sources:
  - {kind: lemmy, name: l, url: %q, communities: [kaffee], allow_private: true}
  - {kind: mastodon, name: m, url: %[2]q, tags: [acme], mode: poll, allow_private: true}
  - {kind: feed, name: f, url: %q, allow_private: true}
`, raw.URL, srv.URL, srv.URL+"/feed")
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"source test l":    "500 Internal Server Error",
		"source test m":    "500 Internal Server Error",
		"source test f":    "acme burns",
		"channel test bad": "the other side answered 500 Internal Server Error",
	} {
		got, _ := exec.Command("brandmelder", append(strings.Fields(args), "--config", conf)...).CombinedOutput()
		if !strings.Contains(string(got), want) {
			t.Errorf("%s: got %q, want %q in it", args, got, want)
		}
		if strings.Contains(string(got), "\nbrandmelder: all") || strings.Contains(string(got), "\nbrandmelder: calm") {
			t.Errorf("%s: a line is forged: %q", args, got)
		}
		if strings.ContainsFunc(string(got), func(r rune) bool {
			return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
		}) {
			t.Errorf("%s: got %q", args, got)
		}
	}
}
