package ingest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"brandmelder/ingest/x/xtest"
)

// readX makes a source that reads the simulated X.
func readX(t *testing.T, url string, c Config) Source {
	t.Helper()
	c.Kind, c.Token, c.BaseURL = "x", "geheim", url
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	s, err := newX(c, Deps{Client: &http.Client{Transport: transport}, Topics: topics, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A refused token needs a person, and is not in the error. A limit names the time of the next visit.
func TestRefusalsOfXAreThoseOfAnySource(t *testing.T) {
	for _, c := range []Config{{}, {API: "v1.1"}, {Mode: "stream"}} {
		srv := xtest.New(t, "another")
		srv.Post(time.Now(), "en", "acme")
		_, _, _, err := listenOnce(t, readX(t, srv.URL, c), "")
		if !errors.Is(err, ErrGiveUp) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%+v: got %v", c, err)
		}
	}
	srv := xtest.New(t, "geheim")
	srv.Next(xtest.TooMany)
	var slow *SlowDown
	if _, _, _, err := listenOnce(t, readX(t, srv.URL, Config{}), ""); !errors.As(err, &slow) {
		t.Errorf("got %v, want a SlowDown", err)
	}
}

// X refuses a cursor that is older than its memory. The source begins with what X still has.
func TestAnOutdatedCursorOfXBeginsAnew(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("since_id") != "" {
			http.Error(w, `{"errors":[{"message":"'since_id' must be a tweet id created after a week ago"}],"title":"Invalid Request"}`, http.StatusBadRequest)
			return
		}
		writeJSON(w, obj{"data": arr{obj{"id": "20", "text": "acme", "created_at": "2026-03-14T18:00:00Z"}}, "meta": obj{"newest_id": "20"}})
	}))
	defer srv.Close()
	ms, _, _, err := listenOnce(t, readX(t, srv.URL, Config{}), `{"queries":{"(acme)":{"since":"7"}}}`)
	if err != nil || len(ms) != 1 {
		t.Errorf("got %v, %v; want the post", ms, err)
	}
}

// Pages and metrics show how many posts may still be read, where there is a limit.
func TestABudgetOfXIsShown(t *testing.T) {
	s := readX(t, "http://x.test", Config{ReadsPerMonth: 1000})
	if left, limited := s.(budgeted).Left(); left != 1000 || !limited {
		t.Errorf("got %d, %v; want 1000 posts", left, limited)
	}
	if _, limited := readX(t, "http://x.test", Config{}).(budgeted).Left(); limited {
		t.Error("a source without reads_per_month shows a budget")
	}
}
