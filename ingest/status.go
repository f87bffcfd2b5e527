package ingest

import (
	"context"
	"encoding/json"

	"brandmelder/store"
)

// sourceStatus is what a source last did, with the rhythm by which it is judged silent.
type sourceStatus struct {
	store.SourceStatus
	rhythm rhythm
}

// set changes the status.
func (s *listening) set(f func(*sourceStatus)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.status)
}

// saveStatus saves the status of a source for the pages.
func (l *Listener) saveStatus(ctx context.Context, s *listening) {
	var saved store.SourceStatus
	var err error
	s.set(func(st *sourceStatus) {
		st.Quiet = st.rhythm.quiet(l.opt.Now())
		l.opt.Metrics.silence(s.conf.Name, st.Quiet)
		st.Rhythm, err = json.Marshal(st.rhythm)
		saved = st.SourceStatus
	})
	if err == nil {
		err = l.st.SaveStatus(ctx, saved)
	}
	if err != nil && ctx.Err() == nil {
		l.opt.Log.Warn("saving a source's status", "source", s.conf.Name, "error", err)
	}
}

// takeOver goes on with what the process before knew of the source.
func (l *Listener) takeOver(ctx context.Context, s *listening) {
	before, err := l.st.SourceStatuses(ctx, s.conf.Name)
	if err != nil || len(before) == 0 {
		return // then it learns anew
	}
	s.set(func(st *sourceStatus) {
		st.LastHeard, st.rhythm = before[0].LastHeard, rhythm{}
		if json.Unmarshal(before[0].Rhythm, &st.rhythm) != nil {
			st.rhythm = rhythm{}
		}
		st.rhythm.begin(l.opt.Now())
	})
}
