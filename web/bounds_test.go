package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/people"
	"brandmelder/playbooks"
	"brandmelder/store"
	"brandmelder/store/sqlite"
)

// A page whose store does not answer ends with a sentence, and not with a connection that hangs.
//
// Fails on 0005da9: a page waited as long as its store.
func TestAPageThatTakesTooLongIsGivenUp(t *testing.T) {
	g := newGate(t, nil)
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	slow := func(_ *Server, _ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return context.Cause(r.Context())
	}
	g.serve(route{"GET /", visitors, slow}, time.Millisecond).ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "took too long") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// A page stays small and quick whatever is stored: large unknown fields, thousands of events and calls, a curve of
// a thousand years, documents that nobody can read, an incident without spikes.
//
// Fails on 0005da9: one unreadable document took every page away (500), an incident without spikes made its page
// panic, and the incident's page had 23 MB: the whole timeline and all texts stood on it. The curve had a time
// written for each six hours of its ten thousand years.
func TestAPageIsBoundedWhateverIsStored(t *testing.T) {
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	ctx := t.Context()
	long := strings.Repeat("acme is on fire ", 4000) // 64 KB
	ev := brand.Evidence{Sources: map[string]int{}, Languages: map[string]int{}}
	var calls []incident.Call
	var events []incident.Event
	for i := range 2000 {
		m := brand.Mention{ID: fmt.Sprint(i), At: t0, Source: "x", Author: long, Text: long}
		if i < 60 {
			ev.Samples = append(ev.Samples, m)
			ev.Clusters = append(ev.Clusters, brand.Cluster{First: m, Copies: 3, Sources: map[string]int{long: 1}})
			ev.Terms = append(ev.Terms, brand.Term{Text: long})
			ev.Amplifiers = append(ev.Amplifiers, brand.Amplifier{Name: long})
		}
		ev.Sources[fmt.Sprint(i, long[:100])], ev.Languages[fmt.Sprint("l", i)] = i, i
		events = append(events, incident.CallFailed{Person: "anna", Channel: "c", Error: long[:1000]})
		if i%10 == 0 {
			events = append(events, incident.Noted{Text: long[:4000]})
		}
		calls = append(calls, incident.Call{ID: fmt.Sprint(i), Incident: "i", Created: t0, Due: t0, Error: long[:1000]})
	}
	spike := brand.Spike{ID: "s", Topic: "acme", Began: t0, Detected: t0, Evidence: ev}
	opened := incident.Opened{ID: "i", Kind: incident.Crisis, Spike: incident.Brief(spike)}
	save(t, st, incident.State{}, "anna", store.Change{Evidence: []brand.Spike{spike}, Calls: calls}, append([]incident.Event{opened}, events...)...)
	keep(t, st, incident.State{Summary: incident.Summary{ID: "bare", Kind: incident.Crisis, Detected: t0}})
	var curve []brand.Point
	for year := 1; year < 9999; year++ {
		curve = append(curve, brand.Point{At: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), Voices: 1e300, High: 2})
	}
	curve = append(curve[:1:1], curve...)
	if err := st.SaveStatus(ctx, store.TopicStatus{Name: "acme", Query: long, Curve: curve}); err != nil {
		t.Fatal(err)
	}
	var ms []brand.Mention
	for i := range 300 {
		at := t0.Add(-time.Duration(i/20) * time.Minute)
		ms = append(ms, brand.Mention{ID: fmt.Sprint("m", i), At: at, Source: "x", Author: long, Text: long})
	}
	if _, err := st.Append(ctx, t0, ms); err != nil {
		t.Fatal(err)
	}
	es, err := st.After(ctx, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	var matches []store.Match
	for _, e := range es {
		matches = append(matches, store.Match{Topic: "acme", Pos: e.Pos, At: e.Mention.At, Weight: 1})
	}
	if err := st.Keep(ctx, matches); err != nil {
		t.Fatal(err)
	}
	shelf, err := playbooks.Load("builtin:en")
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{
		Store: st, Desk: &alert.Desk{Shelf: shelf, Lang: "en", People: &people.People{}},
		Topics: []brand.Topic{{Name: "acme", Query: "acme"}},
		Now:    func() time.Time { return t0.Add(time.Minute) }, Log: slog.New(slog.DiscardHandler), Visitor: here(""),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/incidents/i", "/incidents/bare", "/topics", "/topics/acme", "/sources"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost"
		w := httptest.NewRecorder()
		began := time.Now()
		s.ServeHTTP(w, r)
		took := time.Since(began)
		body, err := io.ReadAll(w.Result().Body)
		if err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusOK || !strings.HasSuffix(strings.TrimSpace(string(body)), "</html>") {
			t.Errorf("%s: got %d %.200s", path, w.Code, body)
		}
		const most = 2 << 20
		if len(body) > most || took > 10*time.Second {
			t.Errorf("%s has %d KB and took %s", path, len(body)>>10, took)
		}
	}
}

// All mentions of a topic are found in the order of their times, also where many have the same.
func TestMentionsAreReadInPortionsAndNoneIsMissed(t *testing.T) {
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	ctx := t.Context()
	var ms []brand.Mention
	for i := range 500 {
		ms = append(ms, brand.Mention{
			ID: fmt.Sprint(i), At: t0.Add(-time.Duration(i/9) * time.Second), Source: "x", Text: "acme",
			Extra: map[string]json.RawMessage{"k": json.RawMessage(`"v"`)},
		})
	}
	if _, err := st.Append(ctx, t0, ms); err != nil {
		t.Fatal(err)
	}
	es, err := st.After(ctx, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	var matches []store.Match
	for _, e := range es {
		matches = append(matches, store.Match{Topic: "acme", Pos: e.Pos, At: e.Mention.At, Weight: 1})
	}
	if err := st.Keep(ctx, matches); err != nil {
		t.Fatal(err)
	}
	s := &Server{opt: Options{Store: st}}
	got, err := s.matched(ctx, "acme", t0.Add(-time.Hour), t0.Add(time.Second))
	if err != nil || len(got) != len(ms) {
		t.Fatalf("got %d, %v, want %d", len(got), err, len(ms))
	}
	for i := 1; i < len(got); i++ {
		if got[i].At.After(got[i-1].At) || got[i].Mention.Extra != nil {
			t.Fatalf("%d: %s comes after %s", i, got[i].At, got[i-1].At)
		}
	}
}
