package detect

import (
	"context"
	"slices"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

const (
	novelSpan   = 6 * time.Hour      // what was said lately
	novelPast   = 7 * 24 * time.Hour // what was said before
	novelVoices = 5                  // that must say a word, at least
	novelBefore = 100                // mentions of before that a word must not stand in; fewer are no past
	novelMost   = 1500               // mentions read of each
)

// novel are the terms of the mentions of late that no mention of before has: a new matter shows first in new words, at the usual volume. They are shown and
// call nobody. The result depends only on what the mentions hold.
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

// lookForNew looks once an hour, each topic at its own minute, for new words; also at the start not all at once.
func (l *Loop) lookForNew(ctx context.Context, s *state) error {
	hour := (l.d.now + int64(hashString(s.topic.Name)%60)) / 60
	before, first := s.beside.lookedAt, s.beside.lookedAt == 0
	s.beside.lookedAt = hour
	if first || hour == before {
		return nil
	}
	if err := l.keep(ctx); err != nil { // what was folded and is not saved yet counts too
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
