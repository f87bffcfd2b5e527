package web

import (
	"context"
	"fmt"
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

	"brandmelder/access"
	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/people"
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
	folks, err := people.Parse("people.yaml", []byte(folk))
	if err != nil {
		t.Fatal(err)
	}
	topics := []brand.Topic{{Name: "acme", Query: "acme"}, {Name: "velta", Query: "velta", Role: brand.Competitor}}
	d := &alert.Desk{Shelf: shelf, People: folks, Topics: topics, Lang: lang, Channels: []string{"c"}}
	ctx := t.Context()
	var ms []brand.Mention
	var terms []brand.Term
	var amplifiers []brand.Amplifier
	var stories []brand.Cluster
	n := 0
	for name, trick := range tricks {
		n++
		m := brand.Mention{
			ID: fmt.Sprint("m", n), At: t0.Add(-time.Duration(n) * time.Minute), Source: "feed " + trick, Author: trick,
			AuthorName: trick, Title: name + " " + trick, Text: "acme " + trick + "\nnext line",
			URL: "https://x.example/" + trick,
		}
		ms = append(ms, m)
		terms = append(terms, brand.Term{Text: trick, Count: n})
		amplifiers = append(amplifiers, brand.Amplifier{Author: trick, Name: trick, Source: trick, Reach: 7})
		stories = append(stories, brand.Cluster{First: m, Copies: 3, Reach: 9, Sources: map[string]int{trick: 2, "x": 1}})
		letter := store.DeadLetter{ID: name, At: t0, Room: "ingest", From: trick, Error: "cannot read " + trick + " here"}
		if err := st.AddDeadLetters(ctx, letter); err != nil {
			t.Fatal(err)
		}
		status := store.SourceStatus{
			Name: "feed " + trick, Kind: "feed", State: "fails", Every: "5m", LastOK: t0,
			Error: "the server said " + trick + " and no more", Note: trick,
		}
		if err := st.SaveStatus(ctx, status); err != nil {
			t.Fatal(err)
		}
	}
	var series []brand.Point
	for i := range 96 {
		at := t0.Add(time.Duration(i-96) * 15 * time.Minute)
		series = append(series, brand.Point{At: at, Voices: float64(i % 9), High: 6})
	}
	if err := st.SaveStatus(ctx, store.TopicStatus{Name: "acme", Query: "acme", Curve: series, New: terms}); err != nil {
		t.Fatal(err)
	}
	ev := brand.Evidence{
		Mentions: len(ms), Terms: terms, Samples: ms, First: &ms[0], Amplifiers: amplifiers, Clusters: stories,
		Sources: map[string]int{tricks["override"]: 3, "x": 2}, Languages: map[string]int{tricks["override"]: 1},
	}
	spike := brand.Spike{
		ID: "s", Topic: "acme", Kind: brand.Volume, State: brand.Opened, Level: brand.Storm,
		Began: t0.Add(-time.Hour), Detected: t0, Updated: t0, Series: series, Evidence: ev,
	}
	id := open(t, st, d, spike)
	happens(t, st, id, incident.Program.ID, incident.Assessed{Assessment: incident.Assessment{
		Model: tricks["override"], Problem: "it answered " + tricks["override"] + " twice", At: t0,
	}})
	for _, trick := range tricks {
		happens(t, st, id, trick,
			incident.Noted{Text: "somebody wrote " + trick + " there"}, incident.SpikeJoined{Spike: brand.Spike{ID: trick, Topic: trick}},
			incident.CallFailed{Person: trick, Channel: trick, Error: "it answered " + trick + " twice", Next: trick},
			incident.StatementDrafted{Statement: incident.Statement{
				ID: trick, Kind: incident.Reply, Question: trick, Lang: "en", From: trick, Revisions: []incident.Revision{{Number: 1, Text: trick}},
			}})
		happens(t, st, id, "anna", incident.StatementPublished{Statement: trick, Revision: 1, Where: trick})
	}
	drill, near := spike, spike
	drill.ID, drill.Drill, drill.Observed = "drill", true, 77
	near.ID, near.Topic, near.Drill = "near", "velta", true
	open(t, st, d, drill)
	if err := st.AppendSpikes(ctx, []brand.Spike{spike, drill, near}); err != nil {
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
		doubt := float64(i%2) * 0.9
		matches = append(matches, store.Match{Topic: "acme", Pos: e.Pos, At: e.Mention.At, Weight: 1, Doubt: doubt})
	}
	if err := st.Keep(ctx, matches); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(nil)
	links := access.Links{Key: make([]byte, 32), URL: "http://" + srv.Listener.Addr().String()}
	s, err := New(Options{
		Store: st, Desk: d, Topics: topics, Links: links, PublicURL: links.URL,
		Now: func() time.Time { return t0.Add(time.Minute) }, Log: slog.New(slog.DiscardHandler), Visitor: here(""),
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = s
	srv.Start()
	t.Cleanup(srv.Close)
	return srv, id
}

func everyPage(id string) []string {
	return []string{
		"/", "/incidents/" + id, "/topics", "/topics/acme", "/sources", "/playbooks", "/playbooks/recall", "/incidents/none",
	}
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
	for lang, says := range map[string][3]string{"de": {"Übung", "ÜBUNG · ", "DRILL"}, "en": {"Drill", "DRILL · ", "ÜBUNG"}} {
		srv, _ := haunted(t, lang)
		v := visit(t)
		mark := `<strong class="drill">` + says[0] + `</strong>`
		_, body := v.get(srv.URL + "/topics/acme")
		said := regexp.MustCompile(`(?s)` + mark +
			`.{0,400}(Niemand hat etwas davon gesagt|nobody said any of it).{0,100}(77 Stimmen|77 voices)`)
		if strings.Count(body, mark) != 1 || !said.MatchString(body) {
			t.Errorf("%s: of two spikes of the topic, the drill's should be marked:\n%s", lang, body)
		}
		_, body = v.get(srv.URL + "/")
		if strings.Count(body, says[1]) != 1 || strings.Count(body, mark) != 1 || strings.Contains(body, says[2]) {
			t.Errorf("%s: the first page should mark an incident and a competitor's spike:\n%s", lang, body)
		}
		_, body = v.get(srv.URL + "/api/v1/incidents")
		marked := regexp.MustCompile(`"id":"([^"]*)"[^{}]*"drill":true`).FindStringSubmatch(body)
		if strings.Count(body, `"drill":true`) != 1 || marked == nil {
			t.Fatalf("the API does not mark the drill: %s", body)
		}
		_, body = v.get(srv.URL + "/api/v1/incidents/" + marked[1])
		if !regexp.MustCompile(`"spikes":\[\{[^{}]*"drill":true`).MatchString(body) {
			t.Errorf("the API does not mark the drill's spike: %s", body)
		}
	}
}

// inOrder is run in the page: the first text of our own whose characters do not stand from left to right, or "".
// Text of strangers stands in elements of its own direction, which may be the other one.
const inOrder = `(() => {
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
	while (walk.nextNode()) {
		const node = walk.currentNode
		const apart = node.parentElement.closest("bdi, [dir=auto], svg, details:not([open]) > :not(summary)")
		if (apart || !node.data.trim()) continue
		const range = document.createRange()
		let last = null
		for (let i = 0; i < node.data.length; i++) {
			range.setStart(node, i); range.setEnd(node, i + 1)
			const box = range.getClientRects()[0]
			if (!box || !box.width) continue
			if (last && Math.abs(box.top - last.top) < 2 && box.left < last.left - 1) {
				return node.parentElement.outerHTML.slice(0, 300)
			}
			last = box
		}
	}
	for (const line of document.querySelectorAll("blockquote p.muted")) { // source, author, time
		const parts = [...line.querySelectorAll("bdi")].map(e => e.getClientRects()[0])
		const [source, author] = parts
		if (author && Math.abs(source.top - author.top) < 2 && source.left > author.left) return line.outerHTML.slice(0, 300)
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
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser),
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("no-sandbox", true), chromedp.Flag("disable-quic", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
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
		most := 6 * (maxShort + 1) // an escaped character has six at most
		clean := !strings.ContainsAny(inner, "<>\"'") && !strings.ContainsFunc(inner, hidden) && utf8.ValidString(out)
		if !ok || !closed || !clean || utf8.RuneCountInString(inner) > most {
			t.Errorf("%q became %q", text, out)
		}
	})
}
