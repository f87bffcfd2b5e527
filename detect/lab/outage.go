package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"brandmelder/brand"
	"brandmelder/detect"
	"brandmelder/detect/sentiment"
)

// plain scores a text by one word that says its tone, because the table of outages is about time.
type plain struct{}

func (plain) Score(text string) sentiment.Tone {
	if text[0] == 'b' {
		return sentiment.Tone{1, 0, 0}
	}
	return sentiment.Tone{0, 1, 0}
}

// outageTable simulates storms that begin while the source is down for six hours, and outages without a storm.
func outageTable(n int, seed uint64) {
	const days, long = 21, 6 * 60
	type outcome struct {
		reported, late bool
		off            time.Duration
		silent         bool
	}
	results := make([]outcome, n)
	each(n, func(i int) {
		r := rand.New(rand.NewPCG(seed, uint64(12000000+i)))
		down := days*24*60 - 24*60 + r.IntN(16*60)
		began := down + r.IntN(long-60)
		for _, storm := range []bool{true, false} {
			d, err := detect.New(detect.Rules{Topics: []brand.Topic{{Name: "a", Query: "acme"}}, Scorer: plain{}})
			if err != nil {
				panic(err) // a wrong query here
			}
			say := rand.New(rand.NewPCG(seed, uint64(13000000+i)))
			var kept []brand.Mention
			id := 0
			for m := range down + long + 90 {
				at := begins.Add(time.Duration(m) * time.Minute)
				rate, bad := 20*shape(at)/60, 0.2
				if storm && m >= began && m < began+90 {
					rate, bad = rate+140.0/60, 0.5
				}
				for range int(chance(say, rate)) {
					id++
					tone := "fine"
					if say.Float64() < bad {
						tone = "bad"
					}
					kept = append(kept, brand.Mention{ID: strconv.Itoa(id), At: at.Add(time.Duration(say.IntN(60)) * time.Second), Source: "x", Author: strconv.Itoa(id), Text: tone + " acme " + strconv.Itoa(id)})
				}
				for _, sp := range d.Advance(at) {
					if sp.State != brand.Opened || m < down {
						continue
					}
					if !storm {
						results[i].silent = true
					} else if !results[i].reported {
						results[i] = outcome{reported: true, late: sp.Late, off: sp.Began.Sub(begins.Add(time.Duration(began) * time.Minute)).Abs(), silent: results[i].silent}
					}
				}
				if m >= down && m < down+long {
					continue // received when the source is back
				}
				for j := range kept {
					d.Add(at.Add(59*time.Second), &kept[j])
				}
				kept = kept[:0]
			}
		}
	})
	reported, late, right, silent := 0, 0, 0, 0
	for _, o := range results {
		if o.reported {
			reported++
		}
		if o.late {
			late++
		}
		if o.reported && o.off <= 15*time.Minute {
			right++
		}
		if o.silent {
			silent++
		}
	}
	share := func(k int) float64 { return 100 * float64(k) / float64(n) }
	fmt.Printf("\nA source that is down for six hours, at 20 mentions an hour, %d times: a storm of 140 an hour that began meanwhile is reported in %.0f %%, in %.0f %% as late, with its beginning right within a quarter of an hour in %.0f %%; without a storm something is reported in %.0f %%\n",
		n, share(reported), share(late), share(right), share(silent))
}
