package web

import (
	"context"
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
	mostBytes = 4 << 20        // of them together, as they are stored; what is older is not looked through
	firstRead = 10             // of them, read at once; more where they are small
	oftenRead = 250            // at most
	mostShown = 50             // of each sort
	mostKept  = 4000           // characters of a text that is kept with a correction
)

// errNoCorrection is for a correction that says nothing that can be learned.
var errNoCorrection = errors.New("a correction says whether it is about you, or how it is meant")

// said is a mention on a topic's page, with what a person says of it.
type said struct {
	store.Matched
	Topic string
	By    brand.Correction
}

// recent are the topic's mentions of the last two days, newest first: those that are judged, and those held back.
// A person's word goes before a filter's.
func (s *Server) recent(r *http.Request, topic string) (judged, held []said, err error) {
	now := s.opt.Now()
	ms, err := s.matched(r.Context(), topic, now.Add(-recently), now.Add(time.Hour))
	if err != nil {
		return nil, nil, err
	}
	var keys []string
	for _, m := range ms {
		keys = append(keys, (&brand.Correction{Topic: topic, Mention: m.Mention.ID}).Key())
	}
	if len(keys) == 0 {
		return nil, nil, nil
	}
	corrections, err := s.opt.Store.Corrections(r.Context(), keys...)
	if err != nil {
		return nil, nil, err
	}
	by := map[string]brand.Correction{}
	for _, c := range corrections {
		by[c.Key()] = c
	}
	for i, m := range ms {
		one := said{m, topic, by[keys[i]]}
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

// matched are the topic's mentions in [from, to), newest first, without unknown fields. It reads a few at a time
// and stops when they are large, so that a page's memory and time are bounded whatever is stored.
func (s *Server) matched(ctx context.Context, topic string, from, to time.Time) (out []store.Matched, err error) {
	seen := map[string]bool{} // by position: mentions of one millisecond are read again
	size := 0
	for batch := firstRead; len(out) < mostRead && size < mostBytes; batch = min(2*batch, oftenRead) {
		ms, err := s.opt.Store.Matched(ctx, topic, from, to, batch)
		if err != nil {
			return nil, err
		}
		before := len(out)
		for i := range ms {
			m := &ms[i]
			if seen[m.Pos] {
				continue
			}
			seen[m.Pos] = true
			size += len(m.Mention.Text) + len(m.Mention.Title) + len(m.Mention.Author) + len(m.Mention.AuthorName)
			for name, value := range m.Mention.Extra {
				size += len(name) + len(value)
			}
			m.Mention.Extra = nil
			out = append(out, *m)
		}
		if len(ms) < batch {
			break
		}
		to = ms[len(ms)-1].At.Add(time.Millisecond) // reads the rest of this millisecond too
		if len(out) == before {                     // it has more than are read at once: go on before it
			to = ms[len(ms)-1].At
		}
	}
	return out[:min(len(out), mostRead)], nil
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
	m := &all[i].Mention
	c.Topic, c.Mention, c.Text, c.By, c.At = topic, m.ID, cut(m.Body(), mostKept), s.by(r), s.opt.Now().UTC()
	if about != "" {
		c.About = about
	}
	if meant != "" {
		c.Meant = meant
	}
	if err := s.opt.Store.SaveCorrection(r.Context(), c); err != nil {
		return err
	}
	http.Redirect(w, r, "/topics/"+url.PathEscape(topic)+"#mentions", http.StatusSeeOther)
	return nil
}
