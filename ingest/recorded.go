package ingest

import (
	"container/heap"
	"time"

	"brandmelder/brand"
)

// Recorded sorts recorded mentions by publication. Mentions that are at most Lateness late are sorted in, duplicates
// are left out. A recording that was shuffled within the lateness, or has lines twice, gives the same result.
type Recorded struct {
	Lateness time.Duration
	// Next receives the mentions in order. Its error ends the replay.
	Next func(brand.Mention) error

	waiting mentionHeap
	newest  time.Time
	known   map[string]time.Time
	swept   time.Time
}

// Add adds one mention.
func (r *Recorded) Add(m brand.Mention) error {
	if r.known == nil {
		r.known = map[string]time.Time{}
	}
	if _, doubled := r.known[m.ID]; doubled {
		return nil
	}
	r.known[m.ID] = m.At
	heap.Push(&r.waiting, m)
	if m.At.After(r.newest) {
		r.newest = m.At
	}
	if err := r.release(r.newest.Add(-r.Lateness)); err != nil {
		return err
	}
	if r.newest.Sub(r.swept) > 2*r.Lateness {
		r.swept = r.newest
		for id, at := range r.known {
			if r.newest.Sub(at) > 2*r.Lateness {
				delete(r.known, id)
			}
		}
	}
	return nil
}

// Flush passes on the mentions that wait. The recording is over.
func (r *Recorded) Flush() error { return r.release(r.newest.Add(time.Hour)) }

func (r *Recorded) release(before time.Time) error {
	for len(r.waiting) > 0 && r.waiting[0].At.Before(before) {
		if err := r.Next(heap.Pop(&r.waiting).(brand.Mention)); err != nil {
			return err
		}
	}
	return nil
}

type mentionHeap []brand.Mention

func (h mentionHeap) Len() int { return len(h) }
func (h mentionHeap) Less(i, j int) bool {
	if !h[i].At.Equal(h[j].At) {
		return h[i].At.Before(h[j].At)
	}
	return h[i].ID < h[j].ID
}
func (h mentionHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *mentionHeap) Push(x any)   { *h = append(*h, x.(brand.Mention)) }
func (h *mentionHeap) Pop() any {
	old := *h
	m := old[len(old)-1]
	*h = old[:len(old)-1]
	return m
}
