package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/playbooks"
	"brandmelder/store"
	"brandmelder/store/sqlite"

	"github.com/chromedp/chromedp"
)

// tricks are what strangers write to turn a line around, to break a page's width, or to cover what stands beside.
var tricks = map[string]string{
	"override":  "eve \u202e\u202dsnoitartsinimda\u202e",
	"isolates":  "\u2067\u2068eve\u2066",
	"marks":     "\u200feve\u061c\u200e",
	"controls":  "eve\x1b[31m\u0085\u009b\x00",
	"hebrew":    "\u05d7\u05d5\u05d4 (7)",
	"arabic":    "\u0639\u0627\u062c\u0644: 3",
	"long word": strings.Repeat("wort", 1500),
	"accents":   "e" + strings.Repeat("\u0301\u0489", 500) + "ve",
}

// haunted is a server whose store holds the tricks in every place that strangers fill, and a drill's spike.
func haunted(t *testing.T, lang string) (*httptest.Server, string) {
	t.Helper()
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	shelf, err := playbooks.Load("builtin:de", "builtin:en")
	if err != nil {
		t.Fatal(err)
	}
	people, err := playbooks.ParsePeople("people.yaml", []byte(folk))
	if err != nil {
		t.Fatal(err)
	}
	topics := []brand.Topic{{Name: "acme", Query: "acme"}, {Name: "velta", Query: "velta", Role: brand.Competitor}}
	d := &alert.Desk{Shelf: shelf, People: people, Topics: topics, Lang: lang, Channels: []string{"c"}}
	ctx := t.Context()
	var ms []brand.Mention
	var terms []brand.Term
	var amplifiers []brand.Amplifier
	var stories []brand.Story
	n := 0
	for name, trick := range tricks {
		n++
		m := brand.Mention{ID: fmt.Sprint("m", n), At: t0.Add(-time.Duration(n) * time.Minute), Source: "feed " + trick, Author: trick, AuthorName: trick, Title: name + " " + trick, Text: "acme " + trick + "\nnext line", URL: "https://x.example/" + trick}
		ms = append(ms, m)
		terms = append(terms, brand.Term{Text: trick, Count: n})
		amplifiers = append(amplifiers, brand.Amplifier{Author: trick, Name: trick, Source: trick, Reach: 7})
		stories = append(stories, brand.Story{First: m, Told: 3, Reach: 9, Sources: map[string]int{trick: 2, "x": 1}})
		if err := st.Bury(ctx, store.DeadLetter{ID: name, At: t0, Room: "ingest", From: trick, Error: "cannot read " + trick + " here", Item: trick}); err != nil {
			t.Fatal(err)
		}
		doc, err := json.Marshal(sourceDoc{Name: "feed " + trick, Kind: "feed", State: "fails", Every: "5m", Error: "the server said " + trick + " and no more", Note: trick, LastOK: t0})
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Pin(ctx, fmt.Sprint("source/", n), doc); err != nil {
			t.Fatal(err)
		}
	}
	var series []brand.Point
	for i := range 96 {
		series = append(series, brand.Point{At: t0.Add(time.Duration(i-96) * 15 * time.Minute), Voices: float64(i % 9), High: 6})
	}
	doc, err := json.Marshal(topicDoc{Name: "acme", Query: "acme", Curve: series, New: terms})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Pin(ctx, "topic/acme", doc); err != nil {
		t.Fatal(err)
	}
	ev := brand.Evidence{Mentions: len(ms), Terms: terms, Samples: ms, First: &ms[0], Amplifiers: amplifiers, Stories: stories, Sources: map[string]int{tricks["override"]: 3, "x": 2}, Languages: map[string]int{tricks["override"]: 1}}
	spike := brand.Spike{
		ID: "s", Topic: "acme", Kind: brand.Volume, State: brand.Opened, Level: brand.Storm, Began: t0.Add(-time.Hour), Detected: t0, Updated: t0, Series: series, Evidence: ev,
		Why: map[string]string{"de": "viele sagen „" + tricks["override"] + "“ hier", "en": "many say \"" + tricks["override"] + "\" here"},
	}
	in, calls := d.Receive(spike, nil, nil, t0)
	in.Second = &brand.SecondHearing{Model: tricks["override"], Problem: "it answered " + tricks["override"] + " twice"}
	for _, trick := range tricks {
		in.Note(t0, trick, "somebody wrote "+trick+" there")
	}
	if err := st.SaveIncident(ctx, in, calls); err != nil {
		t.Fatal(err)
	}
	drill, near := spike, spike
	drill.ID, drill.Drill, drill.Why = "drill", true, map[string]string{"de": "dreimal so viele", "en": "three times as many"}
	near.ID, near.Topic, near.Drill = "near", "velta", true
	exercise, _ := d.Receive(drill, nil, nil, t0)
	if err := st.SaveIncident(ctx, exercise, nil); err != nil {
		t.Fatal(err)
	}
	if err := st.TellSpikes(ctx, []brand.Spike{spike, drill, near}); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Append(ctx, t0, ms); err != nil {
		t.Fatal(err)
	}
	es, err := st.After(ctx, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var matches []store.Match
	for i, e := range es {
		matches = append(matches, store.Match{Topic: "acme", Pos: e.Pos, At: e.Mention.At, Weight: 1, Doubt: float64(i%2) * 0.9})
	}
	if err := st.Keep(ctx, matches); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(nil)
	links := alert.Links{Key: make([]byte, 32), URL: "http://" + srv.Listener.Addr().String()}
	s, err := New(Options{Store: st, Desk: d, Topics: topics, Links: links, PublicURL: links.URL, Now: func() time.Time { return t0.Add(time.Minute) }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = s
	srv.Start()
	t.Cleanup(srv.Close)
	return srv, in.ID
}

func everyPage(id string) []string {
	return []string{"/", "/incidents/" + id, "/topics", "/topics/acme", "/sources", "/playbooks", "/playbooks/recall", "/incidents/none"}
}

// No page holds a character that turns the direction of what stands behind it, or controls a terminal, in any text
// or attribute.
//
// Fails on 0005da9: the author's name reversed the rest of its line on the pages of the incident and of the topic.
func TestNoPageHoldsControlCharacters(t *testing.T) {
	for _, lang := range []string{"de", "en"} {
		srv, id := haunted(t, lang)
		v := visit(t)
		for _, path := range everyPage(id) {
			code, body := v.get(srv.URL + path)
			if code != http.StatusOK && path != "/incidents/none" {
				t.Fatalf("%s %s: got %d", lang, path, code)
			}
			for i, r := range body {
				if hidden(r) {
					t.Fatalf("%s %s holds %U after %q", lang, path, r, body[max(0, i-60):i])
				}
			}
			if entity := regexp.MustCompile(`&#(x20[0-6]|x61c|8206|8207|82[39]\d|1564)`).FindString(body); entity != "" {
				t.Errorf("%s %s holds %s", lang, path, entity)
			}
			if strings.Contains(body, strings.Repeat("\u0301\u0489", maxMarks)) {
				t.Errorf("%s %s holds a heap of accents", lang, path)
			}
		}
	}
}

// A drill is marked wherever it stands, in both languages, and in the API.
//
// Fails on 0005da9: the topic's page showed its spike like a real one, and the incident's title said DRILL on a
// German page.
func TestADrillIsMarkedOnEveryPage(t *testing.T) {
	for lang, word := range map[string]string{"de": "Übung", "en": "Drill"} {
		srv, _ := haunted(t, lang)
		v := visit(t)
		mark := `<strong class="drill">` + word + `</strong>`
		_, body := v.get(srv.URL + "/topics/acme")
		if strings.Count(body, mark) != 1 || !regexp.MustCompile(`(?s)`+mark+`.{0,400}(Niemand hat etwas davon gesagt|nobody said any of it).{0,100}(dreimal so viele|three times as many)`).MatchString(body) {
			t.Errorf("%s: of two spikes of the topic, the drill's should be marked:\n%s", lang, body)
		}
		_, body = v.get(srv.URL + "/")
		if strings.Count(body, word+": ") != 1 || strings.Count(body, mark) != 1 || strings.Contains(body, "DRILL") {
			t.Errorf("%s: the first page should mark an incident and a competitor's spike:\n%s", lang, body)
		}
		_, body = v.get(srv.URL + "/api/v1/incidents")
		if strings.Count(body, `"drill":true`) != 2 { // the incident and its spike
			t.Errorf("the API does not mark the drill: %s", body)
		}
	}
}

// inOrder is run in the page: the first text of our own whose characters do not stand from left to right, or "".
// Text of strangers stands in elements of its own direction, which may be the other one.
const inOrder = `(() => {
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
	while (walk.nextNode()) {
		const node = walk.currentNode
		if (node.parentElement.closest("bdi, [dir=auto], svg, details:not([open]) > :not(summary)") || !node.data.trim()) continue
		const range = document.createRange()
		let last = null
		for (let i = 0; i < node.data.length; i++) {
			range.setStart(node, i); range.setEnd(node, i + 1)
			const box = range.getClientRects()[0]
			if (!box || !box.width) continue
			if (last && Math.abs(box.top - last.top) < 2 && box.left < last.left - 1) return node.parentElement.outerHTML.slice(0, 300)
			last = box
		}
	}
	for (const line of document.querySelectorAll("blockquote p.muted")) { // source, author, time
		const parts = [...line.querySelectorAll("bdi")].map(e => e.getClientRects()[0])
		if (parts.length > 1 && Math.abs(parts[0].top - parts[1].top) < 2 && parts[0].left > parts[1].left) return line.outerHTML.slice(0, 300)
	}
	return ""
})()`

// In a real browser our own words stand from left to right beside the names of strangers, and no word makes the
// page wider than a phone. BRANDMELDER_SHOTS names a folder for screenshots.
//
// Fails on 0005da9: behind the name with an override, the time of a mention was written from right to left.
func TestNamesOfStrangersTurnNothingAround(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("this test needs chromium: run make deps")
	}
	srv, id := haunted(t, "de")
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.Flag("no-sandbox", true), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true))...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for _, width := range []int64{390, 1280} {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 844)); err != nil {
			t.Fatalf("chromium: %v", err)
		}
		for i, path := range everyPage(id) {
			if err := chromedp.Do(ctx, chromedp.Navigate(srv.URL+path), chromedp.WaitVisible("main")); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`))
			if err != nil || wide > width {
				t.Errorf("%s is %d wide on a screen of %d, %v", path, wide, width, err)
			}
			turned, err := chromedp.Run(ctx, chromedp.Evaluate[string](inOrder))
			if err != nil || turned != "" {
				t.Errorf("%s on %d: turned around: %s %v", path, width, turned, err)
			}
			dir := os.Getenv("BRANDMELDER_SHOTS")
			if dir == "" {
				continue
			}
			shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d-%d.png", width, i)), shot, 0o600); err != nil {
				t.Fatal(err)
			}
		}
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
	var calls []brand.Call
	in := brand.Incident{ID: "i", Kind: brand.Crisis, Title: long, Detected: t0, Topics: []string{"acme"}}
	for i := range 2000 {
		m := brand.Mention{ID: fmt.Sprint(i), At: t0, Source: "x", Author: long, Text: long}
		if i < 60 {
			ev.Samples, ev.Stories = append(ev.Samples, m), append(ev.Stories, brand.Story{First: m, Told: 3, Sources: map[string]int{long: 1}})
			ev.Terms, ev.Amplifiers = append(ev.Terms, brand.Term{Text: long}), append(ev.Amplifiers, brand.Amplifier{Name: long})
		}
		ev.Sources[fmt.Sprint(i, long[:100])], ev.Languages[fmt.Sprint("l", i)] = i, i
		in.Timeline = append(in.Timeline, brand.Event{At: t0, By: "brandmelder", What: long[:1000]})
		calls = append(calls, brand.Call{ID: fmt.Sprint(i), Incident: "i", At: t0, Due: t0, Error: long[:1000]})
	}
	in.Spikes = []brand.Spike{{ID: "s", Topic: "acme", Began: t0, Evidence: ev, Why: map[string]string{"en": long}}}
	if err := st.SaveIncident(ctx, &in, calls); err != nil {
		t.Fatal(err)
	}
	if err := st.SaveIncident(ctx, &brand.Incident{ID: "bare", Kind: brand.Crisis, Title: "bare", Detected: t0}, nil); err != nil {
		t.Fatal(err)
	}
	var curve []brand.Point
	for year := 1; year < 9999; year++ {
		curve = append(curve, brand.Point{At: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), Voices: 1e300, High: 2})
	}
	curve = append(curve[:1:1], curve...)
	doc, err := json.Marshal(topicDoc{Name: "acme", Query: long, Curve: curve})
	if err != nil {
		t.Fatal(err)
	}
	for key, doc := range map[string]json.RawMessage{"topic/acme": doc, "source/1": json.RawMessage(`{"name": 7}`), "correction/1": json.RawMessage(`[]`), "topic/other": json.RawMessage(`"x"`)} {
		if err := st.Pin(ctx, key, doc); err != nil {
			t.Fatal(err)
		}
	}
	var ms []brand.Mention
	for i := range 300 {
		ms = append(ms, brand.Mention{ID: fmt.Sprint("m", i), At: t0.Add(-time.Duration(i/20) * time.Minute), Source: "x", Author: long, Text: long})
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
	s, err := New(Options{Store: st, Desk: &alert.Desk{Shelf: shelf, Lang: "en", People: &playbooks.People{}}, Topics: []brand.Topic{{Name: "acme", Query: "acme"}}, Now: func() time.Time { return t0.Add(time.Minute) }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/incidents/i", "/incidents/bare", "/topics", "/topics/acme", "/sources"} {
		r := httptest.NewRequest("GET", path, nil)
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
		ms = append(ms, brand.Mention{ID: fmt.Sprint(i), At: t0.Add(-time.Duration(i/9) * time.Second), Source: "x", Text: "acme", Extra: map[string]json.RawMessage{"k": json.RawMessage(`"v"`)}})
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

// Whatever a stranger writes, its place on the page is one element of a bounded length, without control characters.
func FuzzForeign(f *testing.F) {
	for _, trick := range tricks {
		f.Add(trick)
	}
	f.Add("</bdi><script>")
	f.Fuzz(func(t *testing.T, text string) {
		out := string(visible([]byte(foreign(text))))
		inner, ok := strings.CutPrefix(out, "<bdi>")
		inner, closed := strings.CutSuffix(inner, "</bdi>")
		if !ok || !closed || strings.ContainsAny(inner, "<>\"'") || strings.ContainsFunc(inner, hidden) || !utf8.ValidString(out) || utf8.RuneCountInString(inner) > 6*(maxShort+1) {
			t.Errorf("%q became %q", text, out)
		}
	})
}

// Whatever stands in X-Forwarded-For, the visitor has an address, and without a trusted proxy it is the peer's.
func FuzzVisitor(f *testing.F) {
	f.Add("203.0.113.7, 10.0.0.1")
	f.Add("[::1]:80,,, ::ffff:1.2.3.4, fe80::1%eth0")
	trusting := &Server{opt: Options{TrustedProxies: trustedNetworks}}
	f.Fuzz(func(t *testing.T, header string) {
		r := &http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{"X-Forwarded-For": {header}}}
		if at := trusting.visitor(r); !at.IsValid() || at.Is4In6() || at.Zone() != "" {
			t.Errorf("%q: the visitor is %v", header, at)
		}
		if at := (&Server{}).visitor(r); at != peer(r) {
			t.Errorf("%q was believed: %v", header, at)
		}
	})
}
