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

// extras is what the loop knows of its extra snapshots.
type extras struct {
	checked time.Time // when the end of the stream was last looked at
	earlier time.Time // when /earlier was last saved
	before  time.Time // when /before was saved by this process; zero for never
	has     bool      // there is a /before
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
	earlier = "/earlier" // the last good one, should the newest be damaged
	before  = "/before"  // saved before time moved on by more than longGap; used if the clock goes back
)

const (
	keepEvery = 10 * time.Minute
	// longGap is a gap after which silence has been learned that may have been none. Up to it, going back forgets
	// nothing.
	longGap = lateMinutes * time.Minute
	// farGap is a gap after which what was learned says nothing of today: the topics learn afresh.
	farGap = 60 * 24 * time.Hour
	// slack is how far two clocks may be apart. A clock that is further behind what was judged has gone back.
	slack = 2 * time.Minute
	// keepBefore is how long /before stays as it is after a jump of the clock: a second jump may be of the same fault.
	keepBefore = 48 * time.Hour
	// keepAhead is how long a clock that went back may take to be right again without any loss.
	keepAhead = 24 * time.Hour
	// firstYear is the year before which a clock is surely wrong.
	firstYear = 1990
	// skipNewest and skipAll are how many panics in a row make a snapshot suspect.
	skipNewest, skipAll = 3, 6
)

// restore reads what was learned: from the last snapshot or, if that is damaged, from the one before. Where neither can
// be read, the topics learn afresh. The error is the store's.
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
	// Nobody knows which entries were counted already. Counting the whole stream again would call people for what is
	// long over.
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
	l.pos, l.matches, l.dirty, l.corrected, l.pending = "", nil, 0, nil, nil
	return l.corrections(ctx)
}

// begin goes on from pos.
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

// rewrite saves what is in memory to a store that has lost it. A store that was put back to an older state has a
// snapshot that fits its stream: that one is used.
func (l *Loop) rewrite(ctx context.Context) error {
	_, err := l.st.Snapshot(ctx, l.opt.Name)
	if err == nil {
		l.fault(store.StoreLost, "the store is in an older state; detection goes on from there")
		return l.restore(ctx)
	}
	if !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrDamaged) {
		return err
	}
	l.reload, l.matches, l.pos = false, nil, "" // their mentions are gone; what is there now was not counted
	l.extras = extras{ahead: l.extras.ahead}
	if err := l.commit(ctx, l.pending); err != nil {
		return err
	}
	l.fault(store.StoreLost, "the store lost what was learned; it is written again from memory")
	return nil
}

// checkEnd looks, when there is nothing new, whether the stream ends before the position up to which it was folded:
// somebody put the store back to an older state. Detection goes on from the snapshot of that state.
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

// keepEarlier saves the state a second time now and then. /before is saved again with it, so that Trim does not wait
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
		return nil //nolint:nilerr // it is gone or damaged, and only a help
	}
	snap.Pos = l.pos
	return l.st.Commit(ctx, l.lease, snap, nil)
}

// checkClock compares the time up to which is judged with now. When the time went on by far at once, it keeps what was
// known before; when the clock went back, detection goes back too, and forward again with it.
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

// leap prepares for a long time that passes at once: an outage, or a clock that is wrong.
func (l *Loop) leap(ctx context.Context, at, now time.Time) error {
	state, err := l.d.Snapshot()
	if err != nil {
		return err
	}
	if l.extras.before.IsZero() || time.Since(l.extras.before) > keepBefore { // of several jumps the first is the one to undo
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

// turnBack goes back with the clock. Up to a day back only what was counted of later minutes is forgotten, as long as
// the clock is not right again soon (turnForward); beyond, what was known before the clock went ahead is used.
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

// takeBefore uses the snapshot from before the clock went ahead; false if there is none that is older than now.
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

// use goes on from a snapshot, if its time is not after now.
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

// turnForward goes on from what was known before the clock went back, now that it is right again: nothing is lost.
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

// receipt is when an entry was received, corrected where the clock of who received it was wrong by far: a time after
// now by more than slack becomes now, and the first entry is never of long ago.
func (l *Loop) receipt(heard, now time.Time) time.Time {
	if heard.Sub(now) > slack {
		return now
	}
	if first := now.Add(-farGap); l.d.Now().IsZero() && heard.Before(first) {
		return first
	}
	return heard
}

// errSetAside says that an entry cannot be folded and was set aside. The fold is half done: it has to be read again.
var errSetAside = errors.New("a mention was set aside")

// hear folds one mention. One that makes detection panic is moved to the dead letters, with errSetAside.
func (l *Loop) add(ctx context.Context, e *store.Entry) (heard []Match, err error) {
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
	if err := l.st.Bury(ctx, store.Unreadable("mention", e.Pos, doc, cause, time.Now())); err != nil {
		return err
	}
	l.aside[e.Pos] = true
	l.fault(store.EntrySetAside, "a mention cannot be counted and is moved to the dead letters", "mention", e.Mention.ID, "error", cause)
	return errSetAside
}

// ages counts, from when a long time passed at once, how many mentions are too old to be judged: nearly all are when
// the clock is ahead.
type ages struct{ total, late int64 } // at its beginning

const (
	agesLeast  = 50 // mentions, before a share says anything
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
