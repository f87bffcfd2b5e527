package detect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"brandmelder/store"
)

// extras is the state of the loop's extra snapshots.
type extras struct {
	checked time.Time // when the end of the stream was last checked
	earlier time.Time // when /earlier was last saved
	before  time.Time // when /before was saved by this process; zero for never
	has     bool      // /before exists
	ahead   *kept     // from before the clock went back
}

// kept is a snapshot in memory.
type kept struct {
	state []byte
	pos   string
	until time.Time // up to which its detector has judged
	since time.Time // when it was kept
}

// The names of the extra snapshots in the store.
const (
	earlier = "/earlier" // an older one, in case the newest is damaged
	before  = "/before"  // saved before a jump of more than longGap; used if the clock goes back
)

const (
	keepEvery = 10 * time.Minute
	// longGap is a gap after which silence was learned that perhaps was none. For a shorter gap, going back loses
	// nothing.
	longGap = lateMinutes * time.Minute
	// farGap is a gap after which the topics learn again, because what was learned is too old.
	farGap = 60 * 24 * time.Hour
	// slack is the greatest difference of two right clocks. A clock that is further behind the judged time has gone
	// back.
	slack = 2 * time.Minute
	// keepBefore is how long /before is not overwritten after a jump of the clock. A second jump may have the same
	// cause.
	keepBefore = 48 * time.Hour
	// keepAhead is how long a clock may be wrong, after it went back, without any loss.
	keepAhead = 24 * time.Hour
	// firstYear is the year before which a clock is surely wrong.
	firstYear = 1990
	// skipNewest and skipAll are how many panics in a row make a snapshot suspect.
	skipNewest, skipAll = 3, 6
)

// restore reads the last snapshot or, if that is damaged, the one before. If neither can be read, the topics learn
// again. The error is the store's.
func (l *Loop) restore(ctx context.Context) error {
	if err := l.afresh(ctx); err != nil {
		return err
	}
	damaged := l.panics >= skipNewest
	for i, name := range []string{l.opt.Name, l.opt.Name + earlier} {
		if l.panics >= skipNewest && i == 0 || l.panics >= skipAll {
			l.fault(store.SnapshotDamaged, "detection panics again and again; a snapshot is left out", "snapshot", name)
			continue
		}
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
	// It is unknown which entries were counted. Counting the whole stream again would report spikes that are long over.
	last, err := l.st.Last(ctx)
	if err != nil {
		return err
	}
	l.fault(store.LearnsAfresh, "nothing that was learned can be read: the topics learn afresh, for a week", "from", last)
	return l.begin(ctx, last, false)
}

// afresh clears the state in memory.
func (l *Loop) afresh(ctx context.Context) (err error) {
	if l.d, err = New(l.rules); err != nil {
		return err
	}
	l.pos, l.matches, l.dirty, l.corrected, l.pending = "", nil, 0, nil, nil
	return l.corrections(ctx)
}

// begin continues from pos.
func (l *Loop) begin(ctx context.Context, pos string, damaged bool) error {
	last, err := l.st.Last(ctx)
	if err != nil {
		return err
	}
	if store.ComparePositions(pos, last) > 0 {
		l.fault(store.SnapshotDamaged, "the snapshot of detection is of a longer stream than there is; going on from its end", "snapshot", pos, "stream", last)
		pos, damaged = last, true
	}
	l.pos, l.reload = pos, false
	if damaged {
		l.saved = time.Time{} // save it at once
	}
	_, err = l.st.Snapshot(ctx, l.opt.Name+before)
	l.extras.has = err == nil
	return l.recallFaults(ctx)
}

// rewrite saves the state in memory to a store that has lost it. If the store was set back to an older state, its
// snapshot fits its stream and is used.
func (l *Loop) rewrite(ctx context.Context) error {
	_, err := l.st.Snapshot(ctx, l.opt.Name)
	if err == nil {
		l.fault(store.StoreLost, "the store is in an older state; detection goes on from there")
		return l.restore(ctx)
	}
	if !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrDamaged) {
		return err
	}
	// their mentions are gone; what is on the stream now was not counted
	l.reload, l.matches, l.pos = false, nil, ""
	l.extras = extras{ahead: l.extras.ahead}
	if err := l.commit(ctx, l.pending); err != nil {
		return err
	}
	l.fault(store.StoreLost, "the store lost what was learned; it is written again from memory")
	return nil
}

