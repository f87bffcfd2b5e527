package alert

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brandmelder/brand"
	"brandmelder/i18n"
	"brandmelder/store"
)

// played is a world around watches: detection that is up or down, a store that answers or not, channels that take
// notices or not.
type played struct {
	mu     sync.Mutex
	health store.Health
	dead   bool // the store
	holder string
	fails  map[string]error
	took   []string // "time channel title"
	began  time.Time
}

func (p *played) Acquire(_ context.Context, name, holder string, _ time.Duration) (store.Lease, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return store.Lease{}, false, errors.New("connection refused")
	}
	if p.holder == "" {
		p.holder = holder
	}
	return store.Lease{Name: name, Holder: holder}, p.holder == holder, nil
}

func (p *played) Release(context.Context, store.Lease) error { return nil }

func (p *played) asked() store.Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.health
}

func (p *played) set(h store.Health, dead bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.health, p.dead = h, dead
}

func (p *played) notices() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.took)
}

// playedChannel is one of its channels.
type playedChannel struct {
	p    *played
	name string
}

func (c playedChannel) Send(_ context.Context, m brand.Message, _ *brand.Person) error {
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	if err := c.p.fails[c.name]; err != nil {
		return err
	}
	c.p.took = append(c.p.took, fmt.Sprintf("%s %s %s", time.Since(c.p.began).Round(time.Minute), c.name, m.Title))
	return nil
}

// watches starts n processes that watch the played world, in the bubble of a synctest.
func watches(t *testing.T, p *played, n int) {
	t.Helper()
	p.began = time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range n {
		w, err := NewWatch(WatchOptions{
			Health: p.asked, Channels: []string{"night", "post"}, By: map[string]Channel{"night": playedChannel{p, "night"}, "post": playedChannel{p, "post"}},
			Lang: "en", Leases: p, Holder: fmt.Sprint("process ", i),
		})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { _ = w.Run(ctx) })
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
}

func wantNotices(t *testing.T, p *played, want ...string) {
	t.Helper()
	if got := p.notices(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Detection stops at night. Operators are notified after two minutes, again each half an hour, and once when it works
// again. Of two processes one notifies.
func TestOperatorsAreNotifiedWhileDetectionIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &played{}
		watches(t, p, 2)
		time.Sleep(time.Hour)
		wantNotices(t, p) // nothing to say
		p.set(store.Health{Cause: store.DetectionStopped}, false)
		time.Sleep(70 * time.Minute)
		p.set(store.Health{}, false)
		time.Sleep(time.Hour)
		wantNotices(t, p, "1h2m0s night Detection is down", "1h32m0s night Detection is down", "2h2m0s night Detection is down", "2h11m0s night Detection works again")
	})
}

// A restart, or an outage that comes and goes, is not worth a notice each.
func TestAShortOutageAndAShortRecoveryAreNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &played{}
		watches(t, p, 1)
		for range 20 { // down for a minute, up for two
			p.set(store.Health{Cause: store.DetectionStopped}, false)
			time.Sleep(time.Minute)
			p.set(store.Health{}, false)
			time.Sleep(2 * time.Minute)
		}
		wantNotices(t, p)
		for range 8 { // down for three minutes, up for half a minute
			p.set(store.Health{Cause: store.DetectionStopped}, false)
			time.Sleep(3 * time.Minute)
			p.set(store.Health{}, false)
			time.Sleep(30 * time.Second)
		}
		time.Sleep(10 * time.Minute)
		wantNotices(t, p, "1h2m0s night Detection is down", "1h29m0s night Detection works again")
	})
}

// After a stop of three hours the last run is old, and the next one is seconds away.
func TestAStartAfterALongStopIsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &played{}
		p.set(store.Health{Since: time.Now().Add(-3 * time.Hour), Cause: store.DetectionStopped}, false)
		watches(t, p, 1)
		time.Sleep(20 * time.Second)
		p.set(store.Health{}, false)
		time.Sleep(time.Hour)
		wantNotices(t, p)
		p.set(store.Health{Since: time.Now().Add(-3 * time.Hour), Cause: store.DetectionStopped}, false)
		time.Sleep(time.Minute)
		if n := len(p.notices()); n != 1 {
			t.Errorf("an outage that was found late: %d notices within a minute, want 1", n)
		}
	})
}

// The store is dead. No process can know whether another one notifies, so both do; the lease's holder alone says that
// it is over.
func TestEveryProcessNotifiesWhenTheStoreIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &played{}
		watches(t, p, 2)
		time.Sleep(time.Minute)
		p.set(store.Health{Cause: store.StoreSilent}, true)
		time.Sleep(10 * time.Minute)
		p.set(store.Health{}, false)
		time.Sleep(10 * time.Minute)
		wantNotices(t, p, "3m0s night Detection is down", "3m0s night Detection is down", "12m0s night Detection works again")
		p.set(store.Health{Cause: store.DetectionStopped}, false) // and both are ready for the next one
		time.Sleep(5 * time.Minute)
		if n := len(p.notices()); n != 4 {
			t.Errorf("the next outage: %q", p.notices())
		}
	})
}

