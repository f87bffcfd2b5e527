package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
)

// A stranger who may push guesses the ID of an article before its source is read, calls himself the press, and dates
// his own mention in the next year. The article is on the stream all the same; his mention is one of the API, of
// nobody known, and counts when it was received. Roles are split, as they may be: the process that takes pushes
// reads no source.
//
// Fails on 0005da9: the article never came, since its ID was taken, and the stranger was shown as the press.
func TestAPushCannotBlockASourceNorPassForThePress(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "topics: [{name: acme, query: acme}]\nsources: [{kind: file, name: lines, path: m.jsonl, every: 200ms}]\n")
	h.write("m.jsonl", "")
	h.start("--roles", "web,detect")
	until(t, "it answers", 20*time.Second, func() bool { return h.get("/readyz") != "" })
	post := func(body string) (int, string) {
		t.Helper()
		res, err := h.push([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	line := func(at time.Time, more string) string {
		return fmt.Sprintf(`{"id":"article-1","source":"lines","at":%q,"text":"acme burns"%s}`, at.UTC().Format(time.RFC3339), more)
	}
	stranger := line(time.Now().AddDate(1, 0, 0), `,"standing":"press","author":"eve"`)
	if code, text := post(stranger + " 7"); code != http.StatusAccepted || !strings.Contains(text, `"taken":1`) || !strings.Contains(text, `"item":2`) {
		t.Errorf("the push: %d %s", code, text)
	}
	if code, text := post(stranger); code != http.StatusAccepted || !strings.Contains(text, `"known":1`) {
		t.Errorf("once more: %d %s", code, text)
	}
	for fate, n := range map[string]int{"new": 1, "known": 1, "bad": 1} {
		if want := fmt.Sprintf("brandmelder_ingest_mentions_total{fate=%q,source=\"api\"} %d\n", fate, n); !strings.Contains(h.get("/metrics"), want) {
			t.Errorf("the metrics do not say %s", want)
		}
	}
	h.kill()
	h.write("m.jsonl", line(time.Now(), "")+"\n")
	h.start()
	until(t, "the article is on the stream", 20*time.Second, func() bool {
		return strings.Contains(h.get("/metrics"), `brandmelder_ingest_mentions_total{fate="new",source="lines"} 1`)
	})
	until(t, "both are counted", 90*time.Second, func() bool { return h.topicMentions() == 2 })
	h.kill()
	st, err := openStore(t.Context(), "file:"+filepath.Join(h.dir, "brandmelder.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	es, err := st.After(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]brand.Mention{}
	for _, e := range es {
		got[e.Mention.ID] = e.Mention
	}
	pushed, own := got["api:article-1"], got["file lines:article-1"]
	if doc, _ := json.Marshal(es); len(got) != 2 || pushed.Standing != "" || pushed.Source != "api" || pushed.At.After(time.Now()) || own.Source != "lines" {
		t.Errorf("on the stream: %s", doc)
	}
}
