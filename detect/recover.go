package detect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"brandmelder/store"
)

// keeps is when the loop saved a second snapshot beside the last one.
type keeps struct {
	earlier time.Time // also after this, at most each keepEvery
	before  time.Time // since when, by this process, there is a snapshot from before a jump of the clock; zero for none
}

// The names of the second snapshots.
const (
	earlier = "/earlier" // the last good one, should the newest be damaged
	before  = "/before"  // from before the time went on by more than longGap at once: perhaps the clock is wrong
)

const (
	keepEvery = 10 * time.Minute
	longGap   = time.Hour
	// farGap is a gap after which what was learned says nothing of today: the topics learn afresh.
	farGap = 60 * 24 * time.Hour
	// slack is how far two clocks may differ: the clock went back only if it is further behind.
	slack = 2 * time.Minute
	// keepBefore is how long the daemon may run with a wrong clock before that can no longer be undone. The stream is
	// not trimmed so long.
	keepBefore = 48 * time.Hour
)

// restore reads what was learned: from the last snapshot or, if that is damaged, from the one before. Where neither can
// be read, the topics learn afresh. The error is the store's.
func (l *Loop) restore(ctx context.Context) error {
	if err := l.afresh(ctx); err != nil {
		return err
	}
	damaged := false
	for _, name := range []string{l.opt.Name, l.opt.Name + earlier} {
		snap, err := l.st.Snapshot(ctx, name)
		if err == nil {
			err = l.d.Restore(snap.State)
			if errors.Is(err, ErrOtherVersion) {
				l.opt.Log.Warn("what was learned is of another version of brandmelder: the topics learn afresh, for a week")
				err = nil
			}
			if err == nil {
				return l.begin(ctx, snap.Pos, damaged)
			}
			err = fmt.Errorf("%w: %w", store.ErrDamaged, err)
		}
		switch {
		case errors.Is(err, store.ErrNotFound):
		case errors.Is(err, store.ErrDamaged):
			damaged = true
			l.fault(store.SnapshotDamaged, "a snapshot of detection is damaged", "snapshot", name, "error", err)
		default:
			return err
		}
	}
	if !damaged {
		return l.begin(ctx, "", false)
	}
	// What was received meanwhile is not known to be counted or not. Counting the whole stream again would call people
	// for what is long over.
	last, err := l.st.Last(ctx)
	if err != nil {
		return err
	}
	l.fault(store.LearnsAfresh, "nothing that was learned can be read: the topics learn afresh, for a week", "from", last)
	return l.begin(ctx, last, false)
}

// afresh forgets all that is in memory.
func (l *Loop) afresh(ctx context.Context) (err error) {
	if l.d, err = New(l.rules); err != nil {
		return err
	}
	l.pos, l.matches, l.dirty, l.corrected = "", nil, 0, nil
	return l.corrections(ctx)
}

// begin goes on from pos.
func (l *Loop) begin(ctx context.Context, pos string, dirty bool) error {
	last, err := l.st.Last(ctx)
	if err != nil {
		return err
	}
	if store.ComparePositions(pos, last) > 0 {
		l.fault(store.SnapshotDamaged, "the snapshot of detection is of a longer stream than there is; going on from its end", "snapshot", pos, "stream", last)
		pos, dirty = last, true
	}
	l.pos, l.reload = pos, false
	if dirty {
		l.dirty++ // to be saved in any case
	}
	if _, err := l.st.Snapshot(ctx, l.opt.Name+before); err == nil && l.keeps.before.IsZero() {
		l.keeps.before = time.Now()
	}
	return nil
}

// rewrite saves what is in memory to a store that has lost it.
func (l *Loop) rewrite(ctx context.Context) error {
	l.fault(store.StoreLost, "the store lost what was learned; it is written again from memory")
	l.reload, l.matches = false, nil // their mentions are gone
	l.keeps = keeps{}
	l.dirty++
	return l.Save(ctx)
}

