package web

import (
	"net/http"
	"slices"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

// topicDoc is what detect pins up of a topic (its TopicDoc).
type topicDoc struct {
	Name     string        `json:"name"`
	Query    string        `json:"query"`
	Role     string        `json:"role"`
	Mentions int64         `json:"mentions"`
	Learning bool          `json:"learning"`
	Since    time.Time     `json:"since"`
	At       time.Time     `json:"at"`
	Curve    []brand.Point `json:"curve"`

	Nearly []brand.Nearly `json:"nearly"`
	New    []brand.Term   `json:"new"`
}

// topicDocs are the topics of the configuration; the board may know older ones.
func (s *Server) topicDocs(r *http.Request) ([]topicDoc, error) {
	docs, err := pinned(s, r, "topic/", func(t topicDoc) string { return t.Name })
	if err != nil {
		return nil, err
	}
	names := s.topicNames()
	docs = slices.DeleteFunc(docs, func(t topicDoc) bool { return !slices.Contains(names, t.Name) })
	for _, t := range s.opt.Topics { // not judged yet
		if !slices.ContainsFunc(docs, func(d topicDoc) bool { return d.Name == t.Name }) {
			docs = append(docs, topicDoc{Name: t.Name, Query: t.Query, Role: string(t.Role), Learning: true})
		}
	}
	return docs, nil
}

func (s *Server) topics(w http.ResponseWriter, r *http.Request) error {
	docs, err := s.topicDocs(r)
	if err != nil {
		return err
	}
	return s.show(w, r, "topics", http.StatusOK, map[string]any{"Title": s.words(r).T("topic.title"), "Topics": docs, "Refresh": 30})
}

func (s *Server) topic(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("topic")
	docs, err := s.topicDocs(r)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(docs, func(d topicDoc) bool { return d.Name == name })
	if i < 0 {
		return store.ErrNotFound
	}
	judged, held, err := s.recent(r, name)
	if err != nil {
		return err
	}
	recent, err := s.opt.Store.RecentSpikes(r.Context(), 300)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	var spikes []brand.Spike
	for _, sp := range recent {
		if sp.Topic == name && !seen[sp.ID] && len(spikes) < maxSpikes {
			seen[sp.ID] = true
			spikes = append(spikes, sp)
		}
	}
	return s.show(w, r, "topic", http.StatusOK, map[string]any{"Title": name, "Topic": docs[i], "Mentions": judged[:min(len(judged), mostShown)], "Held": held[:min(len(held), mostShown)], "HeldBack": len(held), "Spikes": spikes})
}
