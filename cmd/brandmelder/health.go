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

// healthCheck knows whether the store takes writes and detection runs. It asks in the background, so that whoever wants
// to know never waits for a store that does not answer.
type healthCheck struct {
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
	checkStale   = 3 * checkEvery   // a check that is older hangs
	logEvery     = time.Minute      // between two log lines of the same error
	refusingLong = 15 * time.Second // of mentions, before it is more than a hitch
	refusingLast = 5 * time.Minute  // after which, without another try, nobody knows
)

func newHealthCheck(st store.Store, shards []string, log *slog.Logger, reg prometheus.Registerer) *healthCheck {
	c := &healthCheck{
		st: st, shards: shards, log: log.With("room", "store"), asked: time.Now(), health: store.Health{Cause: store.DetectionNever},
		written: prometheus.NewGauge(prometheus.GaugeOpts{Name: "brandmelder_store_last_write_timestamp_seconds", Help: "When this process last wrote to the store successfully."}),
		lost:    prometheus.NewCounter(prometheus.CounterOpts{Name: "brandmelder_store_lost_total", Help: "How often the store was found emptied, replaced or brought back to an older state by somebody else."}),
	}
	reg.MustRegister(c.written, c.lost)
	return c
}

// Run checks until the context ends.
func (c *healthCheck) Run(ctx context.Context) error {
	for {
		c.check(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(c.pause()):
		}
	}
}

// pause is shorter while something is wrong, so that a recovery shows at once.
func (c *healthCheck) pause() time.Duration {
	if h := c.Health(); !h.Working() {
		return time.Second
	}
	return checkEvery
}

// check asks once. What goes on is logged once a minute, what is new at once.
func (c *healthCheck) check(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := c.st.Check(asking)
	now := time.Now()
	h, err2 := c.watch.Look(asking, c.st, c.shards, now)
	lost, mended := errors.Is(err, store.ErrLost), errors.Is(err, store.ErrDamaged)
	switch {
	case err2 != nil:
		h.Cause = store.StoreSilent
	case lost && errors.Is(c.st.Check(asking), store.ErrLost): // it goes on being lost
		h.Cause = store.StoreGone
	case err != nil && !lost && !mended:
		h.Cause = store.StoreRefuses
	}
	if ctx.Err() != nil {
		return
	}
	if err == nil || lost || mended {
		c.written.Set(float64(now.UnixMilli()) / 1000)
	}
	fresh := h.Cause != c.cause
	lost = lost && (fresh || h.Cause != store.StoreGone) // what stays gone is lost once
	if lost {
		c.lost.Inc()
		h.Faults = append(h.Faults, store.Fault{Kind: store.StoreLost, At: now})
	}
	if err := errors.Join(err, err2); err != nil && (fresh || mended || lost || now.Sub(c.logged) > logEvery) {
		c.logged = now
		c.log.Error("the store", "error", err)
	}
	c.cause = h.Cause
	c.found(h, now)
}

// appending is the store as those see it who put mentions on the stream: whether that succeeds is a part of its health.
type appending struct {
	store.Store
	c *healthCheck
}

func (a appending) Append(ctx context.Context, received time.Time, ms []brand.Mention) (int, error) {
	n, err := a.Store.Append(ctx, received, ms)
	if len(ms) > 0 && ctx.Err() == nil && !errors.Is(err, brand.ErrBadMention) {
		a.c.appended(err)
	}
	return n, err
}

// appended notes whether mentions could be put on the stream.
func (c *healthCheck) appended(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	switch {
	case err == nil:
		c.refusing = time.Time{}
		return
	case c.refusing.IsZero() || now.Sub(c.refused) > refusingLast:
		c.refusing = now
	}
	c.refused = now
}

// found keeps what a check found at now.
func (c *healthCheck) found(h store.Health, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = now
	switch {
	case h.Working():
		c.worked = now
	case h.Cause == store.DetectionNever && !c.worked.IsZero(): // its status is gone
		h.Cause = store.DetectionStopped
	}
	if !h.Working() && h.Since.IsZero() {
		h.Since = c.worked
	}
	c.health = h
}

// Health is what the last check found.
func (c *healthCheck) Health() store.Health {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.health
	h.Faults = slices.Clone(h.Faults)
	if h.Working() && !c.refusing.IsZero() && c.refused.Sub(c.refusing) > refusingLong && time.Since(c.refused) < refusingLast {
		h.Cause, h.Since = store.StoreRefuses, c.refusing
	}
	if time.Since(c.asked) > checkStale {
		h.Cause = store.StoreSilent
		if h.Since.IsZero() {
			h.Since = c.worked
		}
	}
	return h
}
