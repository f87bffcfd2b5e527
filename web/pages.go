package web

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/store"
)

func (s *Server) show(w http.ResponseWriter, r *http.Request, name string, code int, data map[string]any) error {
	words := s.words(r)
	data["Person"], data["Demo"], data["Path"], data["Back"] = s.person(r), s.opt.Demo, r.URL.Path, back(r)
	data["Trouble"] = s.trouble(words)
	maps.Copy(data, s.shown(r))
	var buf bytes.Buffer
	if err := words.pages[name].ExecuteTemplate(&buf, "layout", data); err != nil {
		if name == "error" {
			http.Error(w, "error", http.StatusInternalServerError)
			return nil
		}
		return fmt.Errorf("page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	if _, err := w.Write(visible(buf.Bytes())); err != nil {
		s.opt.Log.Debug("page not read to its end", "error", err)
	}
	return nil
}

func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	open, _, err := s.opt.Store.ListIncidents(r.Context(), store.IncidentQuery{Open: true, Limit: maxOpen})
	if err != nil {
		return err
	}
	recent, _, err := s.opt.Store.ListIncidents(r.Context(), store.IncidentQuery{Limit: maxOpen})
	if err != nil {
		return err
	}
	closed := slices.DeleteFunc(recent, func(in incident.Summary) bool { return in.Open() })
	slices.SortStableFunc(open, func(a, b incident.Summary) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(b.Level, a.Level))
	})
	topics, err := s.topicStatuses(r)
	if err != nil {
		return err
	}
	sources, err := s.opt.Store.SourceStatuses(r.Context())
	if err != nil {
		return err
	}
	var silent []store.SourceStatus
	for _, src := range sources {
		if src.Quiet || src.Error != "" {
			silent = append(silent, src)
		}
	}
	elsewhere, err := s.elsewhere(r)
	if err != nil {
		return err
	}
	return s.show(w, r, "home", http.StatusOK, map[string]any{"Elsewhere": elsewhere, "Title": s.words(r).T("home.title"), "Incidents": open, "Closed": closed, "Topics": topics, "Silent": silent, "Refresh": 10})
}

// elsewhere are the spikes of a day that are a competitor's or the whole industry's, newest first: worth a look, and no
// call.
func (s *Server) elsewhere(r *http.Request) (out []brand.Spike, err error) {
	for _, t := range s.opt.Topics {
		if t.Role == "" || t.Role == brand.Own {
			continue
		}
		recent, err := s.opt.Store.RecentSpikes(r.Context(), t.Name, "", maxSpikes)
		if err != nil {
			return nil, err
		}
		for _, e := range recent {
			if s.opt.Now().Sub(e.Spike.Updated) <= 24*time.Hour {
				out = append(out, e.Spike)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b brand.Spike) int { return b.Updated.Compare(a.Updated) })
	return out[:min(len(out), maxSpikes)], nil
}

func (s *Server) playbooks(w http.ResponseWriter, r *http.Request) error {
	return s.show(w, r, "playbooks", http.StatusOK, map[string]any{"Title": s.words(r).T("playbook.title"), "Books": s.opt.Desk.Shelf.Books()})
}

func (s *Server) playbook(w http.ResponseWriter, r *http.Request) error {
	lang := r.URL.Query().Get("lang")
	if lang == "" {
		lang = s.words(r).Lang()
	}
	b := s.opt.Desk.Shelf.Book(r.PathValue("id"), lang)
	if b == nil {
		return store.ErrNotFound
	}
	return s.show(w, r, "playbook", http.StatusOK, map[string]any{"Title": b.Title, "Book": b})
}