// The first channel fails, and the second takes the notice; the first one leads to a sign-in page, and nobody waits for
// it; both fail, and the notice is tried until one takes it.
func TestANoticeGoesByTheNextChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &played{fails: map[string]error{"night": errors.New("no answer")}}
		watches(t, p, 1)
		p.set(store.Health{Cause: store.StoreRefuses}, false)
		time.Sleep(5 * time.Minute)
		wantNotices(t, p, "2m0s post Detection is down")
		p.mu.Lock()
		p.fails["night"] = &movedError{status: 302}
		p.mu.Unlock()
		time.Sleep(30 * time.Minute)
		wantNotices(t, p, "2m0s post Detection is down", "32m0s post Detection is down")
		p.mu.Lock()
		p.fails["post"] = errors.New("no answer")
		p.mu.Unlock()
		p.set(store.Health{}, false)
		time.Sleep(20 * time.Minute)
		p.mu.Lock()
		p.fails = nil
		p.mu.Unlock()
		time.Sleep(20 * time.Minute)
		got := p.notices()
		if len(got) != 3 || !strings.HasSuffix(got[2], "Detection works again") {
			t.Errorf("got %q", got)
		}
	})
}

// The store was emptied and written again. Operators are notified once of each loss, of none from before the start, and
// not of a fault by which nothing was lost.
func TestOperatorsAreNotifiedOfWhatWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := store.Fault{Kind: store.StoreLost, At: time.Now().Add(-time.Hour)}
		p := &played{health: store.Health{Faults: []store.Fault{old}}}
		watches(t, p, 2)
		time.Sleep(10 * time.Minute)
		p.set(store.Health{Faults: []store.Fault{old, {Kind: store.ClockJumped, At: time.Now()}, {Kind: store.LearnsAfresh, At: time.Now()}}}, false)
		time.Sleep(time.Hour)
		wantNotices(t, p, "10m0s night Detection has lost what it had learned")
	})
}

// The store was emptied. Each of three shards finds that by itself, one of them minutes later, and a short outage is
// between them. It is one loss. A day later it is emptied again.
func TestALossThatEachShardFindsIsNotifiedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &played{}
		watches(t, p, 2)
		var found []store.Fault
		find := func() {
			found = append(found, store.Fault{Kind: store.StoreLost, At: time.Now()})
			p.set(store.Health{Faults: slices.Clone(found)}, false)
		}
		time.Sleep(10 * time.Minute)
		find()
		time.Sleep(5 * time.Second)
		find()
		time.Sleep(time.Minute)
		p.set(store.Health{Cause: store.DetectionStopped, Faults: found}, false)
		time.Sleep(time.Minute)
		find()
		time.Sleep(24 * time.Hour)
		wantNotices(t, p, "10m0s night The store has lost data")
		find()
		time.Sleep(time.Hour)
		wantNotices(t, p, "10m0s night The store has lost data", "24h12m0s night The store has lost data")
	})
}

func TestANoticeIsWordedInTheLanguageOfThePages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said brand.Message
		p := &played{health: store.Health{Cause: store.StoreSilent}, dead: true}
		w, err := NewWatch(WatchOptions{
			Health: p.asked, Channels: []string{"night"}, By: map[string]Channel{"night": messageFunc(func(m brand.Message) { said = m })},
			Lang: "de", Leases: p, Holder: "a", Link: "https://acme.example",
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		if err := w.Run(ctx); err != nil {
			t.Fatal(err)
		}
		subject, body := Text(said)
		if subject != "[brandmelder] Die Erkennung ist ausgefallen" || !strings.Contains(body, "https://acme.example") ||
			!strings.Contains(body, "wird niemand angerufen, seit 1.1.2000, 00:00 (2 Min.).") {
			t.Errorf("got %q: %q", subject, body)
		}
	})
}

type messageFunc func(m brand.Message)

func (f messageFunc) Send(_ context.Context, m brand.Message, _ *brand.Person) error {
	f(m)
	return nil
}

func TestEachNoticeIsWordedInBothLanguages(t *testing.T) {
	var all []notice
	for _, cause := range []store.Cause{
		store.StoreSilent, store.StoreRefuses, store.StoreGone, store.DetectionNever, store.DetectionStopped, store.DetectionLags,
	} {
		all = append(all, notice{kind: isDown, cause: cause})
	}
	for _, fault := range lossKinds {
		all = append(all, notice{kind: isFault, fault: fault})
	}
	seen := map[string]bool{}
	for _, n := range all {
		n.since, n.at = t0, t0.Add(5*time.Minute)
		for _, lang := range []string{"de", "en"} {
			_, body := Text(n.message(lang, nil, ""))
			if seen[body] || strings.Count(body, "\n") != 3 {
				t.Errorf("%+v in %s: %q", n, lang, body)
			}
			seen[body] = true
		}
	}
	for _, f := range []store.FaultKind{store.SnapshotDamaged, store.LearnsAfresh, store.ClockJumped, store.ClockAhead, store.StoreLost, store.EntrySetAside} {
		for _, lang := range []string{"de", "en"} {
			what, first := FaultText(f, i18n.In(lang))
			if what == "" || first == "" || seen[what] {
				t.Errorf("%s is worded in %s: %q, %q", f, lang, what, first)
			}
			seen[what] = true
		}
	}
	if m := (&notice{cause: "anything", since: t0, at: t0}).message("en", nil, ""); m.Why != i18n.In("en").T("cause.detection_stopped.what") {
		t.Errorf("an unknown cause: %q", m.Why)
	}
	if _, err := NewWatch(WatchOptions{Channels: []string{"nigth"}}); err == nil || !strings.Contains(err.Error(), "nigth") {
		t.Errorf("a channel that is not there: %v", err)
	}
}
