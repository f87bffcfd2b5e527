package web

import "net/http"

func (s *Server) sources(w http.ResponseWriter, r *http.Request) error {
	docs, err := s.opt.Store.SourceStatuses(r.Context())
	if err != nil {
		return err
	}
	dead, err := s.opt.Store.ListDeadLetters(r.Context(), maxDead)
	if err != nil {
		return err
	}
	return s.show(w, r, "sources", http.StatusOK, map[string]any{"Title": s.words(r).T("source.title"), "Sources": docs, "Dead": dead, "Refresh": 30})
}