// checkEnd checks, when nothing is new, whether the stream ends before the loop's position. Then the store was set back
// to an older state, and detection continues from the snapshot of that state.
func (l *Loop) checkEnd(ctx context.Context) error {
	if !l.opt.Pin || time.Since(l.extras.checked) < showEvery {
		return nil
	}
	last, err := l.st.Last(ctx)
	if err != nil {
		return err
	}
	l.extras.checked = time.Now()
	if store.ComparePositions(l.pos, last) <= 0 {
		return nil
	}
	l.fault(store.StoreLost, "the stream ends before what was counted: the store is in an older state", "counted", l.pos, "stream", last)
	return l.restore(ctx)
}

// keepEarlier saves the state a second time every ten minutes. It saves /before again too, so that Trim does not wait
// for it.
func (l *Loop) keepEarlier(ctx context.Context, state []byte) error {
	if !l.opt.Pin || time.Since(l.extras.earlier) < keepEvery {
		return nil
	}
	err := l.st.Commit(ctx, l.lease, store.Snapshot{Name: l.opt.Name + earlier, Pos: l.pos, State: state}, nil)
	if err != nil {
		return err
	}
	l.extras.earlier = time.Now()
	if !l.extras.has {
		return nil
	}
	snap, err := l.st.Snapshot(ctx, l.opt.Name+before)
	if err != nil {
		l.extras.has = false
		return nil //nolint:nilerr // it is missing or damaged, and not essential
	}
	snap.Pos = l.pos
	return l.st.Commit(ctx, l.lease, snap, nil)
}

// checkClock compares the judged time with now. If the time jumped forward, it keeps the state from before. If the
// clock went back, detection goes back, and forward again when the clock is right.
func (l *Loop) checkClock(ctx context.Context, now time.Time) error {
	if now.Year() < firstYear {
		return fmt.Errorf("the clock of this machine says %s: set it", now.UTC().Format(time.RFC3339))
	}
	at := l.d.Now()
	switch gap := now.Sub(at); {
	case at.IsZero():
		return nil
	case gap < -slack:
		return l.turnBack(ctx, now)
	case gap > slack && l.extras.ahead != nil && !l.extras.ahead.until.After(now.Add(slack)):
		return l.turnForward(ctx)
	case gap > longGap:
		return l.leap(ctx, at, now)
	}
	return nil
}

// leap prepares for a long time that passes at once: an outage, or a wrong clock.
func (l *Loop) leap(ctx context.Context, at, now time.Time) error {
	state, err := l.d.Snapshot()
	if err != nil {
		return err
	}
	// of several jumps, the first is the one to undo
	if l.extras.before.IsZero() || time.Since(l.extras.before) > keepBefore {
		snap := store.Snapshot{Name: l.opt.Name + before, Pos: l.pos, State: append([]byte(l.pos+"\n"), state...)}
		if err := l.st.Commit(ctx, l.lease, snap, nil); err != nil {
			return err
		}
		l.extras.before, l.extras.has = time.Now(), true
	}
	l.ages = newAges(l.d)
	if now.Sub(at) <= farGap {
		l.opt.Log.Warn("detection did not run for a while, or the clock jumped forward", "last", at, "now", now)
		return nil
	}
	l.fault(store.LearnsAfresh, "detection last ran long ago: the topics learn afresh; is the clock right?", "last", at, "now", now)
	pos := l.pos
	if err := l.afresh(ctx); err != nil {
		return err
	}
	l.pos = pos
	l.d.Advance(now)
	return l.commit(ctx, nil)
}

// turnBack goes back with the clock. Up to a day back, it drops only the counts of later minutes, unless the clock is
// right again soon (turnForward). Further back, it uses the state from before the jump forward.
func (l *Loop) turnBack(ctx context.Context, now time.Time) error {
	ahead := l.d.Now()
	if l.extras.ahead == nil || time.Since(l.extras.ahead.since) > keepAhead {
		state, err := l.d.Snapshot()
		if err != nil {
			return err
		}
		l.extras.ahead = &kept{state, l.pos, ahead, time.Now()}
	}
	was := false
	if ahead.Sub(now) > longGap {
		var err error
		if was, err = l.takeBefore(ctx, now); err != nil {
			return err
		}
	}
	if !was {
		l.d.Rewind(now)
	}
	l.fault(store.ClockJumped, "the clock went back; detection goes on from then", "judged_until", ahead, "now", now, "known_until", l.d.Now())
	return l.commit(ctx, nil)
}

