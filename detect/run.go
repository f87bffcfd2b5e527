package detect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

// Store is the part of the store that detection uses.
type Store interface {
	store.Mentions
	store.Matches
	store.Snapshots
	store.Leases
	store.Corrections
	store.Feedback
	store.Statuses
	store.DeadLetters
	store.Integrity
}

// Options are the settings of a Loop. Name is the name of its snapshot and of its lease: one for each shard of topics.
type Options struct {
	Name    string
	Holder  string        // of the lease: this process
	Lease   time.Duration // how long a dead process keeps the topics; 0 means 15 s
	Log     *slog.Logger
	Metrics *Metrics
	// Pin is for the daemon: the statuses of the topics and of detection are saved for the pages, and extra snapshots
	// are kept.
	Pin bool
}

// Loop folds the stream of mentions into spikes.
type Loop struct {
	st      Store
	rules   Rules
	opt     Options
	d       *Detector
	keeper  *store.LeaseKeeper
	lease   store.Lease // under which the state is saved; zero while another process has the topics
	reload  bool        // the state in memory must be read again
	store   string      // its identity when the lease was last taken
	pos     string
	matches []store.Match
	dirty   int       // entries added since the last commit
	saved   time.Time // of the last commit
	pinned  int64     // minute of the last saved status
	reports int       // reports of spikes so far
	health  health
	extras  extras
	ages    *ages           // nil when the clock is not in doubt
	aside   map[string]bool // positions of entries that were set aside
	pending []brand.Spike   // spikes that are being committed
	panics  int             // in a row
	yield   time.Time       // another process should take the lease until then

	// by topic: a number that changes with the corrections that its filter is learned from
	corrected map[string]int64
}

