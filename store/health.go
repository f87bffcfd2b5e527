package store

import (
	"context"
	"encoding/json"
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

// DetectionKey begins the keys on the board under which each shard's loop pins its Detection.
const DetectionKey = "detection/"

// Detection is what a loop pins after a successful run, at most each five seconds.
type Detection struct {
	At     time.Time `json:"at"`               // the run
	Behind float64   `json:"behind,omitempty"` // seconds since the last mention that is counted was received; 0 if all are
	Faults []Fault   `json:"faults,omitempty"` // the last twenty, oldest first
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

// farApart is how old or new, by its own time, what a shard pinned may be when it is first seen, and yet be believed
// for DetectionStale: clocks of processes differ by minutes where nobody sets them.
const farApart = 10 * time.Minute

// HealthWatch reads the health of detection from the board again and again. It goes by when what a shard pinned last
// changed, as this process saw it: the clock of the process that detects may be another. The zero value is ready. It is
// for one goroutine.
type HealthWatch struct{ seen map[string]sight }

// sight is what a shard pinned.
type sight struct {
	doc  string
	at   time.Time // when it changed; when it was first seen, if it did not since
	last time.Time // when detection last ran, as far as is known
}

// Look reads the health of these shards at now. A shard whose document does not change for DetectionStale is stopped.
// An error says that the store does not answer.
func (w *HealthWatch) Look(ctx context.Context, st Board, shards []string, now time.Time) (h Health, err error) {
	docs, err := st.Pinned(ctx, DetectionKey)
	if err != nil {
		return h, fmt.Errorf("read the health of detection: %w", err)
	}
	oldest, never, stopped, behind := now, false, false, false
	for _, name := range shards {
		d, at, stale := w.look(name, docs[DetectionKey+name], now)
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

// look reads what one shard pinned: when it last ran, and whether that is too long ago.
func (w *HealthWatch) look(shard string, doc json.RawMessage, now time.Time) (d Detection, last time.Time, stale bool) {
	if json.Unmarshal(doc, &d) != nil || d.At.IsZero() { // it never ran, or somebody damaged what it pinned
		delete(w.seen, shard)
		return Detection{}, time.Time{}, false
	}
	was, known := w.seen[shard]
	if !known || was.doc != string(doc) {
		if w.seen == nil {
			w.seen = map[string]sight{}
		}
		is := sight{string(doc), now, now}
		if gap := now.Sub(d.At); !known {
			is.last = d.At
			if gap > farApart || gap < -farApart { // no clock is so wrong; if it is, the next change says so
				is.at = now.Add(-DetectionStale - 1)
			}
		}
		w.seen[shard] = is
	}
	s := w.seen[shard]
	return d, s.last, now.Sub(s.at) > DetectionStale
}
