package detect

import (
	"context"
	"slices"

	"brandmelder/brand"
	"brandmelder/detect/relevance"
)

// mostExamples is how many of a topic's corrections, the newest, a filter is learned from. Learning takes a second.
const mostExamples = 4000

// corrections learns the filter of each topic whose corrections have changed.
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
		var marks []relevance.Example
		for _, c := range cs[:min(len(cs), mostExamples)] {
			marks = append(marks, relevance.Example{Text: c.Text, About: c.About == brand.AboutUs})
		}
		l.d.Filter(t.Name, relevance.Learn(marks))
	}
	l.corrected = state
	return nil
}

// feedback passes people's feedback on earlier spikes to the detector.
func (l *Loop) feedback(ctx context.Context) error {
	all, err := l.st.Feedback(ctx)
	if err != nil {
		return err
	}
	for _, f := range all {
		l.d.Feedback(f.Topic, f.From, f.To, f.Right)
	}
	return nil
}
