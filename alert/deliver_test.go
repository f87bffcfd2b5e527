package alert

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"brandmelder/alert/notify"
	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/people"
	"brandmelder/store"
	"brandmelder/store/redisstore"
	"brandmelder/store/sqlite"
	"brandmelder/store/storetest"
)

// slowChannel takes each message after a while, or when the context ends.
type slowChannel struct {
	takes time.Duration
	mu    sync.Mutex
	taken map[string]int // by person
}

func (c *slowChannel) Send(ctx context.Context, _ notify.Message, to *people.Person) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(c.takes):
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	who := "team"
	if to != nil {
		who = to.ID
	}
	c.taken[who]++
	return nil
}

func (c *slowChannel) count(who string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taken[who]
}

// Two processes share a Redis. The lease lasts a second, and the channel takes three. The call is sent once.
// Fault 1: on 5a11e2e the desk did not renew its lease while it waited for the send, and the call was sent twice.
func TestASendThatTakesLongerThanTheLeaseIsMadeOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for leases")
	}
	n := newNight(t)
	ch := &slowChannel{takes: 3 * time.Second, taken: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		l := NewLoop(n.open(), testDesk(t), Options{Holder: name, Lease: time.Second, Channels: map[string]notify.Channel{"first": ch, "second": ch}})
		wg.Go(func() { _ = l.Run(ctx) })
	}
	sp := spike("s", "acme", 3, "fire")
	sp.Began, sp.Detected, sp.Updated = time.Now(), time.Now(), time.Now()
	n.tell(sp)
	time.Sleep(6 * time.Second)
	cancel()
	wg.Wait()
	if got := ch.count("anna"); got != 1 {
		t.Errorf("anna was called %d times, want once", got)
	}
	calls, err := n.st.CallsOf(t.Context(), n.incidents()[0].ID)
	n.must(err)
	if len(calls) != 1 || calls[0].Sent.IsZero() || calls[0].Attempts != 1 {
		t.Errorf("the ledger says %+v", calls)
	}
}

// A process whose lease was lost while it sends saves nothing: who has the desk now decides what is sent.
// Fault 1: on 5a11e2e it overwrote what the other process had saved.
func TestALostLeaseSavesNoResult(t *testing.T) {
	n := newNight(t)
	release := make(chan struct{})
	a := NewLoop(n.st, testDesk(t), Options{Holder: "a", Channels: map[string]notify.Channel{
		"first": taker(func(notify.Message, *people.Person) error { <-release; return errors.New("too late") }),
	}})
	n.tell(spike("s", "acme", 3, "fire"))
	ok, err := a.lead(t.Context(), t0)
	n.must(err)
	n.must(a.Step(t.Context(), t0)) // the send hangs
	n.expire()
	b := n.process("b", n.open())
	if !ok || !n.turn(b, time.Second) {
		t.Fatal("b does not take over")
	}
	close(release)
	a.Settle()
	calls, err := n.st.CallsOf(t.Context(), n.incidents()[0].ID)
	n.must(err)
	if len(calls) != 1 || calls[0].Sent.IsZero() || calls[0].Error != "" || calls[0].Attempts != 1 {
		t.Errorf("the ledger says %+v, want the call that b sent", calls)
	}
}

// One channel hangs for ever. The others are used at once, and the escalation goes on in time.
// Fault 1: on 5a11e2e nobody else was called while one channel hung.
func TestAChannelThatHangsDelaysNobodyElse(t *testing.T) {
	d := newDesktop(t)
	hang := make(chan struct{})
	t.Cleanup(d.loop.Settle)
	t.Cleanup(func() { close(hang) })
	d.loop.opt.Channels["first"] = taker(func(notify.Message, *people.Person) error { <-hang; return nil })
	d.desk.People.Person("ben").Channels = []string{"second"}
	d.must(d.st.AppendSpikes(t.Context(), []brand.Spike{spike("s", "acme", 3, "fire")}))
	began := time.Now()
	step := func(after time.Duration) {
		d.now = d.now.Add(after)
		d.must(d.loop.Step(t.Context(), d.now))
	}
	step(0)
	step(15 * time.Minute)
	got := d.called()
	for ; len(got) == 0 && time.Since(began) < 5*time.Second; got = d.called() {
		time.Sleep(time.Millisecond)
	}
	if len(got) != 1 || got[0] != "second ben Nobody answered: acme: fire" {
		t.Errorf("called %q, want ben by the second channel", got)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
}

// crash is a store whose process dies before its n-th write: from then on nothing is written.
type crash struct {
	Store
	mu   sync.Mutex
	left int
}

var errCrashed = errors.New("crashed")

func (c *crash) write() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left < 0 {
		return errCrashed
	}
	return nil
}

func (c *crash) dead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left < 0
}

func (c *crash) SaveIncident(ctx context.Context, ch store.Change) error {
	return errors.Join(c.write(), c.if0(func() error { return c.Store.SaveIncident(ctx, ch) }))
}

func (c *crash) SaveCall(ctx context.Context, l *store.Lease, call *incident.Call) error {
	return errors.Join(c.write(), c.if0(func() error { return c.Store.SaveCall(ctx, l, call) }))
}

func (c *crash) SetCursor(ctx context.Context, name, value string) error {
	return errors.Join(c.write(), c.if0(func() error { return c.Store.SetCursor(ctx, name, value) }))
}

