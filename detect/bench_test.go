package detect

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

func matched(w *world, n int, say string) (out []store.Matched) {
	for i := range n {
		m := w.mention(t0.Add(time.Duration(i)*time.Second), say)
		out = append(out, store.Matched{Match: store.Match{Topic: "acme", At: m.At, Weight: 1}, Mention: m})
	}
	return out
}

// Decode, match, score and judge for 100 topics, compared with encoding/json reading the same lines.
func BenchmarkMentions(b *testing.B) {
	w := &world{r: rand.New(rand.NewPCG(1, 1))}
	var lines [][]byte
	for i := range 2000 {
		m := w.mention(t0.Add(time.Duration(i)*time.Second), "brand"+fmt.Sprint(i%100)+" is burning, never again")
		line, err := json.Marshal(m)
		if err != nil {
			b.Fatal(err)
		}
		lines = append(lines, line)
	}
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			var m brand.Mention
			if err := json.Unmarshal(lines[i%len(lines)], &m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("whole", func(b *testing.B) {
		var topics []brand.Topic
		for i := range 100 {
			topics = append(topics, brand.Topic{Name: fmt.Sprint(i), Query: fmt.Sprintf("brand%d OR @brand%d OR *brand%dx*", i, i, i)})
		}
		d, err := New(Rules{Topics: topics})
		if err != nil {
			b.Fatal(err)
		}
		d.Advance(t0)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			m, err := brand.DecodeMention(lines[i%len(lines)])
			if err != nil {
				b.Fatal(err)
			}
			if i%1000 == 0 {
				d.Advance(t0.Add(time.Duration(i/1000) * time.Minute))
			}
			d.Add(d.Now().Add(30*time.Second), &m)
		}
	})
}
