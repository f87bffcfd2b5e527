package web

import (
	"net/http"
	"slices"

	"brandmelder/brand"
	"brandmelder/store"
)

// topicStatuses are the statuses of the configured topics; the store may know older ones.
func (s *Server) topicStatuses(r *http.Request) ([]store.TopicStatus, error) {
	names := s.topicNames()
	if len(names) == 0 {
		return nil, nil
	}
	out, err := s.opt.Store.TopicStatuses(r.Context(), names...)
	if err != nil {
		return nil, err
	}
	for _, t := range s.opt.Topics { // not judged yet
		if !slices.ContainsFunc(out, func(d store.TopicStatus) bool { return d.Name == t.Name }) {
			out = append(out, store.TopicStatus{Name: t.Name, Query: t.Query, Role: t.Role, Learning: true})
		}
	}
	return out, nil
}

func (s *Server) topics(w http.ResponseWriter, r *http.Request) error {
	docs, err := s.topicStatuses(r)
	if err != nil {
		return err
	}
	return s.show(w, r, "topics", http.StatusOK, map[string]any{"Title": s.words(r).T("topic.title"), "Topics": docs, "Refresh": 30})
}

func (s *Server) topic(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("topic")
	docs, err := s.topicStatuses(r)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(docs, func(d store.TopicStatus) bool { return d.Name == name })
	if i < 0 {
		return store.ErrNotFound
	}
	judged, held, err := s.recent(r, name)
	if err != nil {
		return err
	}
	recent, err := s.opt.Store.RecentSpikes(r.Context(), name, "", maxSpikes)
	if err != nil {
		return err
	}
	var spikes []brand.Spike
	for _, e := range recent {
		spikes = append(spikes, e.Spike)
	}
	return s.show(w, r, "topic", http.StatusOK, map[string]any{"Title": name, "Topic": docs[i], "Mentions": judged[:min(len(judged), mostShown)], "Held": held[:min(len(held), mostShown)], "HeldBack": len(held), "Spikes": spikes})
}
