package detect

import (
	"context"
	"slices"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

const (
	novelSpan   = 6 * time.Hour      // the recent period
	novelPast   = 7 * 24 * time.Hour // the period before
	novelVoices = 5                  // that must use a term, at least
	novelBefore = 100                // mentions before that are needed to call a term new
	novelMost   = 1500               // mentions read of each period
)

// novel are the terms of the recent mentions that no mention before has. A new issue often shows first in new terms, at
// the usual volume. They are shown and call nobody.
func novel(late, before []store.Matched) []brand.Term {
	if len(before) < novelBefore {
		return nil
	}
	known := map[string]bool{}
	for i := range before {
		for t := range terms(before[i].Mention.Body()) {
			known[t] = true
		}
	}
	voices := map[string]float64{}
	for i := range late {
		for t := range terms(late[i].Mention.Body()) {
			voices[t] += late[i].Weight
		}
	}
	ts := distinctive(brand.Volume, late, before, allTerms(late))
	return slices.DeleteFunc(ts, func(t brand.Term) bool {
		folded := foldTerm(t.Text)
		return known[folded] || voices[folded] < novelVoices
	})
}

// lookForNew finds new terms once an hour, at a minute of the topic's own, so that not all topics do it at once.
func (l *Loop) lookForNew(ctx context.Context, s *state) error {
	hour := (l.d.now + int64(hashString(s.topic.Name)%60)) / 60
	before, first := s.beside.lookedAt, s.beside.lookedAt == 0
	s.beside.lookedAt = hour
	if first || hour == before {
		return nil
	}
	if err := l.keep(ctx); err != nil { // mentions that were added and not saved yet count too
		return err
	}
	now := l.d.Now()
	late, err := l.st.Matched(ctx, s.topic.Name, now.Add(-novelSpan), now, novelMost)
	if err != nil || len(late) < novelVoices {
		s.beside.novel = nil
		return err
	}
	past, err := l.st.Matched(ctx, s.topic.Name, now.Add(-novelSpan-novelPast), now.Add(-novelSpan), novelMost)
	if err != nil {
		return err
	}
	s.beside.novel = novel(slices.DeleteFunc(late, held), slices.DeleteFunc(past, held))
	return nil
}
