package ingest

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brandmelder/store/sqlite"

	"golang.org/x/time/rate"
)

// A feed with a hub is visited when the hub pushes, long before its next visit. A push with a wrong signature has no
// effect.
func TestAHubSaysWhenThereIsSomethingNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		items, visits, asked := 1, 0, url.Values{}
		mux := http.NewServeMux()
		mux.HandleFunc("GET feed.test/rss", func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			visits++
			fmt.Fprint(w, `<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>N</title><atom:link rel="hub" href="http://hub.test/"/><atom:link rel="self" href="http://feed.test/rss"/>`)
			for i := range items {
				fmt.Fprintf(w, `<item><guid>%d</guid><title>acme n%dn</title><pubDate>%s</pubDate></item>`, i, i, time.Now().Add(-time.Hour).Format(time.RFC1123Z))
			}
			fmt.Fprint(w, `</channel></rss>`)
		})
		mux.HandleFunc("POST hub.test/", func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			_ = r.ParseForm()
			asked = r.PostForm
			w.WriteHeader(http.StatusAccepted)
		})
		st, err := sqlite.Open(t.Context(), ":memory:")
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		l, err := assemble(st, []Config{{Kind: "feed", Name: "my paper", URL: "http://feed.test/rss", Every: 24 * time.Hour}}, Deps{Client: network(t, mux, rate.Inf), Topics: topics}, Options{Holder: "t", Public: "https://bm.example"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- l.Run(ctx) }()
		defer func() {
			cancel()
			<-ended
		}()
		time.Sleep(time.Minute)
		mu.Lock()
		form := asked
		mu.Unlock()
		callback, err := url.Parse(form.Get("hub.callback"))
		if err != nil || form.Get("hub.mode") != "subscribe" || form.Get("hub.topic") != "http://feed.test/rss" || !strings.HasPrefix(callback.String(), "https://bm.example/hooks/my%20paper?k=") || len(form.Get("hub.secret")) != 64 {
			t.Fatalf("the hub was asked %v", form)
		}
		ask := func(method, target, body, signature string) (int, string) {
			r := httptest.NewRequest(method, target, strings.NewReader(body))
			r.Header.Set("X-Hub-Signature", signature)
			w := httptest.NewRecorder()
			l.Handler().ServeHTTP(w, r)
			return w.Code, w.Body.String()
		}
		question := callback.RequestURI() + "&hub.mode=subscribe&hub.topic=http://feed.test/rss&hub.challenge=abc&hub.lease_seconds=86400"
		if code, text := ask(http.MethodGet, question, "", ""); code != http.StatusOK || text != "abc" {
			t.Errorf("asked back: got %d %q", code, text)
		}
		if code, _ := ask(http.MethodGet, strings.Replace(question, "k=", "k=0", 1), "", ""); code != http.StatusNotFound {
			t.Errorf("an address that is not ours: %d", code)
		}
		push := func(secret string) {
			t.Helper()
			mac := hmac.New(sha1.New, []byte(secret))
			mac.Write([]byte("<rss/>"))
			if code, _ := ask(http.MethodPost, callback.RequestURI(), "<rss/>", "sha1="+hex.EncodeToString(mac.Sum(nil))); code != http.StatusAccepted {
				t.Errorf("a push: %d", code)
			}
			time.Sleep(10 * time.Second)
		}
		mu.Lock()
		items, visits = 2, 0
		mu.Unlock()
		if push("wrong"); visits != 0 {
			t.Errorf("a wrong push leads to %d visits", visits)
		}
		push(form.Get("hub.secret"))
		es, err := st.After(t.Context(), "", 10)
		if err != nil || len(es) != 2 || visits != 1 {
			t.Errorf("after the push: %d mentions, %d visits, %v", len(es), visits, err)
		}
		if note := l.sources[0].status.Note; !strings.HasPrefix(note, "its hub reports new items until 2000-01-02") {
			t.Errorf("the status says %q", note)
		}
	})
}
