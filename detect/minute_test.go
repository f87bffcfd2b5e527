package detect

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"brandmelder/brand"
)

// One topic's minute, after weeks of twenty mentions an hour, compared with summing a megabyte of numbers.
func BenchmarkMinute(b *testing.B) {
	var topics []brand.Topic
	const n = 100
	for i := range n {
		topics = append(topics, brand.Topic{Name: fmt.Sprint(i), Query: "acme"})
	}
	d, err := New(Rules{Topics: topics, Scorer: plainScorer{}})
	if err != nil {
		b.Fatal(err)
	}
	w := &world{r: rand.New(rand.NewPCG(1, 1))}
	at := t0
	live := func() {
		d.Advance(at)
		for _, m := range w.minute(at, 20, 0.2) {
			d.Add(at.Add(59*time.Second), &m)
		}
		at = at.Add(time.Minute)
	}
	for range 8 * 24 * 60 {
		live()
	}
	b.Run("beat", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if i%n == 0 {
				b.StopTimer()
				live()
				d.now++
				at = at.Add(time.Minute)
				b.StartTimer()
			}
			d.topics[i%n].closeMinute(d.now, d.slotOf, nil)
		}
	})
	memory := make([]float64, 1<<17)
	b.Run("memory", func(b *testing.B) {
		sum := 0.0
		for b.Loop() {
			for _, x := range memory {
				sum += x
			}
		}
		_ = sum
	})
}
