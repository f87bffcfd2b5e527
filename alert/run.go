package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

// Store is what the room needs to remember.
type Store interface {
	store.Spikes
	store.Cursors
	store.Incidents
	store.Outbox
	store.Leases
	store.DeadLetters
	store.Matches
	store.Feedback
	store.ToneLabels
	store.Budgets
	store.Integrity
}

// Options is how a Loop runs.
type Options struct {
	Holder   string
	Lease    time.Duration
	Log      *slog.Logger
	Metrics  *Metrics
	Channels map[string]Channel // by the names in Desk.Channels
	Links    Links
	Writer   *Writer    // nil: the playbooks' drafts alone
	Larger   *LargerEar // nil: the ear alone
}

// Loop works the desk.
type Loop struct {
	st   Store
	desk *Desk
	opt  Options
	open atomic.Int32
	next time.Time // when the open incidents want to be looked at again

	lease    store.Lease      // zero while another process works the desk
	looked   time.Time        // when next was last put off
	store    string           // the identity of the store that holds what is known
	known    []brand.Incident // that were open in the last round
	handover time.Time        // its end, after the store was emptied
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
	return &Loop{st: st, desk: desk, opt: opt}
}

const (
	cursor     = "alert"
	room       = "alert" // of dead letters
	manySpikes = 100
	manyOpen   = 500
	manyCalls  = 50
	atOnce     = 8
	maxTries   = 5
	firstRetry = 10 * time.Second
	pause      = 500 * time.Millisecond
	lookEvery  = 5 * time.Second // people change incidents too, and the metrics follow
	askedSpan  = 30 * 24 * time.Hour
)

// Open is the number of incidents that were open after the last Step.
func (l *Loop) Open() int { return int(l.open.Load()) }

// Step does all that is due at now: new spikes, what time asks for, calls. An error in one of them does not stop the
// others.
func (l *Loop) Step(ctx context.Context, now time.Time) error {
	news, err := l.receive(ctx, now)
	if news || !now.Before(l.next) {
		err = errors.Join(err, l.round(ctx, now))
	}
	return errors.Join(err, l.deliver(ctx, now))
}

// round goes through the open incidents. Only this loop opens them, so the next round can wait until one is due.
func (l *Loop) round(ctx context.Context, now time.Time) error {
	if err := l.recall(ctx, now); err != nil {
		return err
	}
	open, err := l.st.ListIncidents(ctx, true, manyOpen)
	if err != nil {
		return err
	}
	l.open.Store(int32(len(open)))
	l.known = open
	l.opt.Metrics.incidents(l.desk.Topics, open)
	l.next = now.Add(24 * time.Hour)
	for i := range open {
		in := &open[i]
		if changed, calls := l.desk.Due(in, now); changed {
			err := l.st.SaveIncident(ctx, in, calls)
			if errors.Is(err, store.ErrConflict) { // a person was faster
				l.next = now
				continue
			}
			if err != nil {
				return err
			}
		}
		if due := l.desk.NextDue(in); in.Open() && !due.IsZero() && due.Before(l.next) {
			l.next = due
		}
	}
	return nil
}

// receive takes the new spikes. The cursor moves last: after a crash a spike is received twice, and the second time is no news.
func (l *Loop) receive(ctx context.Context, now time.Time) (news bool, err error) {
	for {
		was, err := l.st.Cursor(ctx, cursor)
		if err != nil {
			return news, err
		}
		pos := position(was)
		entries, err := l.st.SpikesAfter(ctx, pos, manySpikes)
		if err != nil || len(entries) == 0 {
			return news, err
		}
		news = true
		if err := l.recall(ctx, now); err != nil { // before a spike opens a second incident
			return news, err
		}
		if pos == "" {
			if lost, err := l.resume(ctx, was, now); lost || err != nil {
				return news, err
			}
		}
		for _, e := range entries {
			if err := l.take(ctx, e.Spike, now); err != nil {
				return news, err
			}
			if err := l.st.SetCursor(ctx, cursor, e.Pos); err != nil {
				return news, err
			}
		}
	}
}

// Received is the position up to which the desk has received the spikes, "" where none is stored that can be read.
func Received(ctx context.Context, st store.Cursors) (string, error) {
	pos, err := st.Cursor(ctx, cursor)
	return position(pos), err
}

// PassOver lets the desk begin behind the spikes that were told so far: nobody is called for the past.
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

