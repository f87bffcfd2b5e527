package main

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"brandmelder/incident"
	"brandmelder/ingest/x/xtest"
	"brandmelder/store"
	"brandmelder/store/storetest"
)

// The daemon reads a storm on X (search and stream at once, with every fault that X has) and in the news, and is killed
// at random moments of it: every mention is counted exactly once, no call is lost, and none is made more than twice.
// BRANDMELDER_KILLS=50 kills more often.
func TestKilledAtAnyMomentNothingIsLostAndNobodyIsForgotten(t *testing.T) {
	kills := 8
	if n, err := strconv.Atoi(os.Getenv("BRANDMELDER_KILLS")); err == nil {
		kills = n
	}
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); kill(t, kills, "file:brandmelder.db") })
	t.Run("redis", func(t *testing.T) { t.Parallel(); kill(t, kills, storetest.Redis(t)) })
}

const folk = `people:
  - {id: anna, name: Anna A, role: Press officer, department: Press, one_voice: true, languages: [en], email: anna@acme.example}
  - {id: ben, name: Ben B, role: Head of social media, department: Press, one_voice: true, email: ben@acme.example}
  - {id: gil, name: Gil G, role: Managing director, department: Board, email: gil@acme.example}
  - {id: cem, name: Cem C, fields: [products], languages: [en, de], email: cem@acme.example}
  - {id: dora, name: Dora D, fields: [products, quality], languages: [de], email: dora@acme.example}
`

func kill(t *testing.T, kills int, address string) {
	const span = 170 * time.Second // of the storm; it must have lasted for two minutes before anybody is called
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d kills", seed, kills)
	r := rand.New(rand.NewPCG(seed, 1))
	x, news, calls := xtest.New(t, "geheim"), &newsroom{}, newHook(t)
	feed := httptest.NewServer(news)
	defer feed.Close()
	x.Page, x.Again, x.Skew = 10, true, 20*time.Second
	x.Wild(rand.New(rand.NewPCG(seed, 2)))
	h := newHouse(t, fmt.Sprintf(`store: %q
lease: 600ms
topics: [{name: acme, query: acme, fields: [products]}]
sources:
  - {kind: x, name: x, base_url: %q, token_file: x.token, every: 500ms, allow_private: true}
  - {kind: x, name: x-live, mode: stream, base_url: %q, token_file: x.token, allow_private: true}
  - {kind: feed, name: news, url: %q, every: 500ms, allow_private: true}
channels: [{name: hook, kind: webhook, url: %q}]
people: people.yaml
playbooks: [plan.yaml]
`, address, x.URL, x.URL, feed.URL, calls.URL))
	h.write("x.token", "geheim")
	h.write("people.yaml", folk)
	plan, err := os.ReadFile("../../playbooks/en/general.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h.write("plan.yaml", strings.Replace(string(plan), "acknowledge_within: 15m", "acknowledge_within: 3s", 1))
	h.past()
	h.start()
	before := 0
	until(t, "the past is known", 90*time.Second, func() bool { before = h.topicMentions(); return before > 500 })

	moments := make([]time.Duration, kills)
	for i := range moments {
		moments[i] = time.Duration(r.Int64N(int64(span)))
	}
	slices.Sort(moments)
	read := 0
	for began := time.Now(); time.Since(began) < span; time.Sleep(time.Duration(r.Int64N(int64(time.Second)))) {
		if read++; read%8 == 0 {
			news.publish("acme: " + angry(r))
		} else {
			x.Post(time.Now(), "", angry(r))
		}
		for len(moments) > 0 && moments[0] <= time.Since(began) {
			moments = moments[1:]
			h.kill()
			h.start()
		}
	}
	x.Tame()
	roles := func() (out []string) {
		calls.mu.Lock()
		defer calls.mu.Unlock()
		for _, s := range calls.said {
			out = append(out, fmt.Sprint(s["to"]))
		}
		return out
	}
	until(t, "owner, deputy, decider and team are called", 3*time.Minute, func() bool {
		got := roles()
		return slices.Contains(got, "anna") && slices.Contains(got, "ben") && slices.Contains(got, "gil") && slices.Contains(got, "<nil>")
	})
	got := 0
	for end := time.Now().Add(100 * time.Second); time.Now().Before(end) && got < before+read; time.Sleep(200 * time.Millisecond) {
		got = h.topicMentions()
	}
	if got != before+read {
		t.Errorf("counted %d mentions, want %d from before and %d of the storm", got, before, read)
	}

	conf, err := loadConfig(h.dir + "/c.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h.kill()
	st, err := openStore(t.Context(), conf.Store)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	ins, _, err := st.ListIncidents(t.Context(), store.IncidentQuery{Limit: 10})
	if err != nil || len(ins) != 1 || ins[0].Kind != incident.Crisis {
		t.Fatalf("got %d incidents, %v, want the storm", len(ins), err)
	}
	promised, err := st.CallsOf(t.Context(), ins[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	twice := 0
	for _, c := range promised {
		n := calls.taken[c.ID]
		if n == 0 && !c.Sent.IsZero() || n > 2 {
			t.Errorf("the call to %q (%s) was taken %d times", c.To, c.Reason.Kind, n)
		}
		if n == 0 && (!c.GivenUp.IsZero() || time.Since(c.Due) > 30*time.Second) {
			t.Errorf("the call to %q (%s) is lost: %+v", c.To, c.Reason.Kind, c)
		}
		if n == 2 {
			twice++
		}
		delete(calls.taken, c.ID)
	}
	if len(calls.taken) > 0 {
		t.Errorf("calls that nobody promised: %v", calls.taken)
	}
	t.Logf("%d mentions of the storm, %d calls, %d of them twice", read, len(promised), twice)
}
