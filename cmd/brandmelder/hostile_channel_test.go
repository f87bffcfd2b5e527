package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"brandmelder/cmd/brandmelder/hostile"
	"brandmelder/incident"
	"brandmelder/store"
	"brandmelder/store/storetest"
)

// What the daemon calls is hostile too: a channel that leads elsewhere, one that answers 300 MB, one that never
// answers, and a language model that answers 300 MB. No call that did not arrive counts as sent, and detection
// goes on.
func TestHostileChannelsAndModels(t *testing.T) {
	_, full, only := hostileChoice(t)
	if only != "" && only != "channels" {
		t.Skip("another input is asked for")
	}
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); hostileChannels(t, "file:brandmelder.db") })
	if full {
		t.Run("redis", func(t *testing.T) { t.Parallel(); hostileChannels(t, storetest.Redis(t)) })
	}
}

// callee is a server that takes calls badly.
type callee struct {
	*httptest.Server
	elsewhere, asked atomic.Int32 // calls that followed a redirect; questions to the model
}

func newCallee(t *testing.T) *callee {
	c := &callee{}
	over := make(chan struct{})
	mux := http.NewServeMux()
	mux.Handle("/redirect", http.RedirectHandler("/login", http.StatusFound))
	mux.HandleFunc("/login", func(w http.ResponseWriter, _ *http.Request) {
		c.elsewhere.Add(1)
		_, _ = w.Write([]byte("please log in"))
	})
	mux.HandleFunc("/giant", func(w http.ResponseWriter, _ *http.Request) { giant(w, "", "") })
	mux.HandleFunc("/never", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/v1/chat/completions", func(w http.ResponseWriter, _ *http.Request) {
		c.asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		giant(w, `{"choices":[{"message":{"role":"assistant","content":"`, `"}}]}`)
	})
	c.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		close(over)
		c.CloseClientConnections()
		c.Close()
	})
	return c
}

// giant writes 300 MB between head and tail, unless nobody reads them.
func giant(w http.ResponseWriter, head, tail string) {
	piece := []byte(strings.Repeat("a", 1<<20))
	_, _ = w.Write([]byte(head))
	for range 300 {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
	_, _ = w.Write([]byte(tail))
}

func hostileChannels(t *testing.T, st string) {
	f, c := newFort(t, st, false), newCallee(t)
	f.write("c.yaml", fmt.Sprintf(`store: %q
lease: 2s
topics: [{name: c-store, query: canarystore}]
channels:
  - {name: redirect, kind: webhook, url: "%s/redirect"}
  - {name: giant, kind: webhook, url: "%s/giant"}
  - {name: never, kind: webhook, url: "%s/never"}
drafts: {base_url: "%s/v1", model: big}
people: people.yaml
playbooks: [plan.yaml]
web: {listen: %q, password_file: web.password}
`, st, c.URL, c.URL, c.URL, c.URL, f.addr))
	people := folk
	for person, channel := range map[string]string{"anna": "redirect", "ben": "giant", "gil": "never"} {
		people = strings.Replace(people, "email: "+person+"@acme.example", "channels: ["+channel+"]", 1)
	}
	f.write("people.yaml", people)
	plan, err := os.ReadFile("../../playbooks/en/general.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f.write("plan.yaml", strings.Replace(string(plan), "acknowledge_within: 15m", "acknowledge_within: 1s", 1))
	f.start()
	f.ready()
	meter := hostile.Watch(f.cmd.Process.Pid)
	f.command("drill", "--config", "c.yaml", "--level", "5")
	beside, err := openBeside(t.Context(), storeOf(t, f))
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	until(t, "each channel was tried, and the model asked", 90*time.Second, func() bool {
		f.canaryBehind("channels")
		calls := callsByChannel(t, beside)
		return c.asked.Load() > 0 && len(calls["redirect"]) > 0 && len(calls["giant"]) > 0 && len(calls["never"]) > 0
	})
	for channel, calls := range callsByChannel(t, beside) {
		for _, call := range calls {
			if channel != "giant" && !call.Sent.IsZero() {
				t.Errorf("the call by the channel %s counts as sent: %+v", channel, call)
			}
		}
	}
	if n := c.elsewhere.Load(); n > 0 {
		t.Errorf("%d calls followed the redirect", n)
	}
	if most, _ := meter.Close(); most > hostileMiB {
		t.Errorf("the daemon used %d MiB, more than %d", most, hostileMiB)
	} else {
		t.Logf("at most %d MiB", most)
	}
	if !f.logged(0, "redirect") || !f.logged(0, "never") {
		t.Error("the log does not name the channels that failed")
	}
	(&siege{fort: f}).calm()
}

func storeOf(t *testing.T, f *fort) string {
	t.Helper()
	conf, err := loadConfig(filepath.Join(f.dir, "c.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return conf.Store
}

// callsByChannel are the calls of all incidents that were tried.
func callsByChannel(t *testing.T, st store.Store) map[string][]incident.Call {
	t.Helper()
	ins, _, err := st.ListIncidents(t.Context(), store.IncidentQuery{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]incident.Call{}
	for _, in := range ins {
		calls, err := st.CallsOf(t.Context(), in.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range calls {
			if c.Attempts > 0 {
				out[c.Channel] = append(out[c.Channel], c)
			}
		}
	}
	return out
}
