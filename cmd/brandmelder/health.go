package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"brandmelder/store"

	"github.com/prometheus/client_golang/prometheus"
)

// vitals knows whether the store takes writes and detection runs. It asks in the background, so that whoever wants to
// know never waits for a store that does not answer.
type vitals struct {
	st     store.Store
	shards []string // whose detection is looked at, whichever process it runs in
	log    *slog.Logger

	mu     sync.Mutex
	health store.Health
	asked  time.Time // when health was found
	worked time.Time // when it last was good

	written prometheus.Gauge
	lost    prometheus.Counter
}

const (
	checkEvery   = 5 * time.Second
	checkTimeout = 4 * time.Second
	checkStale   = 3 * checkEvery // after which the check itself hangs
	logEvery     = time.Minute    // the same trouble
)

func newVitals(st store.Store, shards []string, log *slog.Logger, reg prometheus.Registerer) *vitals {
	v := &vitals{
		st: st, shards: shards, log: log, asked: time.Now(), health: store.Health{Cause: store.DetectionNever},
		written: prometheus.NewGauge(prometheus.GaugeOpts{Name: "brandmelder_store_last_write_timestamp_seconds", Help: "When this process last wrote to the store successfully."}),
		lost:    prometheus.NewCounter(prometheus.CounterOpts{Name: "brandmelder_store_lost_total", Help: "How often the store was found emptied or replaced by somebody else."}),
	}
	reg.MustRegister(v.written, v.lost)
	return v
}

// Run checks until the context ends.
func (v *vitals) Run(ctx context.Context) error {
	var logged time.Time
	for {
		err := v.check(ctx)
		if err != nil && ctx.Err() == nil && (time.Since(logged) > logEvery || errors.Is(err, store.ErrLost) || errors.Is(err, store.ErrDamaged)) {
			logged = time.Now()
			v.log.Error("the store", "error", err)
		}
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

// check asks once.
func (v *vitals) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := v.st.Check(ctx)
	lost, mended := errors.Is(err, store.ErrLost), errors.Is(err, store.ErrDamaged)
	now := time.Now()
	if err == nil || lost || mended {
		v.written.Set(float64(now.UnixMilli()) / 1000)
	}
	if lost {
		v.lost.Inc()
	}
	h, err2 := store.DetectionHealth(ctx, v.st, v.shards, now)
	switch {
	case err2 != nil:
		h.Cause = store.StoreSilent
	case lost && v.st.Check(ctx) != nil: // it goes on being lost
		h.Cause = store.StoreGone
	case err != nil && !lost && !mended:
		h.Cause = store.StoreRefuses
	}
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
	if lost {
		h.Faults = append(h.Faults, store.Fault{Kind: store.StoreLost, At: now})
	}
	v.health = h
	return errors.Join(err, err2)
}

// Health is what the last check found.
func (v *vitals) Health() store.Health {
	v.mu.Lock()
	defer v.mu.Unlock()
	h := v.health
	h.Faults = slices.Clone(h.Faults)
	if time.Since(v.asked) > checkStale {
		h.Cause = store.StoreSilent
		if h.Since.IsZero() {
			h.Since = v.worked
		}
	}
	return h
}
