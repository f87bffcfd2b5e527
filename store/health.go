package store

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// FaultKind names a fault that detection recovered from.
type FaultKind string

// The faults that detection goes on after.
const (
	SnapshotDamaged FaultKind = "snapshot_damaged" // an earlier one was used
	LearnsAfresh    FaultKind = "learns_afresh"    // what was learned could not be read, or was too old
	ClockJumped     FaultKind = "clock_jumped"     // the clock went back; detection went back with it
	ClockAhead      FaultKind = "clock_ahead"      // nearly all mentions seem too old to be judged
	StoreLost       FaultKind = "store_lost"       // the store was emptied, replaced or put back to an older state
	EntrySetAside   FaultKind = "entry_set_aside"  // a mention could not be counted, and is a dead letter
)

// Fault is one of them, with its time.
type Fault struct {
	Kind FaultKind `json:"kind"`
	At   time.Time `json:"at"`
}

const (
	// DetectionStale is how old the last successful run may be while detection works.
	DetectionStale = time.Minute
	// DetectionBehind is how far counting may be behind receiving while detection works.
	DetectionBehind = 2 * time.Minute
	faultShown      = 24 * time.Hour
)

// Cause says why detection does not work.
type Cause string

// The causes, in the order in which they are looked for.
const (
	StoreSilent      Cause = "store_silent"      // it does not answer
	StoreRefuses     Cause = "store_refuses"     // it answers, and takes no writes
	StoreGone        Cause = "store_gone"        // its file was deleted or replaced
	DetectionNever   Cause = "detection_never"   // it has not run yet
	DetectionStopped Cause = "detection_stopped" // it ran, and does not any more
	DetectionLags    Cause = "detection_lags"    // it runs, far behind what is received
)

// Health is whether detection works: the store takes writes, and each shard ran lately and is not far behind.
type Health struct {
	Cause  Cause     // "" while detection works
	Since  time.Time // when it last worked; zero while it works, and if it never did
	Faults []Fault   // of the last day and of all shards, oldest first
}

// Working reports whether detection works.
func (h *Health) Working() bool { return h.Cause == "" }

// farApart is how old or new, by its own time, the status of a shard may be when it is first seen, and yet be believed
// for DetectionStale: clocks of processes differ by minutes where nobody sets them.
const farApart = 10 * time.Minute

// HealthWatch reads the health of detection from the statuses again and again. It goes by when the status of a shard
// last changed, as this process saw it: the clock of the process that detects may differ. The zero value is ready. It
// is for one goroutine.
type HealthWatch struct{ seen map[string]sight }

// sight is what was seen of a shard.
type sight struct {
	run  time.Time // its last run, by its own clock
	at   time.Time // when that changed; when it was first seen, if it did not since
	last time.Time // when detection last ran, as far as is known
}

// Look reads the health of these shards at now. A shard whose status does not change for DetectionStale is stopped.
// An error says that the store does not answer.
func (w *HealthWatch) Look(ctx context.Context, st Statuses, shards []string, now time.Time) (h Health, err error) {
	statuses, err := st.DetectionStatuses(ctx, shards...)
	if err != nil {
		return h, fmt.Errorf("read the health of detection: %w", err)
	}
	oldest, never, stopped, behind := now, false, false, false
	for _, name := range shards {
		var d DetectionStatus
		if i := slices.IndexFunc(statuses, func(s DetectionStatus) bool { return s.Shard == name }); i >= 0 {
			d = statuses[i]
		}
		at, stale := w.look(name, d.At, now)
		never = never || d.At.IsZero()
		stopped = stopped || stale
		behind = behind || d.Behind > DetectionBehind.Seconds()
		if at.Before(oldest) {
			oldest = at
		}
		for _, f := range d.Faults {
			if now.Sub(f.At) < faultShown {
				h.Faults = append(h.Faults, f)
			}
		}
	}
	slices.SortStableFunc(h.Faults, func(a, b Fault) int { return a.At.Compare(b.At) })
	switch {
	case never:
		h.Cause = DetectionNever
	case stopped:
		h.Cause, h.Since = DetectionStopped, oldest
	case behind:
		h.Cause, h.Since = DetectionLags, oldest
	}
	return h, nil
}

// look takes in the last run of a shard, zero for none. It returns when the shard last ran, and whether that is too
// long ago.
func (w *HealthWatch) look(shard string, run, now time.Time) (last time.Time, stale bool) {
	if run.IsZero() {
		delete(w.seen, shard)
		return time.Time{}, false
	}
	was, known := w.seen[shard]
	if !known || !was.run.Equal(run) {
		if w.seen == nil {
			w.seen = map[string]sight{}
		}
		is := sight{run, now, now}
		if gap := now.Sub(run); !known {
			is.last = run
			if gap > farApart || gap < -farApart { // no clock is so wrong; if it is, the next change says so
				is.at = now.Add(-DetectionStale - 1)
			}
		}
		w.seen[shard] = is
	}
	s := w.seen[shard]
	return s.last, now.Sub(s.at) > DetectionStale
}
