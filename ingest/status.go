package ingest

import (
	"context"
	"encoding/json"

	"brandmelder/store"
)

// sourceStatus is the state of a source, with the rhythm of its silences.
type sourceStatus struct {
	store.SourceStatus
	rhythm rhythm
}

// set changes the status.
func (s *runningSource) set(f func(*sourceStatus)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.status)
}

// saveStatus saves the status of a source for the pages.
func (l *Listener) saveStatus(ctx context.Context, s *runningSource) {
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

// restoreStatus continues the status that another process saved.
func (l *Listener) restoreStatus(ctx context.Context, s *runningSource) {
	before, err := l.st.SourceStatuses(ctx, s.conf.Name)
	if err != nil || len(before) == 0 {
		return // the status begins anew
	}
	s.set(func(st *sourceStatus) {
		st.LastNew, st.rhythm = before[0].LastNew, rhythm{}
		if json.Unmarshal(before[0].Rhythm, &st.rhythm) != nil {
			st.rhythm = rhythm{}
		}
		st.rhythm.begin(l.opt.Now())
	})
}
