package x

import (
	"net/http"
	"testing"
	"time"

	"brandmelder/brand"
)

// An answer redirects to another host. That host gets no token.
//
// Fails on b7f8ac7: the transport added the token to each request, also after a redirect.
func TestTheTokenOfV1IsNotSentToAnotherHost(t *testing.T) {
	reached, token := false, ""
	mux := http.NewServeMux()
	mux.HandleFunc("x.test/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://other.test/", http.StatusFound)
	})
	mux.HandleFunc("other.test/", func(w http.ResponseWriter, r *http.Request) {
		reached, token = true, r.Header.Get("Authorization")
		_, _ = w.Write([]byte(`{"statuses":[]}`))
	})
	s, err := New(Config{Token: "geheim", BaseURL: "http://x.test", API: "v1.1"}, depsOf(&http.Client{Transport: served{mux}}, time.Now, brand.Topic{Name: "a", Query: "acme"}))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := listen(t, s, ""); err != nil {
		t.Fatal(err)
	}
	if !reached || token != "" {
		t.Errorf("the other host was reached: %v, with the token %q", reached, token)
	}
}
