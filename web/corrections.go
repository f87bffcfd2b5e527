package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

const (
	recently  = 48 * time.Hour // mentions of a topic's page
	mostRead  = 1000           // of them, looked through
	mostShown = 50             // of each sort
)

// errNoCorrection is for a correction that says nothing that can be learned.
var errNoCorrection = errors.New("a correction says whether it is about you, or how it is meant")

// said is a mention on a topic's page, with what a person says of it.
type said struct {
	store.Matched
	Topic string
	By    brand.Correction
}

// recent are the topic's mentions of the last two days, newest first: those that are judged, and those held back. A person's word goes before a filter's.
func (s *Server) recent(r *http.Request, topic string) (judged, held []said, err error) {
	now := s.opt.Now()
	ms, err := s.opt.Store.Matched(r.Context(), topic, now.Add(-recently), now.Add(time.Hour), mostRead)
	if err != nil {
		return nil, nil, err
	}
	corrections, err := pinned(r, s.opt.Store, brand.CorrectionKey, func(c brand.Correction) string { return c.Key() })
	if err != nil {
		return nil, nil, err
	}
	by := map[string]brand.Correction{}
	for _, c := range corrections {
		by[c.Key()] = c
	}
	for _, m := range ms {
		key := brand.Correction{Topic: topic, Mention: m.Mention.ID}
		one := said{m, topic, by[key.Key()]}
		back := m.Held()
		if one.By.About != "" {
			back = one.By.About == brand.NotAboutUs
		}
		if back {
			held = append(held, one)
		} else {
			judged = append(judged, one)
		}
	}
	return judged, held, nil
}

// correct keeps what a person says of a mention. What it says nothing of stays as it was said before.
func (s *Server) correct(w http.ResponseWriter, r *http.Request) error {
	topic := r.PathValue("topic")
	if !slices.Contains(s.topicNames(), topic) {
		return store.ErrNotFound
	}
	about, meant := brand.About(r.PostFormValue("about")), brand.Meant(r.PostFormValue("meant"))
	if about != "" && about != brand.AboutUs && about != brand.NotAboutUs || !slices.Contains([]brand.Meant{"", brand.MeantNegative, brand.MeantNeutral, brand.MeantPositive}, meant) || about == "" && meant == "" {
		return errNoCorrection
	}
	judged, held, err := s.recent(r, topic)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(judged, func(m said) bool { return m.Mention.ID == r.PostFormValue("mention") })
	all := judged
	if i < 0 {
		i, all = slices.IndexFunc(held, func(m said) bool { return m.Mention.ID == r.PostFormValue("mention") }), held
	}
	if i < 0 {
		return store.ErrNotFound
	}
	c := all[i].By
	c.Topic, c.Mention, c.Text, c.By, c.At = topic, all[i].Mention.ID, all[i].Mention.Body(), s.by(r), s.opt.Now().UTC()
	if about != "" {
		c.About = about
	}
	if meant != "" {
		c.Meant = meant
	}
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := s.opt.Store.Pin(r.Context(), c.Key(), doc); err != nil {
		return err
	}
	http.Redirect(w, r, "/topics/"+url.PathEscape(topic)+"#mentions", http.StatusSeeOther)
	return nil
}
