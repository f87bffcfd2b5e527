package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"brandmelder/alert/notify"
	"brandmelder/store"
)

// WatchOptions is how a Watch runs.
type WatchOptions struct {
	// Health is asked each Every. It answers at once from what was found last, also while the store is dead.
	Health   func() store.Health
	Channels []string                  // names, in the order to try
	By       map[string]notify.Channel // all channels by their names
	Lang     string                    // of the notices: de or en
	Location *time.Location            // of times in them; nil: UTC
	Link     string                    // where the pages are; may be empty
	Leases   store.Leases
	Holder   string
	Every    time.Duration // between two looks; 0 means 2 s
	Log      *slog.Logger
	Metrics  *Metrics
}

const (
	downFor      = 2 * time.Minute  // detection has to be down before anybody is notified: a restart takes less
	seenFor      = 30 * time.Second // by this process: after a long stop the last run is old, and the next one near
	upFor        = time.Minute      // and up before the recovery counts: an outage that comes and goes is one
	repeatEvery  = 30 * time.Minute // while the outage lasts
	watchEvery   = 2 * time.Second
	leaseTimeout = 5 * time.Second // a store that takes longer does not answer
	watchLease   = time.Minute
	watchTries   = 3 // of each channel for a notice, after which the next one is tried
	watchRetry   = 5 * time.Second
	allFailed    = time.Minute      // after which a notice that no channel took is tried again
	faultEvery   = 10 * time.Minute // of one kind: each shard finds the same loss by itself, some sooner than others
)

// Watch notifies operators when detection is down, since the page and the metrics are seen only by who looks. It calls
// nobody through the outbox, because the store may be what is down.
//
// Of several processes the one that holds the lease "watch" notifies. When the lease cannot be asked for, since the
// store does not answer, every process notifies: several notices are better than none. A process that takes the lease
// over during an outage notifies once more.
type Watch struct {
	opt   WatchOptions
	state outage
}

