package detect

import (
	"context"
	"slices"

	"brandmelder/brand"
	"brandmelder/detect/relevance"
)

// mostMarks is how many of a topic's corrections a filter is learned from, the newest: it takes a second.
const mostMarks = 4000

// corrections takes in what people say of mentions: a topic whose corrections changed learns its filter anew.
func (l *Loop) corrections(ctx context.Context) error {
	all, err := l.st.Corrections(ctx)
	if err != nil {
		return err
	}
	said, state := map[string][]brand.Correction{}, map[string]int64{}
	for _, c := range all {
		if c.About != "" {
			said[c.Topic] = append(said[c.Topic], c)
			state[c.Topic] = max(state[c.Topic], c.At.UnixNano()) + 1
		}
	}
	for _, t := range l.rules.Topics {
		if state[t.Name] == l.corrected[t.Name] {
			continue
		}
		cs := said[t.Name]
		slices.SortStableFunc(cs, func(a, b brand.Correction) int { return b.At.Compare(a.At) })
		var marks []relevance.Mark
		for _, c := range cs[:min(len(cs), mostMarks)] {
			marks = append(marks, relevance.Mark{Text: c.Text, About: c.About == brand.AboutUs})
		}
		l.d.Filter(t.Name, relevance.Learn(marks))
	}
	l.corrected = state
	return nil
}

// feedback takes in what people say of earlier spikes.
func (l *Loop) feedback(ctx context.Context) error {
	all, err := l.st.Feedback(ctx)
	if err != nil {
		return err
	}
	for _, f := range all {
		l.d.Mark(f.Topic, f.From, f.To, f.Right)
	}
	return nil
}
