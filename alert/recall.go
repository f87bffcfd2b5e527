package alert

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"brandmelder/alert/foreign"
	"brandmelder/incident"
	"brandmelder/store"
)

// resumeWithin is how old a spike may be that is received again after the desk lost its place: who was called for an
// older one is not called twice.
const resumeWithin = 24 * time.Hour

// lead takes or renews the lease, and reports whether this loop works the desk. After the store was emptied the process
// that worked the desk takes it first, for the length of a lease: it alone knows which incidents were open.
func (l *Loop) lead(ctx context.Context, now time.Time) (bool, error) {
	led := l.term != nil
	if !led && now.Before(l.waits) {
		return false, nil
	}
	lease, ok, err := l.keeper.Acquire(ctx)
	if err != nil {
		return false, err
	}
	id, err := l.st.Identity(ctx) // after the lease: one of an emptied store is not taken for one of the store before
	if err != nil {
		return false, err
	}
	lost := l.store != "" && l.store != id
	switch {
	case ok && lost && !led:
		l.store, l.waits = id, now.Add(l.opt.Lease)
		return false, l.keeper.Release(ctx)
	case ok:
		l.begin(ctx, lease)
		l.waits = time.Time{}
		return true, nil
	case led && lost && l.waits.IsZero():
		l.waits = now.Add(l.opt.Lease)
	case !led || !lost || !now.Before(l.waits): // another process works the desk: what this one knows gets old
		l.end()
		l.store, l.open, l.waits = id, nil, time.Time{}
	}
	return false, nil
}

// recall saves the open incidents again when the store lost them. What people did since the last round, and calls that
// waited to be sent, are lost with it; an incident that nobody took is escalated as before. After an error it goes on
// at the next call.
func (l *Loop) recall(ctx context.Context, now time.Time) error {
	id, err := l.st.Identity(ctx)
	if err != nil || l.store == id {
		return err
	}
	if l.store == "" {
		l.store = id
		return nil
	}
	for _, in := range l.open {
		if _, err := l.st.Incident(ctx, in.ID); !errors.Is(err, store.ErrNotFound) {
			if err != nil {
				return err
			}
			continue
		}
		state, records, err := incident.State{}.Append(incident.Program, now, incident.Imported{State: in.State, From: incident.FromMemory})
		if err != nil {
			return err
		}
		change := store.Change{Lease: l.lease(), State: state, Events: records, Evidence: in.Evidence}
		if err := l.st.SaveIncident(ctx, change); err != nil {
			return fmt.Errorf("save incident %s again: %w", in.ID, err)
		}
	}
	l.opt.Log.Error("the store lost its incidents; those that were open are saved again", "incidents", len(l.open))
	l.store, l.open = id, nil
	return nil
}

// position returns pos if it is a position of a store, of the form n or ms-n, else "".
func position(pos string) string {
	first, second, two := strings.Cut(pos, "-")
	_, err := strconv.ParseUint(first, 10, 63)
	if two && err == nil {
		_, err = strconv.ParseUint(second, 10, 63)
	}
	if err != nil {
		return ""
	}
	return pos
}

// resume finds the desk's place among the spikes again when was, its cursor, is damaged, or gone although there are
// incidents; lost is false when it is neither. The spikes of the last day are received again, which is no news where
// their incidents are open. All before are passed over. The cursor moves at the end, so that an error or a crash on the
// way leaves none of them to be received.
func (l *Loop) resume(ctx context.Context, was string, now time.Time) (lost bool, err error) {
	if was == "" {
		if ins, _, err := l.st.ListIncidents(ctx, store.IncidentQuery{Limit: 1}); err != nil || len(ins) == 0 {
			return false, err
		}
	}
	pos, passed := "", 0
	for {
		entries, err := l.st.SpikesAfter(ctx, pos, manySpikes)
		if err != nil {
			return true, err
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			if pos = e.Pos; now.Sub(e.Spike.Updated) > resumeWithin {
				passed++
			} else if err := l.take(ctx, e.Spike, now); err != nil {
				return true, err
			}
		}
	}
	if err := l.st.SetCursor(ctx, cursor, pos); err != nil {
		return true, err
	}
	l.opt.Log.Error("the desk's place among the spikes was lost or damaged; those of the last day are received again",
		"cursor", foreign.Line(was, maxWord), "passed_over", passed)
	return true, nil
}
