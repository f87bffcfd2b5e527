package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/store"
)

// NewIncident is the change that opens an incident with some calls.
func NewIncident(t testing.TB, id string, detected time.Time, calls ...incident.Call) store.Change {
	t.Helper()
	sp := brand.Spike{ID: "spike of " + id, Topic: "a", Detected: detected, Began: detected, State: brand.Opened}
	c := then(t, incident.State{}, incident.Opened{
		ID: id, Kind: incident.Crisis, Spike: sp, Owner: "anna", Experts: []incident.Expert{{Person: "dora"}},
	})
	c.Evidence, c.Calls = []brand.Spike{sp}, calls
	return c
}

// then is the change by further events.
func then(t testing.TB, s incident.State, events ...incident.Event) store.Change {
	t.Helper()
	state, records, err := s.Append(incident.Actor{ID: "anna", Via: "link"}, t0.Add(time.Duration(s.Version)*time.Minute), events...)
	if err != nil {
		t.Fatal(err)
	}
	return store.Change{Before: s.Version, State: state, Events: records}
}

func list(t *testing.T, ctx context.Context, s store.Store, open bool) (ids []string) {
	t.Helper()
	for after := ""; ; {
		page, next, err := s.ListIncidents(ctx, store.IncidentQuery{Open: open, After: after, Limit: 2})
		must(t, err)
		if len(page) > 2 {
			t.Errorf("a page has %d incidents, want 2 at most", len(page))
		}
		for _, in := range page {
			ids = append(ids, in.ID)
		}
		if after = next; next == "" {
			return ids
		}
	}
}