// takeBefore uses the snapshot from before the clock jumped forward. It returns false if there is none that is older
// than now.
func (l *Loop) takeBefore(ctx context.Context, now time.Time) (bool, error) {
	snap, err := l.st.Snapshot(ctx, l.opt.Name+before)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	pos, state, ok := bytes.Cut(snap.State, []byte("\n"))
	if !ok {
		return false, nil
	}
	return l.use(state, string(pos), now)
}

// use continues from a snapshot, if its time is not after now.
func (l *Loop) use(state []byte, pos string, now time.Time) (bool, error) {
	d, err := New(l.rules)
	if err != nil {
		return false, err
	}
	if err := d.Restore(state); err != nil || d.Now().After(now.Add(slack)) {
		return false, nil //nolint:nilerr // then it is of no use
	}
	d.adopt(l.d)
	l.d, l.pos, l.matches = d, pos, nil
	return true, nil
}

// turnForward continues from the state before the clock went back, now that the clock is right again. Nothing is lost.
func (l *Loop) turnForward(ctx context.Context) error {
	k := l.extras.ahead
	l.extras.ahead = nil
	if time.Since(k.since) > keepAhead {
		return nil
	}
	if ok, err := l.use(k.state, k.pos, k.until); err != nil || !ok {
		return err
	}
	l.opt.Log.Warn("the clock is as it was; detection goes on from what it knew before the clock went back", "known_until", k.until)
	return l.commit(ctx, nil)
}

// receipt is the time at which an entry was received, corrected for wrong clocks: a time after now by more than slack
// becomes now, and the first entry is at most farGap old.
func (l *Loop) receipt(received, now time.Time) time.Time {
	if received.Sub(now) > slack {
		return now
	}
	if first := now.Add(-farGap); l.d.Now().IsZero() && received.Before(first) {
		return first
	}
	return received
}

// errSetAside reports that an entry cannot be counted and was set aside. The state must be restored, because the entry
// may be half counted.
var errSetAside = errors.New("a mention was set aside")

// add counts one mention. A mention that makes detection panic is moved to the dead letters, with errSetAside.
func (l *Loop) add(ctx context.Context, e *store.Entry) (matches []Match, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = l.bury(ctx, e, fmt.Errorf("panic: %v", p))
		}
	}()
	return l.d.Add(e.Heard, &e.Mention), nil
}

func (l *Loop) bury(ctx context.Context, e *store.Entry, cause error) error {
	doc, err := json.Marshal(e.Mention)
	if err != nil {
		return err
	}
	if err := l.st.AddDeadLetters(ctx, store.Unreadable("mention", e.Pos, doc, cause, time.Now())); err != nil {
		return err
	}
	l.aside[e.Pos] = true
	l.fault(store.EntrySetAside, "a mention cannot be counted and is moved to the dead letters", "mention", e.Mention.ID, "error", cause)
	return errSetAside
}

// ages counts, since a jump of the time, how many mentions are too old to be judged. If nearly all are, the clock is
// ahead.
type ages struct{ total, late int64 } // at its beginning

const (
	agesLeast  = 50 // mentions, before the share is meaningful
	aheadShare = 0.9
)

func newAges(d *Detector) *ages {
	total, late := d.counted()
	return &ages{total, late}
}

// checkAges reports once that the clock seems to be ahead.
func (l *Loop) checkAges() {
	if l.ages == nil {
		return
	}
	total, late := l.d.counted()
	total, late = total-l.ages.total, late-l.ages.late
	if total < agesLeast {
		return
	}
	if l.ages = nil; float64(late) >= aheadShare*float64(total) {
		l.fault(store.ClockAhead, "nearly all mentions are more than a day old: the clock seems to be ahead", "mentions", total, "too_old", late)
	}
}
