package ingest

import (
	"context"
	"encoding/json"
	"time"
)

// Status is the state of a source. It is stored under "source/NAME".
type Status struct {
	Name    string    `json:"name"`
	Kind    string    `json:"kind"`
	State   string    `json:"state"` // listening, waiting, slowed down, failing, stopped by an error
	Every   string    `json:"every"`
	LastTry time.Time `json:"last_try,omitzero"`
	LastOK  time.Time `json:"last_ok,omitzero"`
	LastNew time.Time `json:"last_heard,omitzero"` // time of the last new mention
	Next    time.Time `json:"next,omitzero"`
	New     int       `json:"heard"` // new mentions since the start
	Known   int       `json:"known"` // mentions that were on the stream before
	Bad     int       `json:"bad"`
	Gone    int       `json:"gone,omitempty"` // mentions that their authors deleted
	Error   string    `json:"error,omitempty"`
	Note    string    `json:"note,omitempty"`
	Quiet   bool      `json:"quiet,omitempty"` // no new mention for longer than in the last days
	Rhythm  rhythm    `json:"rhythm,omitzero"` // its usual silences
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
