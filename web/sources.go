package web

import (
	"net/http"
	"time"
)

// sourceDoc is what ingest pins up of a source (its Status).
type sourceDoc struct {
	Name      string    `json:"name"`
	Kind      string    `json:"kind"`
	State     string    `json:"state"`
	Every     string    `json:"every"`
	LastTry   time.Time `json:"last_try"`
	LastOK    time.Time `json:"last_ok"`
	LastHeard time.Time `json:"last_heard"`
	Next      time.Time `json:"next"`
	Heard     int       `json:"heard"`
	Known     int       `json:"known"`
	Bad       int       `json:"bad"`
	Gone      int       `json:"gone"`
	Quiet     bool      `json:"quiet"`
	Error     string    `json:"error"`
	Note      string    `json:"note"`
}

func (s *Server) sourceDocs(r *http.Request) ([]sourceDoc, error) {
	return pinned(s, r, "source/", func(d sourceDoc) string { return d.Name })
}

func (s *Server) sources(w http.ResponseWriter, r *http.Request) error {
	docs, err := s.sourceDocs(r)
	if err != nil {
		return err
	}
	dead, err := s.opt.Store.ListDeadLetters(r.Context(), maxDead)
	if err != nil {
		return err
	}
	return s.show(w, r, "sources", http.StatusOK, map[string]any{"Title": s.words(r).T("source.title"), "Sources": docs, "Dead": dead, "Refresh": 30})
}
