package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"brandmelder/incident"
	"brandmelder/store"
	"brandmelder/store/storetest"
)

// arrivals are the calls that a slow service received, by their idempotency keys.
type arrivals struct {
	mu    sync.Mutex
	times map[string][]time.Time
	first chan struct{} // closed at the first call
	once  sync.Once
}

func (a *arrivals) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	key := r.Header.Get("Idempotency-Key")
	a.times[key] = append(a.times[key], time.Now())
	a.mu.Unlock()
	a.once.Do(func() { close(a.first) })
	time.Sleep(time.Second) // as long as the lease
}

func (a *arrivals) of(key string) []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.times[key]
}

// Two processes share a Redis and a lease of one second. The one that works the desk is stopped (SIGSTOP) in the middle
// of its first call, for far longer than its lease, and goes on then. The other calls the next people in time. Only the
// call whose sending was cut is sent a second time, and what the stopped process does when it wakes changes nothing.
// Fault 1: on 5a11e2e the process that woke went on with the desk, and overwrote what the other had saved.
func TestAProcessThatIsStoppedBeyondItsLeaseCallsNobodyTwice(t *testing.T) {
	t.Parallel()
	calls := &arrivals{times: map[string][]time.Time{}, first: make(chan struct{})}
	srv := httptest.NewServer(calls)
	defer srv.Close()
	conf := fmt.Sprintf(`store: %q
lease: 1s
topics: [{name: acme, query: acme}]
channels: [{name: hook, kind: webhook, url: %q}]
people: people.yaml
playbooks: [plan.yaml]
`, storetest.Redis(t), srv.URL)
	plan, err := os.ReadFile("../../playbooks/en/general.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first, second := newHouse(t, conf), newHouse(t, conf)
	for _, h := range []*house{first, second} {
		h.write("people.yaml", folk)
		h.write("plan.yaml", strings.Replace(string(plan), "acknowledge_within: 15m", "acknowledge_within: 6s", 1))
	}
	first.start("--roles", "alert")
	until(t, "the first works the desk", 30*time.Second, func() bool {
		return strings.Contains(first.get("/metrics"), "brandmelder_incidents_open{")
	})
	second.start("--roles", "alert")
	first.command("drill", "--config", "c.yaml", "--level", "4")
	select {
	case <-calls.first:
	case <-time.After(30 * time.Second):
		t.Fatal("nobody is called")
	}
	stopped := first.cmd.Process
	if err := stopped.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Second) // ten leases
	if err := stopped.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}

	c, err := loadConfig(filepath.Join(first.dir, "c.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	st, err := openBeside(t.Context(), c.Store)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	until(t, "owner, deputy, decider and team are called", time.Minute, func() bool { return len(promisedCalls(t, st)) == 4 })
	until(t, "all calls are sent", 30*time.Second, func() bool {
		for _, p := range promisedCalls(t, st) {
			if p.Sent.IsZero() {
				return false
			}
		}
		return true
	})
	time.Sleep(2 * time.Second) // for what would come too often
	promised := promisedCalls(t, st)
	for i, p := range promised {
		got := calls.of(p.ID)
		if want := map[bool]int{true: 2, false: 1}[i == 0]; len(got) == 0 || len(got) > want {
			t.Errorf("the call to %q (%s) arrived %d times, want at most %d", p.To, p.Reason.Kind, len(got), want)
		}
		const spare = 3 * time.Second // a lease, a pause, a busy machine
		if i > 0 && p.Created.Sub(promised[i-1].Created) > 6*time.Second+spare {
			t.Errorf("%q was called %s after the one before, want 6 s", p.To, p.Created.Sub(promised[i-1].Created))
		}
		if p.Attempts != 1 || p.Error != "" {
			t.Errorf("the ledger of the call to %q was overwritten: %+v", p.To, p)
		}
	}
}

// promisedCalls are the calls of the one incident.
func promisedCalls(t *testing.T, st store.Store) []incident.Call {
	t.Helper()
	ins, _, err := st.ListIncidents(t.Context(), store.IncidentQuery{Limit: 2})
	if err != nil || len(ins) != 1 {
		t.Fatalf("got %d incidents, %v, want one", len(ins), err)
	}
	calls, err := st.CallsOf(t.Context(), ins[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	return calls
}