func (l *Loop) take(ctx context.Context, sp brand.Spike, now time.Time) error {
	for range 10 {
		open, err := l.st.ListIncidents(ctx, true, manyOpen)
		if err != nil {
			return err
		}
		asked, err := l.asked(ctx, now)
		if err != nil {
			return err
		}
		in, calls := l.desk.Receive(sp, open, asked, now)
		if in == nil {
			return nil
		}
		if fresh := in.Version == 0; fresh {
			if old, err := l.st.Incident(ctx, in.ID); err == nil {
				if old.Open() || sp.Level <= old.Level {
					return nil // opened before a crash, or closed by a person since
				}
				sp.ID = brand.Hash(sp.ID, sp.Level.String()) // worse than what was closed: a matter of its own
				continue
			}
			l.opt.Metrics.openedOne(in.Kind)
			l.opt.Log.Info("incident opened", "incident", in.ID, "kind", in.Kind, "title", in.Title, "level", int(in.Level))
		}
		if err := l.st.SaveIncident(ctx, in, calls); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("spike %s: %w", sp.ID, store.ErrConflict)
}

// asked counts how often each person was asked for help in the last 30 days.
func (l *Loop) asked(ctx context.Context, now time.Time) (map[string]int, error) {
	ins, err := l.st.ListIncidents(ctx, false, manyOpen)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for _, in := range ins {
		for _, s := range in.Experts {
			if !s.Asked.IsZero() && now.Sub(s.Asked) < askedSpan {
				out[s.Person]++
			}
		}
	}
	return out, nil
}

// deliver tries the calls that are due, some at once, so that one slow channel does not hold up the others.
func (l *Loop) deliver(ctx context.Context, now time.Time) error {
	due, err := l.st.DueCalls(ctx, now, manyCalls)
	if err != nil {
		return err
	}
	l.opt.Metrics.waiting(due, now)
	errs := make([]error, len(due))
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i := range due {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = l.send(ctx, due[i], now)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// send tries one call and saves its fate. The error is the store's; the channel's is the call's.
func (l *Loop) send(ctx context.Context, c brand.Call, now time.Time) error {
	ch, ok := l.opt.Channels[c.Channel]
	err := fmt.Errorf("no channel %q is configured: %w", c.Channel, ErrGiveUp)
	if ok {
		m := c.Message
		m.Link = l.opt.Links.Make(c.To, c.Incident, now)
		try, cancel := context.WithTimeout(context.WithValue(ctx, callKeyType{}, c.ID), sendTimeout)
		err = ch.Send(try, m, l.desk.People.Person(c.To))
		cancel()
	}
	if ctx.Err() != nil {
		return ctx.Err() // not the channel's fault
	}
	c.Attempts++
	c.Error = ""
	if err != nil {
		c.Error = ForeignLine(err.Error(), maxField) // a mail server's words may be in it
	}
	switch {
	case err == nil:
		c.Sent = now.UTC()
		l.opt.Metrics.called(c.Channel, "sent")
	case c.Attempts >= maxTries || errors.Is(err, ErrGiveUp):
		c.GivenUp = true
		l.opt.Metrics.called(c.Channel, "given_up")
		l.opt.Log.Error("call given up", "channel", c.Channel, "to", c.To, "error", err)
		if err := l.givenUp(ctx, c, now); err != nil {
			return err
		}
	default:
		wait := firstRetry << (c.Attempts - 1)
		var later *Later
		if errors.As(err, &later) {
			wait = max(wait, later.After)
		}
		c.Due = now.Add(wait).UTC()
		l.opt.Metrics.called(c.Channel, "failed")
		l.opt.Log.Warn("call failed, trying again", "channel", c.Channel, "to", c.To, "error", err)
	}
	return l.st.SaveCall(ctx, c)
}

// givenUp tries the person's next channel, and says so on the timeline and among the dead letters.
func (l *Loop) givenUp(ctx context.Context, c brand.Call, now time.Time) error {
	item, err := json.Marshal(c)
	if err != nil {
		return err
	}
	d := store.DeadLetter{ID: c.ID, At: now.UTC(), Room: room, From: c.Channel, Error: c.Error, Item: string(item)}
	if err := l.st.AddDeadLetters(ctx, d); err != nil {
		return err
	}
	for range 10 {
		in, err := l.st.Incident(ctx, c.Incident)
		if errors.Is(err, store.ErrNotFound) {
			return nil // set aside as damaged: the dead letter is all that is left to say
		}
		if err != nil {
			return err
		}
		next := l.desk.Retry(&in, c, now)
		what := fmt.Sprintf("could not reach %s by %s: %s", orTeam(c.To), c.Channel, c.Error)
		if len(next) > 0 {
			what += "; trying " + next[0].Channel
		}
		in.Note(now, self, what)
		if err := l.st.SaveIncident(ctx, &in, next); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return store.ErrConflict
}

// Replay puts a call that was given up into the outbox again. The dead letter stays where it is.
func Replay(ctx context.Context, st store.Outbox, d store.DeadLetter, now time.Time) error {
	var c brand.Call
	if err := json.Unmarshal([]byte(d.Item), &c); err != nil || c.ID == "" {
		return fmt.Errorf("dead letter %s holds no call", d.ID)
	}
	c.Attempts, c.GivenUp, c.Error, c.Due = 0, false, "", now.UTC()
	return st.SaveCall(ctx, c)
}

func orTeam(id string) string {
	if id == "" {
		return "the team"
	}
	return id
}

// Run works until the context ends. It waits while another process has the desk, and goes on after errors.
func (l *Loop) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	if l.opt.Writer != nil || l.opt.Larger != nil {
		wg.Go(func() {
			for wait(ctx, 2*pause) {
				if l.Open() > 0 {
					if err := l.consult(ctx); err != nil && ctx.Err() == nil {
						l.opt.Log.Warn("asking a model", "error", err)
					}
				}
			}
		})
	}
	defer func() {
		done, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = l.st.Release(done, l.lease) // it runs out by itself
	}()
	for wait(ctx, pause) {
		ok, err := l.lead(ctx, time.Now())
		if ok {
			err = l.Step(ctx, time.Now())
		} else {
			l.opt.Metrics.drop()
		}
		if err != nil && ctx.Err() == nil {
			l.opt.Log.Error("the desk's round", "error", err)
		}
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
