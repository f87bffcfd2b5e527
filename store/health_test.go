package store_test

import (
	"testing"
	"time"

	"brandmelder/store"
	"brandmelder/store/sqlite"
)

// detection is a shard whose process has a clock of its own.
type detection struct {
	*testing.T
	st   store.Store
	now  time.Time     // by the clock of who looks
	skew time.Duration // of the clock of who detects
}

func newDetection(t *testing.T, skew time.Duration) *detection {
	t.Helper()
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return &detection{t, st, time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC), skew}
}

func (x *detection) save(at time.Time) {
	x.Helper()
	if err := x.st.SaveStatus(x.Context(), store.DetectionStatus{Shard: "a", At: at}); err != nil {
		x.Fatal(err)
	}
}

// runs lets detection run for some time.
func (x *detection) runs(w *store.HealthWatch, d time.Duration, want store.Cause) {
	x.Helper()
	for end := x.now.Add(d); x.now.Before(end); x.now = x.now.Add(5 * time.Second) {
		x.save(x.now.Add(x.skew))
		x.look(w, want)
	}
}

func (x *detection) look(w *store.HealthWatch, want store.Cause) store.Health {
	x.Helper()
	h, err := w.Look(x.Context(), x.st, []string{"a"}, x.now)
	if err != nil || h.Cause != want {
		x.Errorf("at %s, with a clock that differs by %s: %q since %s, want %q, %v", x.now.Format(time.TimeOnly), x.skew, h.Cause, h.Since.Format(time.TimeOnly), want, err)
	}
	return h
}

// Fails on 327a1fc: with clocks that differed by 65 seconds detection was stopped for ever, and people were notified.
func TestDetectionOfAnotherClockWorks(t *testing.T) {
	for _, skew := range []time.Duration{0, 65 * time.Second, -65 * time.Second, 5 * time.Minute, -5 * time.Minute} {
		x, w := newDetection(t, skew), &store.HealthWatch{}
		x.look(w, store.DetectionNever)
		x.runs(w, 5*time.Minute, "")
		ran := x.now.Add(-5 * time.Second)
		x.now = ran.Add(store.DetectionStale)
		x.look(w, "")
		x.now = x.now.Add(time.Second)
		if h := x.look(w, store.DetectionStopped); !h.Since.Equal(ran) {
			t.Errorf("it last ran at %s, want %s", h.Since, ran)
		}
		x.runs(w, time.Minute, "")
		x.save(time.Time{})
		x.look(w, store.DetectionNever)
		x.runs(w, time.Minute, "")
	}
}

// Who starts while detection is down sees it: at once if that is long ago, and after a minute where the clock of the
// other process could be the reason.
func TestDetectionThatWasDownBefore(t *testing.T) {
	for _, c := range []struct {
		skew    time.Duration
		atFirst store.Cause
	}{{-30 * time.Second, ""}, {-5 * time.Minute, ""}, {5 * time.Minute, ""}, {-3 * time.Hour, store.DetectionStopped}, {3 * time.Hour, store.DetectionStopped}} {
		x := newDetection(t, c.skew)
		x.runs(&store.HealthWatch{}, time.Second, c.atFirst) // by another process
		w := &store.HealthWatch{}
		first := x.now
		for ; x.now.Sub(first) <= store.DetectionStale; x.now = x.now.Add(5 * time.Second) {
			x.look(w, c.atFirst)
		}
		x.look(w, store.DetectionStopped)
		x.runs(w, time.Minute, "") // however wrong that clock is
	}
}
