package ingest

import (
	"context"
	"encoding/json"
	"time"
)

// Status is what a source last did, pinned to the board under "source/NAME".
type Status struct {
	Name    string    `json:"name"`
	Kind    string    `json:"kind"`
	State   string    `json:"state"` // listening, waiting, slowed down, failing, stopped by an error
	Every   string    `json:"every"`
	LastTry time.Time `json:"last_try,omitzero"`
	LastOK  time.Time `json:"last_ok,omitzero"`
	LastNew time.Time `json:"last_heard,omitzero"` // when it last brought something new
	Next    time.Time `json:"next,omitzero"`
	New     int       `json:"heard"` // new mentions since the start
	Known   int       `json:"known"` // mentions that were on the stream already
	Bad     int       `json:"bad"`
	Gone    int       `json:"gone,omitempty"` // mentions that were taken back by their authors
	Error   string    `json:"error,omitempty"`
	Note    string    `json:"note,omitempty"`
	Quiet   bool      `json:"quiet,omitempty"` // silent for longer than ever in the last days
	Rhythm  rhythm    `json:"rhythm,omitzero"` // how long its silences usually are
}

// set changes the status.
func (s *runningSource) set(f func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.status)
}

func (l *Listener) saveStatus(ctx context.Context, s *runningSource) {
	var doc []byte
	var err error
	s.set(func(st *Status) {
		st.Quiet = st.Rhythm.quiet(l.opt.Now())
		l.opt.Metrics.silence(s.conf.Name, st.Quiet)
		doc, err = json.Marshal(st)
	})
	if err == nil {
		err = l.st.Pin(ctx, "source/"+s.conf.Name, doc)
	}
	if err != nil && ctx.Err() == nil {
		l.opt.Log.Warn("pin status", "source", s.conf.Name, "error", err)
	}
}
