package detect

import (
	"context"
	"time"

	"brandmelder/store"
)

// health is what the loop saves of itself.
type health struct {
	pinned time.Time
	faults []store.Fault
}

const (
	showEvery  = 5 * time.Second
	mostFaults = 20
)

// alive records that detection works, and how far it is behind.
func (l *Loop) alive(ctx context.Context, behind time.Duration) error {
	now := time.Now()
	if since := now.Sub(l.health.pinned); since >= 0 && since < showEvery {
		l.opt.Metrics.ran(l.opt.Name, now, behind)
		return nil
	}
	status := store.DetectionStatus{Shard: l.opt.Name, At: now.UTC(), Behind: behind.Seconds(), Faults: l.health.faults}
	if err := l.st.SaveStatus(ctx, status); err != nil {
		return err
	}
	l.health.pinned = now
	l.opt.Metrics.ran(l.opt.Name, now, behind)
	return nil
}

// fault remembers what went wrong, for the pages and the metrics, and logs it.
func (l *Loop) fault(kind store.FaultKind, msg string, args ...any) {
	l.opt.Log.Error(msg, args...)
	l.opt.Metrics.fault(kind)
	l.health.faults = append(l.health.faults, store.Fault{Kind: kind, At: time.Now().UTC()})
	if n := len(l.health.faults); n > mostFaults {
		l.health.faults = l.health.faults[n-mostFaults:]
	}
	l.health.pinned = time.Time{} // shown at once
}

// recallFaults takes over the faults that a process before reported in the last day.
func (l *Loop) recallFaults(ctx context.Context) error {
	if len(l.health.faults) > 0 || !l.opt.Pin {
		return nil
	}
	statuses, err := l.st.DetectionStatuses(ctx, l.opt.Name)
	if err == nil && len(statuses) == 1 {
		l.health.faults = statuses[0].Faults
	}
	return err
}
