package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"brandmelder/access"
	"brandmelder/alert/assist"
	"brandmelder/alert/notify"
	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/store"
)

// Store is what the package reads and writes.
type Store interface {
	store.Spikes
	store.Cursors
	store.Incidents
	store.Evidence
	store.Outbox
	store.Leases
	store.DeadLetters
	store.Matches
	store.Integrity
}

// Options is how a Loop runs.
type Options struct {
	Holder   string
	Lease    time.Duration
	Log      *slog.Logger
	Metrics  *Metrics
	Channels map[string]notify.Channel // by the names in Desk.Channels
	Delivers map[string]bool           // of them, those whose receipt says that a message has arrived
	Links    access.Links
	Writer   *assist.Writer   // nil: the playbooks' statements alone
	Assessor *assist.Assessor // nil: the tone model alone

	// Now is the time of what is sent and written. nil takes that of the Step, as a replay does.
	Now func() time.Time
}

// Loop works the desk.
type Loop struct {
	st   Store
	desk *Desk
	opt  Options

	open   map[string]*Known // the open incidents, as they were at the last round
	count  atomic.Int32      // of them
	store  string            // the identity of the store that open was read from
	waits  time.Time         // after the store was emptied: until when another process takes the lease first
	keeper *store.LeaseKeeper
	term   *term  // nil while another process works the desk
	flight flight // the calls that are being sent
}

// NewLoop makes a loop.
func NewLoop(st Store, desk *Desk, opt Options) *Loop {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Metrics == nil {
		opt.Metrics = &Metrics{}
	}
	if opt.Lease == 0 {
		opt.Lease = 15 * time.Second
	}
	opt.Metrics.begin(opt.Channels)
	keeper := store.NewLeaseKeeper(st, leaseName, opt.Holder, opt.Lease)
	return &Loop{st: st, desk: desk, opt: opt, keeper: keeper, flight: newFlight()}
}

const (
	leaseName  = "alert"
	cursor     = "alert"
	room       = "alert" // of dead letters
	manySpikes = 100
	pause      = 500 * time.Millisecond
	askedSpan  = 30 * 24 * time.Hour
)

// Open is the number of incidents that were open after the last Step.
func (l *Loop) Open() int { return int(l.count.Load()) }

// Step does all that is due at now: new spikes, what time asks for. It starts the calls that are due and does not wait
// for them. An error in one of these does not stop the others.
func (l *Loop) Step(ctx context.Context, now time.Time) error {
	err := errors.Join(l.receive(ctx, now), l.round(ctx, now))
	return errors.Join(err, l.dispatch(ctx, now))
}

// Settle waits for the calls that are being sent.
func (l *Loop) Settle() { l.flight.wait() }

// lease is that under which the loop writes; nil for a loop that works alone, as a replay's does.
func (l *Loop) lease() *store.Lease {
	if l.term == nil {
		return nil
	}
	return &l.term.lease
}

