package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"brandmelder/store"
)

// Cause is why detection is down.
type Cause string

// The causes. Any other is worded as CauseStopped.
const (
	CauseNoAnswer Cause = "store_no_answer"  // the store does not answer
	CauseNoWrite  Cause = "store_no_write"   // the store answers and refuses writes: a full disk, a read-only replica
	CauseStopped  Cause = "stopped"          // the last successful run is too old
	CauseNeverRan Cause = "never_ran"        // there was none since the start
	CauseLost     Cause = "state_lost"       // what detection had learned is gone, or cannot be read
	CauseBehind   Cause = "behind"           // runs succeed, and mentions wait for longer than they should
	CauseUnknown  Cause = "cannot_be_probed" // the probe itself failed
)

// Detection is whether detection works.
type Detection struct {
	Down  bool
	Since time.Time // of the outage; zero: since it was first seen
	Cause Cause
}

// WatchOptions is how a Watch runs.
type WatchOptions struct {
	// Probe looks whether detection works. It is asked each Every, with a context that ends after probeTimeout. An
	// error counts as an outage of unknown cause; it is logged and does not stand in the notice.
	Probe    func(ctx context.Context) (Detection, error)
	Channels []string           // names, in the order to try
	By       map[string]Channel // all channels by their names
	Lang     string             // of the notices: de or en
	Location *time.Location     // of times in them; nil: UTC
	Link     string             // where the pages are; may be empty
	Leases   store.Leases
	Holder   string
	Every    time.Duration // between two probes; 0 means 10 s
	Log      *slog.Logger
	Metrics  *Metrics
}

const (
	downFor      = 2 * time.Minute  // detection has to be down before anybody is notified: a restart takes less
	seenFor      = 30 * time.Second // by this process: after a long stop the last run is old, and the next one near
	upFor        = time.Minute      // and up before the recovery counts: an outage that comes and goes is one
	repeatEvery  = 30 * time.Minute // while the outage lasts
	probeEvery   = 10 * time.Second
	probeTimeout = 5 * time.Second
	watchTries   = 3 // of each channel for a notice, after which the next one is tried
	watchRetry   = 5 * time.Second
	watchLease   = time.Minute
	allFailed    = time.Minute // after which a notice that no channel took is tried again
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
		opt.Every = probeEvery
	}
	return &Watch{opt: opt}, nil
}

// Run watches until the context ends.
func (w *Watch) Run(ctx context.Context) error {
	var lease store.Lease
	defer func() {
		done, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = w.opt.Leases.Release(done, lease) // it runs out by itself
	}()
	for wait(ctx, w.opt.Every) {
		mine := true
		ask, cancel := context.WithTimeout(ctx, probeTimeout)
		got, ok, err := w.opt.Leases.Acquire(ask, "watch", w.opt.Holder, max(watchLease, 3*w.opt.Every))
		cancel()
		if err == nil {
			lease, mine = got, ok
		}
		n := w.state.step(time.Now(), w.probe(ctx))
		switch {
		case n == nil || ctx.Err() != nil:
		case mine:
			taken := w.notify(ctx, n)
			w.state.notified(time.Now(), n, taken)
		case n.recovered: // another process says so
			w.state.notified(time.Now(), n, true)
		}
	}
	return nil
}

func (w *Watch) probe(ctx context.Context) Detection {
	ask, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	d, err := w.opt.Probe(ask)
	if err != nil && ctx.Err() == nil {
		w.opt.Log.Warn("probing detection", "error", err)
		return Detection{Down: true, Cause: CauseUnknown}
	}
	return d
}

// notify tries the channels in their order, each some times, until one takes the notice.
func (w *Watch) notify(ctx context.Context, n *notice) bool {
	m := n.message(w.opt.Lang, w.opt.Location, w.opt.Link)
	for _, name := range w.opt.Channels {
		for try := range watchTries {
			if try > 0 && !wait(ctx, watchRetry<<(try-1)) {
				return false
			}
			send, cancel := context.WithTimeout(ctx, sendTimeout)
			err := w.opt.By[name].Send(send, m, nil)
			cancel()
			if err == nil {
				w.opt.Metrics.called(name, "sent")
				w.opt.Log.Info("operators notified", "channel", name, "cause", n.cause, "recovered", n.recovered)
				return true
			}
			last := try == watchTries-1 || errors.Is(err, ErrGiveUp)
			w.opt.Metrics.called(name, map[bool]string{false: "failed", true: "given_up"}[last])
			w.opt.Log.Error("notifying operators", "channel", name, "gave_up", last, "error", err)
			if last {
				break
			}
		}
	}
	return false
}

// outage follows one outage after the other. It is pure: time comes in, and notices go out.
type outage struct {
	down     bool      // an outage is going on, or was a moment ago
	since    time.Time // its beginning
	seen     time.Time // when this process saw it first
	up       time.Time // since when detection works again; zero while it does not
	cause    Cause
	told     bool      // a notice of it was taken
	repeatAt time.Time // while it lasts, the next notice is due
	retryAt  time.Time // no notice before: no channel took the last one
}

// notice is what operators are to be notified of.
type notice struct {
	recovered bool
	cause     Cause
	since     time.Time // the outage's beginning
	at        time.Time // now, or when detection worked again
}

// step takes in a probe's result and returns the notice that is due, or nil. A notice stays due until notified is
// called with it.
func (o *outage) step(now time.Time, d Detection) *notice {
	switch {
	case d.Down:
		return o.lasts(now, d)
	case !o.down:
		return nil
	case o.up.IsZero():
		o.up = now
	}
	switch {
	case now.Sub(o.up) < upFor || now.Before(o.retryAt):
		return nil
	case !o.told:
		*o = outage{}
		return nil
	}
	return &notice{recovered: true, cause: o.cause, since: o.since, at: o.up}
}

func (o *outage) lasts(now time.Time, d Detection) *notice {
	if !o.down {
		*o = outage{down: true, since: now, seen: now}
	}
	o.up, o.cause = time.Time{}, d.Cause
	if !d.Since.IsZero() && d.Since.Before(o.since) {
		o.since = d.Since
	}
	if now.Sub(o.since) < downFor || now.Sub(o.seen) < seenFor || now.Before(o.repeatAt) || now.Before(o.retryAt) {
		return nil
	}
	return &notice{cause: o.cause, since: o.since, at: now}
}

// notified notes whether a channel took the notice.
func (o *outage) notified(now time.Time, n *notice, taken bool) {
	switch {
	case !taken:
		o.retryAt = now.Add(allFailed)
	case n.recovered:
		*o = outage{}
	default:
		o.told, o.repeatAt = true, now.Add(repeatEvery)
	}
}
