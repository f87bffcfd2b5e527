package detect

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"brandmelder/brand"
	"brandmelder/detect/relevance"
)

// mostExamples is how many of a topic's corrections, the newest, a filter is learned from. Learning takes a second.
const mostExamples = 4000

// corrections learns the filter of each topic whose corrections have changed.
func (l *Loop) corrections(ctx context.Context) error {
	docs, err := l.st.Pinned(ctx, brand.CorrectionKey)
	if err != nil {
		return err
	}
	said, state := map[string][]brand.Correction{}, map[string]int64{}
	for _, key := range slices.Sorted(maps.Keys(docs)) {
		var c brand.Correction
		if err := json.Unmarshal(docs[key], &c); err != nil {
			l.opt.Log.Warn("a correction on the board cannot be read and is left out", "key", key, "error", err)
			continue
		}
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
	docs, err := l.st.Pinned(ctx, brand.MarkKey)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(docs)) {
		var m brand.Mark
		if err := json.Unmarshal(docs[key], &m); err != nil {
			l.opt.Log.Warn("a mark on the board cannot be read and is left out", "key", key, "error", err)
			continue
		}
		l.d.Feedback(m.Topic, m.From, m.To, m.Right)
	}
	return nil
}