// round does what time asks for in the open incidents.
func (l *Loop) round(ctx context.Context, now time.Time) error {
	if err := l.refresh(ctx, now); err != nil {
		return err
	}
	if err := l.readEvidence(ctx, evidenceAtOnce, func(*Known) bool { return true }); err != nil {
		return err
	}
	l.opt.Metrics.incidents(l.desk.Topics, l.open)
	var roster incident.Roster
	var errs []error
	for id, in := range l.open {
		if in.Due.IsZero() || now.Before(in.Due) {
			continue
		}
		if roster == nil {
			roster = l.desk.Roster(now)
		}
		err := l.do(ctx, id, incident.Tick{Roster: roster}, nil, now)
		if errors.Is(err, store.ErrConflict) { // a person was faster; the next round reads what they did
			continue
		}
		if errs = append(errs, err); errors.Is(err, store.ErrFenced) || ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// do decides a command on the incident as it is known and saves what follows, with evidence, if there is any. It
// returns ErrConflict where somebody else changed the incident meanwhile; what is known is right again at the next
// refresh.
func (l *Loop) do(ctx context.Context, id string, c incident.Command, evidence *brand.Spike, now time.Time) error {
	was := &Known{}
	if in := l.open[id]; in != nil {
		was = in
	}
	events, calls, err := incident.Decide(was.State, incident.Program, c, now)
	if err != nil || len(events) == 0 {
		return err
	}
	state, records, err := was.Append(incident.Program, now, events...)
	if err != nil {
		return err
	}
	change := store.Change{Lease: l.lease(), Before: was.Version, State: state, Events: records, Calls: l.desk.address(calls)}
	if evidence != nil {
		change.Evidence = []brand.Spike{*evidence}
	}
	if err := l.st.SaveIncident(ctx, change); err != nil {
		delete(l.open, id)
		return err
	}
	if l.open == nil {
		l.open = map[string]*Known{}
	}
	l.open[id] = &Known{State: state, Evidence: merged(was.Evidence, evidence), unread: was.unread}
	if !state.Open() {
		delete(l.open, id)
	}
	l.count.Store(int32(len(l.open)))
	return nil
}

// merged is the evidence with that of a spike replaced or added.
func merged(all []brand.Spike, sp *brand.Spike) []brand.Spike {
	if sp == nil {
		return all
	}
	out := []brand.Spike{*sp}
	for i := range all {
		if all[i].ID != sp.ID {
			out = append(out, all[i])
		}
	}
	return out
}

// receive takes the new spikes. The cursor moves last: after a crash a spike is received twice, and the second time is
// no news.
func (l *Loop) receive(ctx context.Context, now time.Time) error {
	for {
		was, err := l.st.Cursor(ctx, cursor)
		if err != nil {
			return err
		}
		pos := position(was)
		entries, err := l.st.SpikesAfter(ctx, pos, manySpikes)
		if err != nil || len(entries) == 0 {
			return err
		}
		if err := l.refresh(ctx, now); err != nil { // before a spike opens a second incident
			return err
		}
		if pos == "" {
			if lost, err := l.resume(ctx, was, now); lost || err != nil {
				return err
			}
		}
		for _, e := range entries {
			if err := l.take(ctx, e.Spike, now); err != nil {
				return fmt.Errorf("spike %s: %w", e.Spike.ID, err)
			}
			if err := l.st.SetCursor(ctx, cursor, e.Pos); err != nil {
				return err
			}
		}
	}
}

// take takes one report of a spike.
func (l *Loop) take(ctx context.Context, sp brand.Spike, now time.Time) error {
	evidence := sp
	for range 10 {
		asked, err := l.st.AskedSince(ctx, now.Add(-askedSpan))
		if err != nil {
			return err
		}
		if err := l.readEvidence(ctx, len(l.open), func(in *Known) bool {
			return slices.ContainsFunc(in.Spikes, func(o brand.Spike) bool { return mayMatch(&o, &sp) })
		}); err != nil {
			return err
		}
		id, c := l.desk.Receive(sp, l.list(), asked, now)
		if c == nil {
			return nil
		}
		if l.open[id] == nil {
			old, err := l.st.Incident(ctx, id)
			switch {
			case err == nil && (old.Open() || sp.Level <= old.Level):
				return nil // opened before a crash, or closed by a person since
			case err == nil:
				sp.ID = brand.Hash(sp.ID, sp.Level.String()) // worse than what was closed: a matter of its own
				evidence.ID = sp.ID
				continue
			case !errors.Is(err, store.ErrNotFound):
				return err
			}
		}
		fresh := l.open[id] == nil
		err = l.do(ctx, id, c, &evidence, now)
		if errors.Is(err, store.ErrConflict) || errors.Is(err, incident.ErrClosed) { // a person was faster
			if err := l.refresh(ctx, now); err != nil {
				return err
			}
			continue
		}
		if in := l.open[id]; err == nil && fresh && in != nil {
			l.opt.Metrics.openedOne(in.Kind)
			l.opt.Log.Info("incident opened", "incident", id, "kind", in.Kind, "topics", in.Topics, "level", int(in.Level))
		}
		return err
	}
	return store.ErrConflict
}

// Received is the position up to which the desk has received the spikes, "" where none is stored that can be read.
func Received(ctx context.Context, st store.Cursors) (string, error) {
	pos, err := st.Cursor(ctx, cursor)
	return position(pos), err
}

// PassOver lets the desk begin behind the spikes that were reported so far: nobody is called for the past.
func PassOver(ctx context.Context, st Store) error {
	pos, err := Received(ctx, st)
	if err != nil {
		return err
	}
	for {
		entries, err := st.SpikesAfter(ctx, pos, manySpikes)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return st.SetCursor(ctx, cursor, pos)
		}
		pos = entries[len(entries)-1].Pos
	}
}

// Run works until the context ends. It waits while another process works the desk, and goes on after errors.
func (l *Loop) Run(ctx context.Context) error {
	l.opt.Now = time.Now
	defer l.resign(ctx)
	for wait(ctx, pause) {
		ok, err := l.lead(ctx, time.Now())
		if ok {
			err = l.Step(l.term.ctx, time.Now()) //nolint:contextcheck // the term ends with ctx or with the lease
		} else {
			l.opt.Metrics.drop()
		}
		if err != nil && ctx.Err() == nil {
			l.opt.Log.Error("the desk's round", "error", err)
		}
	}
	return nil
}

// term is the time in which this loop has the lease.
type term struct {
	lease  store.Lease
	ctx    context.Context // ends when the lease is lost, or was not renewed in time
	cancel context.CancelFunc
	work   sync.WaitGroup

	settled map[string]int // the versions of incidents about which no language model is to be asked
}

// begin begins a term under a lease that was acquired, or goes on with it. The lease is renewed while the term lasts.
func (l *Loop) begin(ctx context.Context, lease store.Lease) {
	if l.term != nil && l.term.lease == lease && l.term.ctx.Err() == nil {
		return
	}
	l.end()
	t := &term{lease: lease, settled: map[string]int{}}
	ctx, t.cancel = context.WithCancel(ctx)
	begun := make(chan struct{})
	t.work.Go(func() {
		_ = l.keeper.While(ctx, func(ctx context.Context) error { // why it was lost is in the context
			t.ctx = ctx
			close(begun)
			if l.opt.Writer != nil || l.opt.Assessor != nil {
				l.assist(t)
			}
			<-ctx.Done()
			return nil
		})
	})
	<-begun
	l.term = t
}

// end ends the term, and waits for what works under it.
func (l *Loop) end() {
	if l.term == nil {
		return
	}
	l.term.cancel()
	l.flight.wait()
	l.term.work.Wait()
	l.term = nil
}

// resign gives the lease back, so that another process goes on at once.
func (l *Loop) resign(ctx context.Context) {
	l.end()
	_ = l.keeper.Release(context.WithoutCancel(ctx)) // it runs out by itself
}

func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