// keepEarlier saves the state a second time now and then.
func (l *Loop) keepEarlier(ctx context.Context, state []byte) error {
	if !l.opt.Pin || time.Since(l.keeps.earlier) < keepEvery {
		return nil
	}
	names := []string{l.opt.Name + earlier}
	if !l.keeps.before.IsZero() && time.Since(l.keeps.before) > keepBefore {
		names = append(names, l.opt.Name+before) // the clock is right, as it seems
	}
	for _, name := range names {
		if err := l.st.Commit(ctx, l.lease, store.Snapshot{Name: name, Pos: l.pos, State: state}, nil); err != nil {
			return err
		}
	}
	if l.keeps.earlier = time.Now(); len(names) > 1 {
		l.keeps.before = time.Time{}
	}
	return nil
}

// checkClock compares the time up to which is judged with now. When the time went on by far at once, it keeps what was
// known before; when it went back, it goes back to what was known then.
func (l *Loop) checkClock(ctx context.Context, now time.Time) error {
	at := l.d.Now()
	switch gap := now.Sub(at); {
	case at.IsZero():
		return nil
	case gap < -slack:
		return l.turnBack(ctx, now)
	case gap > longGap:
		state, err := l.d.Snapshot()
		if err != nil {
			return err
		}
		if l.keeps.before.IsZero() { // the first jump is the one to undo
			if err := l.st.Commit(ctx, l.lease, store.Snapshot{Name: l.opt.Name + before, Pos: l.pos, State: state}, nil); err != nil {
				return err
			}
			l.keeps.before = time.Now()
		}
		if gap > farGap {
			l.fault(store.LearnsAfresh, "the clock says that detection last ran long ago: the topics learn afresh; is it right?", "last", at, "now", now)
			pos := l.pos
			if err := l.afresh(ctx); err != nil {
				return err
			}
			l.pos = pos
		} else {
			l.opt.Log.Warn("detection did not run for a while, or the clock jumped forward", "last", at, "now", now)
		}
	}
	return nil
}

// turnBack goes back to the newest snapshot from before now. Without one the topics learn afresh, from now on.
func (l *Loop) turnBack(ctx context.Context, now time.Time) error {
	ahead := l.d.Now()
	pos := l.pos
	var best *Detector
	for _, name := range []string{l.opt.Name + earlier, l.opt.Name + before} {
		snap, err := l.st.Snapshot(ctx, name)
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged) {
			continue
		}
		if err != nil {
			return err
		}
		d, err := New(l.rules)
		if err != nil {
			return err
		}
		if d.Restore(snap.State) != nil || d.Now().After(now.Add(slack)) || best != nil && !d.Now().After(best.Now()) {
			continue
		}
		best, pos = d, snap.Pos
	}
	if err := l.afresh(ctx); err != nil {
		return err
	}
	if l.pos = pos; best != nil {
		best.adopt(l.d)
		l.d = best
	}
	l.fault(store.ClockJumped, "the clock went back; detection goes on from what it knew then", "judged_until", ahead, "now", now, "known_until", l.d.Now())
	l.keeps = keeps{}
	l.dirty++
	return l.Save(ctx)
}

// receipt is when an entry was received, by a clock that may have been wrong: not after now, and not long before it.
func (l *Loop) receipt(heard, now time.Time) time.Time {
	if heard.Sub(now) > slack {
		return now
	}
	if first := now.Add(-farGap); l.d.Now().IsZero() && heard.Before(first) {
		return first
	}
	return heard
}

// hear folds one mention; a panic is an error.
func (l *Loop) hear(e *store.Entry) (heard []Heard, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return l.d.Hear(e.Heard, &e.Mention), nil
}

// setAside moves an entry that cannot be folded to the dead letters. The fold may be half done: the error has it read
// again.
func (l *Loop) setAside(ctx context.Context, e *store.Entry, cause error) error {
	doc, err := json.Marshal(e.Mention)
	if err != nil {
		return err
	}
	l.poison[e.Pos] = true
	l.fault(store.EntrySetAside, "a mention cannot be counted and is moved to the dead letters", "mention", e.Mention.ID, "error", cause)
	return errors.Join(cause, l.st.Bury(ctx, store.Unreadable("mention", e.Pos, doc, cause, time.Now())))
}
