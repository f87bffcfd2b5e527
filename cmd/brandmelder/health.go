package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"brandmelder/brand"
	"brandmelder/store"

	"github.com/prometheus/client_golang/prometheus"
)

// vitals knows whether the store takes writes and detection runs. It asks in the background, so that whoever wants to
// know never waits for a store that does not answer.
type vitals struct {
	st     store.Store
	shards []string // whose detection is looked at, whichever process it runs in
	log    *slog.Logger
	watch  store.HealthWatch
	cause  store.Cause // of the last check
	logged time.Time   // when it was

	mu     sync.Mutex
	health store.Health
	asked  time.Time // when health was found
	worked time.Time // when it last was good

	refusing time.Time // since when no mention could be put on the stream; zero while that works
	refused  time.Time // when the last one could not

	written prometheus.Gauge
	lost    prometheus.Counter
}

const (
	checkEvery   = 5 * time.Second
	checkTimeout = 4 * time.Second
	checkStale   = 3 * checkEvery   // after which the check itself hangs
	logEvery     = time.Minute      // the same trouble
	refusingLong = 15 * time.Second // of mentions, before it is more than a hitch
	refusingLast = 5 * time.Minute  // after which, without another try, nobody knows
)

func newVitals(st store.Store, shards []string, log *slog.Logger, reg prometheus.Registerer) *vitals {
	v := &vitals{
		st: st, shards: shards, log: log.With("room", "store"), asked: time.Now(), health: store.Health{Cause: store.DetectionNever},
		written: prometheus.NewGauge(prometheus.GaugeOpts{Name: "brandmelder_store_last_write_timestamp_seconds", Help: "When this process last wrote to the store successfully."}),
		lost:    prometheus.NewCounter(prometheus.CounterOpts{Name: "brandmelder_store_lost_total", Help: "How often the store was found emptied, replaced or brought back to an older state by somebody else."}),
	}
	reg.MustRegister(v.written, v.lost)
	return v
}

// Run checks until the context ends.
func (v *vitals) Run(ctx context.Context) error {
	for {
		v.check(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(v.pause()):
		}
	}
}

// pause is shorter while something is wrong, so that a recovery shows at once.
func (v *vitals) pause() time.Duration {
	if h := v.Health(); !h.Working() {
		return time.Second
	}
	return checkEvery
}

// check asks once. What goes on is logged once a minute, what is new at once.
func (v *vitals) check(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := v.st.Check(asking)
	now := time.Now()
	h, err2 := v.watch.Look(asking, v.st, v.shards, now)
	lost, mended := errors.Is(err, store.ErrLost), errors.Is(err, store.ErrDamaged)
	switch {
	case err2 != nil:
		h.Cause = store.StoreSilent
	case lost && errors.Is(v.st.Check(asking), store.ErrLost): // it goes on being lost
		h.Cause = store.StoreGone
	case err != nil && !lost && !mended:
		h.Cause = store.StoreRefuses
	}
	if ctx.Err() != nil {
		return
	}
	if err == nil || lost || mended {
		v.written.Set(float64(now.UnixMilli()) / 1000)
	}
	fresh := h.Cause != v.cause
	lost = lost && (fresh || h.Cause != store.StoreGone) // what stays gone is lost once
	if lost {
		v.lost.Inc()
		h.Faults = append(h.Faults, store.Fault{Kind: store.StoreLost, At: now})
	}
	if err := errors.Join(err, err2); err != nil && (fresh || mended || lost || now.Sub(v.logged) > logEvery) {
		v.logged = now
		v.log.Error("the store", "error", err)
	}
	v.cause = h.Cause
	v.found(h, now)
}

// appending is the store as those see it who put mentions on the stream: whether that succeeds is a part of its health.
type appending struct {
	store.Store
	v *vitals
}

func (a appending) Append(ctx context.Context, heard time.Time, ms []brand.Mention) (int, error) {
	n, err := a.Store.Append(ctx, heard, ms)
	if len(ms) > 0 && ctx.Err() == nil && !errors.Is(err, brand.ErrBadMention) {
		a.v.appended(err)
	}
	return n, err
}

// appended notes whether mentions could be put on the stream.
func (v *vitals) appended(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	switch {
	case err == nil:
		v.refusing = time.Time{}
		return
	case v.refusing.IsZero() || now.Sub(v.refused) > refusingLast:
		v.refusing = now
	}
	v.refused = now
}

// found keeps what a check found at now.
func (v *vitals) found(h store.Health, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked = now
	switch {
	case h.Working():
		v.worked = now
	case h.Cause == store.DetectionNever && !v.worked.IsZero(): // what it pinned is gone
		h.Cause = store.DetectionStopped
	}
	if !h.Working() && h.Since.IsZero() {
		h.Since = v.worked
	}
	v.health = h
}

// Health is what the last check found.
func (v *vitals) Health() store.Health {
	v.mu.Lock()
	defer v.mu.Unlock()
	h := v.health
	h.Faults = slices.Clone(h.Faults)
	if h.Working() && !v.refusing.IsZero() && v.refused.Sub(v.refusing) > refusingLong && time.Since(v.refused) < refusingLast {
		h.Cause, h.Since = store.StoreRefuses, v.refusing
	}
	if time.Since(v.asked) > checkStale {
		h.Cause = store.StoreSilent
		if h.Since.IsZero() {
			h.Since = v.worked
		}
	}
	return h
}