func incidents(t *testing.T, ctx context.Context, s store.Store) {
	first := NewIncident(t, "i1", t0)
	must(t, s.SaveIncident(ctx, first))
	taken := then(t, first.State, incident.Taken{})
	must(t, s.SaveIncident(ctx, taken))
	stale := then(t, first.State, incident.Noted{Text: "too late"})
	stale.Calls = []incident.Call{{ID: "lost", Incident: "i1", Due: t0}}
	if err := s.SaveIncident(ctx, stale); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a stale change: got %v, want ErrConflict", err)
	}
	if err := s.SaveIncident(ctx, first); !errors.Is(err, store.ErrConflict) {
		t.Errorf("an incident that is there: got %v, want ErrConflict", err)
	}
	same(t, len(get[[]incident.Call](t)(s.DueCalls(ctx, t0.Add(time.Hour), 10))), 0)
	same(t, get[incident.State](t)(s.Incident(ctx, "i1")), taken.State)
	events := get[[]incident.Record](t)(s.Events(ctx, "i1"))
	must(t, incident.Verify("i1", events, &taken.State))
	if _, err := s.Incident(ctx, "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	// A process that lost its lease saves nothing.
	lease, _, err := s.Acquire(ctx, "alert", "me", time.Minute)
	must(t, err)
	must(t, s.Release(ctx, lease))
	_, _, err = s.Acquire(ctx, "alert", "another", time.Minute)
	must(t, err)
	late := then(t, taken.State, incident.Noted{Text: "too late"})
	late.Lease = &lease
	if err := s.SaveIncident(ctx, late); !errors.Is(err, store.ErrFenced) {
		t.Errorf("a lost lease: got %v, want ErrFenced", err)
	}
	// Of many hands at once exactly one wins each round.
	var won sync.Map
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			err := s.SaveIncident(ctx, then(t, taken.State, incident.Noted{Text: fmt.Sprint(i)}))
			if err == nil {
				won.Store(i, true)
			} else if !errors.Is(err, store.ErrConflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	n := 0
	won.Range(func(any, any) bool { n++; return true })
	same(t, n, 1)
}

func incidentPages(t *testing.T, ctx context.Context, s store.Store) {
	must(t, s.SaveIncident(ctx, NewIncident(t, "i0", t0.Add(-time.Hour))))
	for _, id := range []string{"i1", "i2", "i3", "i4"} { // detected at once
		must(t, s.SaveIncident(ctx, NewIncident(t, id, t0)))
	}
	newest := NewIncident(t, "i5", t0.Add(time.Hour))
	must(t, s.SaveIncident(ctx, newest))
	all := []string{"i5", "i4", "i3", "i2", "i1", "i0"}
	same(t, list(t, ctx, s, false), all)
	same(t, list(t, ctx, s, true), all)
	must(t, s.SaveIncident(ctx, then(t, newest.State, incident.ClosedAs{Outcome: incident.Resolved})))
	same(t, list(t, ctx, s, false), all)
	same(t, list(t, ctx, s, true), all[1:])
	open := get[map[string]int](t)(s.OpenIncidents(ctx))
	same(t, len(open), 5)
	same(t, open["i3"], 1)
	if _, _, err := s.ListIncidents(ctx, store.IncidentQuery{After: "nonsense", Limit: 2}); err == nil {
		t.Error("a page that is none was listed")
	}
}

func incidentTrim(t *testing.T, ctx context.Context, s store.Store) {
	for i := range 3 {
		id := fmt.Sprint("i", i)
		c := NewIncident(t, id, t0, incident.Call{ID: "call of " + id, Incident: id, Due: t0})
		must(t, s.SaveIncident(ctx, c))
		asked := then(t, c.State, incident.ExpertAsked{Person: "dora"})
		must(t, s.SaveIncident(ctx, asked))
		if i > 0 {
			must(t, s.SaveIncident(ctx, then(t, asked.State, incident.ClosedAs{Outcome: incident.Resolved})))
		}
	}
	same(t, get[map[string]int](t)(s.AskedSince(ctx, t0)), map[string]int{"dora": 3})
	same(t, get[map[string]int](t)(s.AskedSince(ctx, t0.Add(time.Hour))), map[string]int{})
	same(t, get[int](t)(s.TrimIncidents(ctx, t0)), 0)
	same(t, get[int](t)(s.TrimIncidents(ctx, t0.Add(time.Hour))), 2)
	same(t, list(t, ctx, s, false), []string{"i0"})
	same(t, len(get[[]incident.Record](t)(s.Events(ctx, "i1"))), 0)
	same(t, len(get[[]brand.Spike](t)(s.Evidence(ctx, "i1"))), 0)
	due := get[[]incident.Call](t)(s.DueCalls(ctx, t0, 10))
	same(t, len(due), 1)
	same(t, due[0].Incident, "i0")
}

func redacted(t *testing.T, ctx context.Context, s store.Store) {
	for i := range 3 {
		c := NewIncident(t, fmt.Sprint("i", i), t0)
		c.Evidence[0].Evidence.Samples = []brand.Mention{mention(fmt.Sprint(i), t0), mention("other", t0)}
		must(t, s.SaveIncident(ctx, c))
	}
	n, err := s.RedactEvidence(ctx, func(sp *brand.Spike) bool {
		return sp.Forget(func(m *brand.Mention) bool { return m.ID == "1" })
	})
	must(t, err)
	same(t, n, 1)
	left := get[[]brand.Spike](t)(s.Evidence(ctx, "i1"))[0].Evidence.Samples
	if len(left) != 1 || left[0].ID != "other" {
		t.Errorf("the evidence still quotes %v", left)
	}
}

func audited(t *testing.T, ctx context.Context, s store.Store) {
	same(t, len(get[[]string](t)(s.StoredIDs(ctx))), 0)
	for _, id := range []string{"i2", "i1", "i[*]"} {
		c := NewIncident(t, id, t0)
		must(t, s.SaveIncident(ctx, c))
		must(t, s.SaveIncident(ctx, then(t, c.State, incident.Taken{})))
	}
	same(t, get[[]string](t)(s.StoredIDs(ctx)), []string{"i1", "i2", "i[*]"})
	in := get[store.StoredIncident](t)(s.StoredIncident(ctx, "i1"))
	must(t, in.Verify())
	same(t, len(get[[]incident.Record](t)(in.Records())), 2)
	in.Events = in.Events[:1]
	var broken *incident.ChainError
	if err := in.Verify(); !errors.As(err, &broken) || broken.Event != 2 {
		t.Errorf("without the second event: got %v", err)
	}
	if _, err := s.StoredIncident(ctx, "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

// rebuilt damages nothing itself: the stores' own tests do. It checks what they rely on.
func rebuilt(t *testing.T, _ context.Context, _ store.Store) {
	c := NewIncident(t, "i1", t0)
	more := then(t, c.State, incident.Taken{}, incident.Noted{Text: "here"})
	got, err := store.Rebuild("i1", slices.Concat(c.Events, more.Events))
	must(t, err)
	same(t, got, more.State)
	if _, err := store.Rebuild("i1", more.Events); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("events without their beginning: got %v", err)
	}
}

func outbox(t *testing.T, ctx context.Context, s store.Store) {
	call := func(id string, due time.Duration) incident.Call {
		return incident.Call{ID: id, Incident: "i1", To: "anna", Created: t0.Add(due), Due: t0.Add(due)}
	}
	c := NewIncident(t, "i1", t0, call("b", time.Minute), call("a", 0))
	must(t, s.SaveIncident(ctx, c))
	c = then(t, c.State, incident.Noted{Text: "x"})
	c.Calls = []incident.Call{call("a", 0)} // known already
	must(t, s.SaveIncident(ctx, c))
	due := get[[]incident.Call](t)(s.DueCalls(ctx, t0, 10))
	same(t, len(due), 1)
	same(t, due[0].ID, "a")
	due = get[[]incident.Call](t)(s.DueCalls(ctx, t0.Add(time.Hour), 10))
	same(t, []string{due[0].ID, due[1].ID}, []string{"a", "b"})
	a, stale := due[0], due[0]
	a.Attempts, a.Error, a.Due = 1, "no answer", t0.Add(2*time.Hour)
	must(t, s.SaveCall(ctx, nil, &a))
	same(t, a.Version, due[0].Version+1)
	if err := s.SaveCall(ctx, nil, &stale); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a stale call: got %v, want ErrConflict", err)
	}
	same(t, len(get[[]incident.Call](t)(s.DueCalls(ctx, t0.Add(time.Hour), 10))), 1)
	lease, _, err := s.Acquire(ctx, "alert", "me", time.Minute)
	must(t, err)
	a.Sent = t0.Add(2 * time.Hour)
	must(t, s.SaveCall(ctx, &lease, &a))
	must(t, s.Release(ctx, lease))
	_, _, err = s.Acquire(ctx, "alert", "another", time.Minute)
	must(t, err)
	b := due[1]
	b.GivenUp = t0.Add(time.Hour)
	if err := s.SaveCall(ctx, &lease, &b); !errors.Is(err, store.ErrFenced) {
		t.Errorf("a lost lease: got %v, want ErrFenced", err)
	}
	must(t, s.SaveCall(ctx, nil, &b))
	same(t, len(get[[]incident.Call](t)(s.DueCalls(ctx, t0.Add(9*time.Hour), 10))), 0)
	c = then(t, c.State, incident.Noted{Text: "y"})
	c.Calls = []incident.Call{call("a", 0)} // sent is sent
	must(t, s.SaveIncident(ctx, c))
	same(t, len(get[[]incident.Call](t)(s.DueCalls(ctx, t0.Add(9*time.Hour), 10))), 0)
	same(t, get[[]incident.Call](t)(s.CallsOf(ctx, "i1")), []incident.Call{a, b})
	must(t, store.MarkCalls(ctx, s, "i1", "anna", func(c *incident.Call) bool {
		fresh := c.Opened.IsZero()
		c.Opened = t0
		return fresh
	}))
	for _, c := range get[[]incident.Call](t)(s.CallsOf(ctx, "i1")) {
		same(t, c.Opened, t0)
	}
}