// NewLoop makes a loop. The error is that of a topic's query.
func NewLoop(st Store, rules Rules, opt Options) (*Loop, error) {
	if opt.Lease == 0 {
		opt.Lease = 15 * time.Second
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if rules.Location == nil {
		rules.Location = time.UTC
	}
	if opt.Metrics == nil {
		opt.Metrics = &Metrics{}
	}
	d, err := New(rules)
	keeper := store.NewLeaseKeeper(st, opt.Name, opt.Holder, opt.Lease)
	return &Loop{st: st, keeper: keeper, rules: rules, opt: opt, d: d, aside: map[string]bool{}}, err
}

const (
	batch     = 500
	maxDirty  = 5000
	saveEvery = 2 * time.Second
	// saveAnyway is the longest time between two saves when nothing is received. After a longer one, a restart would
	// take the silence for an outage.
	saveAnyway = time.Hour
	pause      = 250 * time.Millisecond
	// settle is how far the loop stays behind the clock, so that mentions which were received before can reach the
	// stream.
	settle = 2 * time.Second
)

// Acquire takes the lease on the topics and restores the state. It returns false if another process has the lease, or
// should take it.
func (l *Loop) Acquire(ctx context.Context) (bool, error) {
	if time.Now().Before(l.yield) {
		return false, nil
	}
	lease, ok, err := l.keeper.Acquire(ctx)
	if err != nil {
		return false, err
	}
	id, err := l.st.Identity(ctx)
	if err != nil {
		return false, err
	}
	was, lost := l.lease, l.store != "" && l.store != id
	if lost && ok && was.Fence > 0 {
		l.lease = lease
		if err := l.rewrite(ctx); err != nil {
			return false, err // the identity is noted after the work; otherwise the next try would learn from zero
		}
		l.store = id
		return true, nil
	}
	l.store = id
	switch {
	case !ok:
		l.lease = store.Lease{}
		l.opt.Metrics.drop(l.opt.Name, l.rules.Topics)
		return false, nil
	case lost:
		// The process that had the topics knows what they learned. It will write that into the emptied store.
		l.yield = time.Now().Add(l.opt.Lease)
		return false, l.keeper.Release(ctx)
	case lease == was && !l.reload:
		return true, nil
	}
	l.opt.Metrics.begin(l.rules.Topics)
	l.lease = lease
	return true, l.restore(ctx)
}

// Step adds the entries of the stream and advances the detector to now. When it returns, the reports of spikes are on
// their stream. Other state may still wait to be saved; after a crash those entries are added again.
func (l *Loop) Step(ctx context.Context, now time.Time) error {
	for more := true; more; {
		var err error
		if more, err = l.foldBatch(ctx, now); errors.Is(err, errSetAside) {
			more, err = true, l.restore(ctx)
		}
		if err != nil {
			return err
		}
		if l.dirty >= maxDirty || len(l.aside) > 0 && l.dirty > 0 {
			if err := l.Save(ctx); err != nil {
				return err
			}
		}
	}
	if err := l.report(ctx, l.d.Advance(now)); err != nil {
		return err
	}
	return l.saveStatus(ctx)
}

// foldBatch adds the next entries of the stream. more says that there are others.
func (l *Loop) foldBatch(ctx context.Context, now time.Time) (more bool, err error) {
	entries, err := l.st.After(ctx, l.pos, batch)
	if err != nil {
		return false, err
	}
	if len(entries) == 0 {
		if err := l.checkEnd(ctx); err != nil {
			return false, err
		}
	}
	more = len(entries) == batch
	for i := range entries {
		if entries[i].Heard = l.receipt(entries[i].Heard, now); entries[i].Heard.After(now) && !l.d.Now().IsZero() {
			more = false // received by a process whose clock is ahead; added when our clock gets there
			break
		}
		if err := l.fold(ctx, &entries[i]); err != nil {
			return false, err
		}
	}
	if !l.opt.Pin {
		return more, nil
	}
	behind := time.Duration(0)
	if more {
		behind = now.Sub(entries[batch-1].Heard)
	}
	return more, l.alive(ctx, behind)
}

// fold adds one entry of the stream.
func (l *Loop) fold(ctx context.Context, e *store.Entry) error {
	if err := l.report(ctx, l.d.Advance(e.Heard)); err != nil {
		return err
	}
	if !l.aside[e.Pos] {
		matches, err := l.add(ctx, e)
		if err != nil {
			return err
		}
		for _, h := range matches {
			l.matches = append(l.matches, store.Match{
				Topic: h.Topic, Pos: e.Pos, At: h.At, Negative: round(float64(h.Tone[0])), Positive: round(float64(h.Tone[2])),
				Weight: round(h.Weight), Doubt: round(h.Doubt),
			})
			l.opt.Metrics.match(&h)
		}
	}
	l.pos = e.Pos
	l.dirty++
	return nil
}

// Reported is how many reports of spikes this process has made.
func (l *Loop) Reported() int { return l.reports }

// report commits the spikes together with the state.
func (l *Loop) report(ctx context.Context, spikes []brand.Spike) error {
	if len(spikes) == 0 {
		return nil
	}
	// The mentions are saved first, because the evidence is made from them. Saving them twice is harmless.
	if err := l.keep(ctx); err != nil {
		return err
	}
	for i := range spikes {
		sp := &spikes[i]
		const most, mostBefore = 2000, 1000
		during, err := l.st.Matched(ctx, sp.Topic, sp.Began, sp.Updated.Add(time.Minute), most)
		if err != nil {
			return err
		}
		before, err := l.st.Matched(ctx, sp.Topic, sp.Began.Add(-7*24*time.Hour), sp.Began, mostBefore)
		if err != nil {
			return err
		}
		during, before = slices.DeleteFunc(during, held), slices.DeleteFunc(before, held)
		for i := range during { // a publication time in the future is shown as the time at which the mention counts
			if m := &during[i]; m.Mention.At.Sub(m.At) >= time.Second {
				m.Mention.At = m.At
			}
		}
		sp.Evidence = l.evidence(sp, during, before)
		l.opt.Metrics.spike(sp)
		l.opt.Log.Info("spike", "topic", sp.Topic, "kind", sp.Kind, "state", sp.State, "level", int(sp.Level), "score", sp.Score)
	}
	l.reports += len(spikes)
	l.pending = spikes
	return l.commit(ctx, spikes)
}

// evidence is Evidence. If that panics, the spike is reported without evidence.
func (l *Loop) evidence(sp *brand.Spike, during, before []store.Matched) (ev brand.Evidence) {
	defer func() {
		if p := recover(); p != nil {
			l.opt.Log.Error("the evidence of a spike cannot be found", "spike", sp.ID, "panic", p)
		}
	}()
	return Evidence(sp.Kind, during, before)
}

func held(m store.Matched) bool { return m.Held() }

// Save saves the state.
func (l *Loop) Save(ctx context.Context) error {
	if l.dirty == 0 {
		return nil
	}
	return l.commit(ctx, nil)
}

func (l *Loop) keep(ctx context.Context) error {
	err := l.st.Keep(ctx, l.matches)
	if err == nil {
		l.matches = l.matches[:0]
	}
	return err
}

func (l *Loop) commit(ctx context.Context, spikes []brand.Spike) error {
	if err := l.keep(ctx); err != nil {
		return err
	}
	state, err := l.d.Snapshot()
	if err != nil {
		return err
	}
	if err := l.st.Commit(ctx, l.lease, store.Snapshot{Name: l.opt.Name, Pos: l.pos, State: state}, spikes); err != nil {
		return err
	}
	l.dirty, l.saved, l.pending = 0, time.Now(), nil
	clear(l.aside)
	return l.keepEarlier(ctx, state)
}

// Release saves the state and returns the lease.
func (l *Loop) Release(ctx context.Context) error {
	return errors.Join(l.Save(ctx), l.keeper.Release(ctx))
}

// Run judges until the context ends, by the clock. It waits while another process has the topics, and continues after
// errors.
func (l *Loop) Run(ctx context.Context) error {
	defer func() {
		done, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		var err error
		if l.lease.Fence > 0 && !l.reload {
			err = l.Save(done)
		}
		if err = errors.Join(err, l.keeper.Release(done)); err != nil {
			l.opt.Log.Error("last save", "error", err)
		}
	}()
	l.opt.Metrics.expect(l.opt.Name)
	ours := false
	for {
		wait := pause
		err := l.safely(func() error {
			if !ours || l.reload || l.keeper.Due() {
				ok, err := l.Acquire(ctx)
				if ours = ok && err == nil; !ours {
					wait = l.opt.Lease / 4
					return err
				}
			}
			return l.keeper.While(ctx, func(ctx context.Context) error { return l.run(ctx, time.Now().Add(-settle)) })
		})
		if err != nil && ctx.Err() == nil {
			// The state may be ahead of what is saved: restore it.
			l.opt.Log.Error("detection stopped and starts again", "error", err)
			l.reload, wait = true, max(wait, time.Second)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// safely turns a panic into an error, so that the rest of the daemon goes on.
func (l *Loop) safely(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			l.panics++
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// run is one round of Run.
func (l *Loop) run(ctx context.Context, now time.Time) error {
	if err := l.checkClock(ctx, now); err != nil {
		return err
	}
	if err := l.Step(ctx, now); err != nil {
		return err
	}
	l.panics = 0
	l.checkAges()
	if idle := time.Since(l.saved); idle > saveAnyway || idle > saveEvery && l.dirty > 0 {
		return l.commit(ctx, nil)
	}
	return nil
}
