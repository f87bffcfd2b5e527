package detect

import "brandmelder/brand"

// weights counts the recent posts of each author. A mention weighs less the more copies of its text, or posts of its
// author, came before it: a bot that repeats one sentence a thousand times is worth a handful of voices.
type weights struct {
	Authors []authorCount
}

type authorCount struct {
	Author uint64 // hash of the network and the name
	Minute int32  // of the last post, since 1970
	Count  float32
}

const (
	authorsKept   = 68
	authorMinutes = 60
	repostWeight  = 0.25
)

// weigh returns the voices that the mention is worth: 1/n for the n-th copy of its text, times 1/n for the n-th post of
// its author within an hour, times repostWeight for a repost.
func (w *weights) weigh(m *brand.Mention, copies int, minute int64) float64 {
	weight := 1 / float64(copies)
	if m.Kind == brand.Repost {
		weight *= repostWeight
	}
	if m.Author != "" {
		weight /= w.countPost(hashString(m.Source+"\x00"+m.Author), int32(minute))
	}
	return weight
}

// countPost returns how many posts the author wrote within the hour, with this one. When the list is full, the author
// whose last post is the oldest makes room.
func (w *weights) countPost(author uint64, minute int32) float64 {
	oldest := 0
	for i := range w.Authors {
		a := &w.Authors[i]
		if minute-a.Minute <= authorMinutes && a.Author == author {
			a.Count++
			a.Minute = max(a.Minute, minute)
			return float64(a.Count)
		}
		if a.Minute < w.Authors[oldest].Minute {
			oldest = i
		}
	}
	first := authorCount{Author: author, Minute: minute, Count: 1}
	if len(w.Authors) < authorsKept {
		w.Authors = append(w.Authors, first)
	} else {
		w.Authors[oldest] = first
	}
	return 1
}