func (c *crash) AddDeadLetters(ctx context.Context, ds ...store.DeadLetter) error {
	return errors.Join(c.write(), c.if0(func() error { return c.Store.AddDeadLetters(ctx, ds...) }))
}

// if0 does the write unless the process is dead.
func (c *crash) if0(f func() error) error {
	if c.dead() {
		return errCrashed
	}
	return f()
}

// The process dies between any two writes of a night in which the first channel fails, nobody answers and the storm
// grows, and another one goes on. No call is lost. A call is sent twice only if the death fell between sending and
// saving. No escalation is late by more than one step.
func TestADeathBetweenAnyTwoWritesLosesNoCall(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) store.Store{
		"file": func(t *testing.T) store.Store {
			st, err := sqlite.Open(t.Context(), ":memory:")
			if err != nil {
				t.Fatal(err)
			}
			return st
		},
		"Redis": func(t *testing.T) store.Store {
			st, err := redisstore.Open(t.Context(), storetest.Redis(t))
			if err != nil {
				t.Fatal(err)
			}
			return st
		},
	} {
		t.Run(name, func(t *testing.T) {
			whole := playNight(t, open(t), 1<<30)
			if len(whole.sent) != 5 {
				t.Fatalf("the night has only the calls %v", whole.sent)
			}
			for n := range whole.writes {
				got := playNight(t, open(t), n)
				for call, at := range whole.sent {
					late, ok := got.sent[call]
					if !ok || late.Sub(at) > time.Minute {
						t.Errorf("death before write %d: the call %q was sent at %v, want %v", n, call, late, at)
					}
				}
				twice := 0
				for call, times := range got.times {
					if _, ok := whole.sent[call]; !ok {
						t.Errorf("death before write %d: nobody ordered the call %q", n, call)
					}
					twice += times - 1
				}
				if twice > 1 || twice == 1 && !got.sending {
					t.Errorf("death before write %d: calls were sent twice: %v", n, got.times)
				}
			}
		})
	}
}

type playedNight struct {
	sent    map[string]time.Time // when each call was sent first
	times   map[string]int       // how often
	sending bool                 // the process died between sending and saving
	writes  int
}

// playNight plays a night minute by minute on a store, whose process dies before a write; a new one goes on at once.
func playNight(t *testing.T, st store.Store, dieBefore int) playedNight {
	t.Helper()
	defer func() { _ = st.Close() }()
	out := playedNight{sent: map[string]time.Time{}, times: map[string]int{}}
	var mu sync.Mutex
	var now time.Time
	unsaved := map[string]bool{}
	desk := testDesk(t)
	process := func(s *crash) *Loop {
		channel := func(name string, fails bool) notify.Channel {
			return taker(func(m notify.Message, to *people.Person) error {
				if s.dead() {
					return errCrashed // a dead process sends nothing
				}
				if fails {
					return fmt.Errorf("no answer: %w", notify.ErrGiveUp)
				}
				mu.Lock()
				defer mu.Unlock()
				who := "team"
				if to != nil {
					who = to.ID
				}
				key := fmt.Sprint(name, " ", who, " ", m.Title, " ", int(m.Level))
				if _, ok := out.sent[key]; !ok {
					out.sent[key] = now
				}
				out.times[key]++
				unsaved[key] = true
				return nil
			})
		}
		return NewLoop(s, desk, Options{Channels: map[string]notify.Channel{"first": channel("first", true), "second": channel("second", false)}})
	}
	desk.People.Person("ben").Channels = []string{"second"}
	desk.People.Person("gil").Channels = []string{"second"}
	s := &crash{Store: st, left: dieBefore}
	l := process(s)
	for m := range 50 {
		now = t0.Add(time.Duration(m) * time.Minute)
		if m == 0 || m == 20 {
			sp := spike("s", "acme", brand.Level(3+m/20), "fire")
			sp.Updated = now
			if err := st.AppendSpikes(t.Context(), []brand.Spike{sp}); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 { // as the loop works twice a second
			clear(unsaved)
			err := l.Step(t.Context(), now)
			l.Settle()
			if s.dead() && dieBefore < 1<<30 {
				out.sending = out.sending || len(unsaved) > 0
				s = &crash{Store: st, left: 1 << 30}
				l = process(s)
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	out.writes = 1<<30 - s.left
	return out
}

// A link is opened and a call answered while it is being sent: neither is lost, and the call is not sent again.
func TestAnAnswerDuringASendIsKept(t *testing.T) {
	d := newDesktop(t)
	d.loop.opt.Channels["first"] = taker(func(notify.Message, *people.Person) error {
		calls, err := d.st.CallsOf(t.Context(), d.incident().ID)
		d.must(err)
		calls[0].Opened = t0.Add(time.Second)
		return d.st.SaveCall(t.Context(), nil, &calls[0])
	})
	d.report(spike("s", "acme", 3, "fire"))
	d.step(time.Minute)
	calls, err := d.st.CallsOf(t.Context(), d.incident().ID)
	d.must(err)
	if len(calls) != 1 || calls[0].Sent.IsZero() || calls[0].Opened.IsZero() || calls[0].Attempts != 1 {
		t.Errorf("got %+v", calls)
	}
	if slices.ContainsFunc(calls, func(c incident.Call) bool { return c.Waiting() }) {
		t.Error("it waits to be sent again")
	}
}
