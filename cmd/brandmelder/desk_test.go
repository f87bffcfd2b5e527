package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"brandmelder/incident"
	"brandmelder/store"
	"brandmelder/store/storetest"
)

// An exercise calls the real people by the real channels, and says everywhere that it is one. A channel that refuses is
// told among the dead letters, from where the call can be tried again; so is a line that nobody can read.
func TestADrillGoesThroughTheWholeChain(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	refuse := true
	var calls []map[string]any
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if refuse {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		var m map[string]any
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		calls = append(calls, m)
	}))
	defer srv.Close()
	h := newHouse(t, fmt.Sprintf(`topics: [{name: Kaffeehaus "Eins", query: kaffeehaus, fields: [products]}]
sources: [{kind: file, name: lines, path: m.jsonl, every: 200ms}]
channels: [{name: hook, kind: webhook, url: %q}]
people: people.yaml
`, srv.URL))
	h.write("people.yaml", folk)
	h.write("m.jsonl", `{"at":"2026-03-14T18:00:00Z","text":"kaffeehaus"}`+"\nnonsense\n")
	if out := h.command("drill", "--config", "c.yaml", "--dry-run"); !strings.Contains(out, "DRILL: Kaffeehaus") || strings.Contains(out, "occaria") {
		t.Errorf("the dry run says %q", out)
	}
	h.start()
	until(t, "the pages answer", 20*time.Second, func() bool { return h.get("/readyz") != "" })
	h.command("drill", "--config", "c.yaml", "--level", "4")
	letters := func() (ds []store.DeadLetter) {
		if err := json.Unmarshal([]byte(h.command("dead-letters", "list", "--config", "c.yaml", "--json")), &ds); err != nil {
			t.Fatal(err)
		}
		return ds
	}
	var ds []store.DeadLetter
	until(t, "the call and the line are dead letters", 30*time.Second, func() bool { ds = letters(); return len(ds) == 2 })
	mu.Lock()
	refuse = false
	mu.Unlock()
	for _, d := range ds {
		if d.Room == "ingest" {
			if !strings.Contains(d.Error, "m.jsonl:2") {
				t.Errorf("the line's error is %q", d.Error)
			}
			h.command("dead-letters", "drop", "--config", "c.yaml", d.ID)
		} else {
			h.command("dead-letters", "replay", "--config", "c.yaml", d.ID)
		}
	}
	if ds = letters(); len(ds) != 0 {
		t.Errorf("%d dead letters are left", len(ds))
	}
	until(t, "the owner is called", 20*time.Second, func() bool { mu.Lock(); defer mu.Unlock(); return len(calls) == 1 })
	if c := calls[0]; c["to"] != "anna" || c["drill"] != true || !strings.HasPrefix(fmt.Sprint(c["title"]), "DRILL") || c["level"] != 4.0 {
		t.Errorf("the call says %v", c)
	}
	var ins []incident.Summary
	if err := json.Unmarshal([]byte(h.get("/api/v1/incidents")), &ins); err != nil || len(ins) != 1 || !ins[0].Drill {
		t.Fatalf("got %d incidents, %v", len(ins), err)
	}
	if page := h.get("/incidents/" + ins[0].ID); !strings.Contains(page, "This is a drill") || strings.Contains(page, "occaria") {
		t.Error("the page does not say that it is a drill, or names the invented company")
	}
	if m := h.get("/metrics"); !strings.Contains(m, `brandmelder_incidents_open{kind="crisis",taken="no"} 0`) {
		t.Error("the metrics count a drill")
	}
	if out := h.command("channel", "test", "hook", "--to", "anna", "--config", "c.yaml"); !strings.Contains(out, "took the message") || !strings.Contains(fmt.Sprint(calls[len(calls)-1]["title"]), "nothing has happened") {
		t.Errorf("channel test says %q", out)
	}
}

// Two processes share a Redis: one listens and judges, the other calls and shows. When the first is killed, a third
// goes on.
func TestTheWorkIsSharedByRoles(t *testing.T) {
	t.Parallel()
	conf := fmt.Sprintf("store: %q\nlease: 600ms\nshards: 3\ntopics: [{name: a, query: acme}, {name: b, query: acme}, {name: c, query: acme}]\n", storetest.Redis(t))
	front, back := newHouse(t, conf), newHouse(t, conf)
	front.start("--roles", "alert,web")
	back.start("--roles", "ingest,detect")
	until(t, "both answer", 20*time.Second, func() bool { return front.get("/readyz") != "" && back.get("/readyz") != "" })
	if back.get("/") != "" {
		t.Error("a process without the role web shows pages")
	}
	push := func(id string) {
		res, err := front.push(fmt.Appendf(nil, `{"id":%q,"at":%q,"text":"acme"}`, id, time.Now().UTC().Format(time.RFC3339)))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	counted := func(h *house, n int) func() bool {
		return func() bool {
			m, all := h.get("/metrics"), true
			for _, topic := range []string{"a", "b", "c"} {
				all = all && strings.Contains(m, fmt.Sprintf("brandmelder_detect_mentions_total{topic=%q} %d\n", topic, n))
			}
			return all
		}
	}
	push("one")
	until(t, "the mention is counted for all topics", 20*time.Second, counted(back, 1))
	back.kill()
	push("two")
	third := newHouse(t, conf)
	third.start("--roles", "ingest,detect")
	until(t, "the third counts what the dead one did not", 20*time.Second, func() bool { return counted(third, 1)() || counted(third, 2)() })
}