// NewWatch makes a watch. A name in opt.Channels that opt.By does not have is an error.
func NewWatch(opt WatchOptions) (*Watch, error) {
	for _, name := range opt.Channels {
		if opt.By[name] == nil {
			return nil, fmt.Errorf("operators: no channel %q is configured", name)
		}
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Metrics == nil {
		opt.Metrics = &Metrics{}
	}
	if opt.Every == 0 {
		opt.Every = watchEvery
	}
	return &Watch{opt: opt}, nil
}

// Run watches until the context ends.
func (w *Watch) Run(ctx context.Context) error {
	keeper := store.NewLeaseKeeper(w.opt.Leases, "watch", w.opt.Holder, max(watchLease, 3*w.opt.Every))
	defer func() { _ = keeper.Release(ctx) }() // it runs out by itself
	w.state.losses = losses{from: time.Now(), last: map[store.FaultKind]time.Time{}}
	for wait(ctx, w.opt.Every) {
		ask, cancel := context.WithTimeout(ctx, leaseTimeout)
		_, held, err := keeper.Acquire(ask)
		cancel()
		mine := held || err != nil
		n := w.state.step(time.Now(), w.opt.Health())
		switch {
		case n == nil || ctx.Err() != nil:
		case mine:
			taken, lost := w.notifyUnder(ctx, keeper, held, n)
			if !lost { // else the next round decides anew who notifies
				w.state.notified(time.Now(), n, taken)
			}
		case n.kind != isDown: // another process says so; while it is down this one may have to
			w.state.notified(time.Now(), n, true)
		}
	}
	return nil
}

// notifyUnder notifies, under the lease if this process has it; lost is true when it lost the lease on the way.
func (w *Watch) notifyUnder(ctx context.Context, keeper *store.LeaseKeeper, held bool, n *notice) (taken, lost bool) {
	if !held {
		return w.notify(ctx, n), false
	}
	err := keeper.While(ctx, func(ctx context.Context) error {
		taken = w.notify(ctx, n)
		return ctx.Err()
	})
	return taken, !taken && errors.Is(err, store.ErrLeaseLost)
}

// notify tries the channels in their order, each some times, until one takes the notice.
func (w *Watch) notify(ctx context.Context, n *notice) bool {
	m := n.message(w.opt.Lang, w.opt.Location, w.opt.Link)
	for _, name := range w.opt.Channels {
		for try := range watchTries {
			if try > 0 && !wait(ctx, watchRetry<<(try-1)) {
				return false
			}
			send, cancel := context.WithTimeout(ctx, notify.SendTimeout)
			err := w.opt.By[name].Send(send, m, nil)
			cancel()
			if err == nil {
				w.opt.Metrics.called(name, "sent")
				w.opt.Log.Info("operators notified", "channel", name, "notice", n.kind, "cause", n.cause, "fault", n.fault)
				return true
			}
			last := try == watchTries-1 || errors.Is(err, notify.ErrGiveUp)
			w.opt.Metrics.called(name, map[bool]string{false: "failed", true: "given_up"}[last])
			w.opt.Log.Error("notifying operators", "channel", name, "gave_up", last, "error", err)
			if last {
				break
			}
		}
	}
	return false
}

// outage follows one outage after the other, and the losses between them. It is pure: time comes in, and notices go
// out.
type outage struct {
	down     bool      // an outage is going on, or was a moment ago
	since    time.Time // its beginning
	seen     time.Time // when this process saw it first
	up       time.Time // since when detection works again; zero while it does not
	cause    store.Cause
	reported bool      // a notice of it was taken
	repeatAt time.Time // while it lasts, the next notice is due
	retryAt  time.Time // no notice before: no channel took the last one
	losses   losses
}

// losses are the faults that operators were notified of.
type losses struct {
	from time.Time                     // what was found before belongs to another process's life
	last map[store.FaultKind]time.Time // when the last one of a kind was found
}

// noticeKind is what a notice says.
type noticeKind string

const (
	isDown  noticeKind = "down"
	worksOn noticeKind = "works_again"
	isFault noticeKind = "fault" // what detection had learned, or the store held, is lost
)

// notice is what operators are to be notified of.
type notice struct {
	kind  noticeKind
	cause store.Cause
	fault store.FaultKind
	since time.Time // the outage's beginning; of a fault: when it was found
	at    time.Time // now, or when detection worked again
}

// step takes in the health of detection and returns the notice that is due, or nil. A notice stays due until notified
// is called with it.
func (o *outage) step(now time.Time, h store.Health) *notice {
	if now.Before(o.retryAt) && h.Working() {
		return nil
	}
	if !h.Working() {
		return o.lasts(now, h)
	}
	if n := o.losses.next(now, h.Faults); n != nil || !o.down {
		return n
	}
	if o.up.IsZero() {
		o.up = now
	}
	switch {
	case now.Sub(o.up) < upFor:
		return nil
	case !o.reported:
		*o = outage{losses: o.losses}
		return nil
	}
	return &notice{kind: worksOn, cause: o.cause, since: o.since, at: o.up}
}

func (o *outage) lasts(now time.Time, h store.Health) *notice {
	if !o.down {
		*o = outage{down: true, since: now, seen: now, retryAt: o.retryAt, losses: o.losses}
	}
	o.up, o.cause = time.Time{}, h.Cause
	if !h.Since.IsZero() && h.Since.Before(o.since) {
		o.since = h.Since
	}
	if now.Sub(o.since) < downFor || now.Sub(o.seen) < seenFor || now.Before(o.repeatAt) || now.Before(o.retryAt) {
		return nil
	}
	return &notice{kind: isDown, cause: o.cause, since: o.since, at: now}
}

// next returns a notice of the oldest loss that operators do not know of yet.
func (l *losses) next(now time.Time, found []store.Fault) (n *notice) {
	for _, f := range found {
		known := !f.At.After(l.from) || f.At.Sub(l.last[f.Kind]) < faultEvery
		if slices.Contains(lossKinds, f.Kind) && !known && (n == nil || f.At.Before(n.since)) {
			n = &notice{kind: isFault, fault: f.Kind, since: f.At, at: now}
		}
	}
	return n
}

// notified notes whether a channel took the notice.
func (o *outage) notified(now time.Time, n *notice, taken bool) {
	switch {
	case !taken:
		o.retryAt = now.Add(allFailed)
	case n.kind == isFault:
		o.losses.last[n.fault] = n.since
	case n.kind == worksOn:
		*o = outage{losses: o.losses}
	default:
		o.reported, o.repeatAt = true, now.Add(repeatEvery)
	}
}
