// Command lab measures the detector on simulated topics: how far it keeps the alarm budget on calm ones, and which storms it finds how soon.
// make eval runs it; docs/detection.md shows what it printed. The counts are neutral in tone: what is measured is the judgement of volume.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"brandmelder/brand"
	"brandmelder/detect"
)

const (
	step     = 5 * time.Minute
	aWeek    = 7 * 24 * 60 / 5 // steps
	warmUp   = 4               // weeks, not counted
	aStorm   = 12              // steps
	ordinary = 0.35            // deviation of the logarithm of a day's mood
)

// class is a size of topic, in mentions an hour.
type class struct {
	name string
	rate float64
}

var classes = []class{{"3 a day", 0.125}, {"2 an hour", 2}, {"20 an hour", 20}, {"200 an hour", 200}, {"1 a second", 3600}, {"10 a second", 36000}}

// shape is how people's writing spreads over the hours of a day; weekends have two thirds.
func shape(at time.Time) float64 {
	h := float64(at.Hour()) + float64(at.Minute())/60
	day := 0.12 + 1.6*math.Exp(-math.Pow((h-14)/5.2, 2)) + 0.7*math.Exp(-math.Pow((h-20)/1.8, 2))
	if wd := at.Weekday(); wd == time.Saturday || wd == time.Sunday {
		day *= 0.66
	}
	return day / 0.96
}

// calm is a topic's life without any event: seasons, moods that last for hours, chance, and in one step of a hundred a handful that speak together.
func calm(r *rand.Rand, rate float64, weeks int) []detect.Count {
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	mood := 0.0
	out := make([]detect.Count, 0, weeks*aWeek)
	for range weeks * aWeek {
		const keep = 0.985 // of the mood, from step to step: it lasts for about five hours
		mood = keep*mood + math.Sqrt(1-keep*keep)*ordinary*r.NormFloat64()
		mean := rate / 12 * shape(at) * math.Exp(mood-ordinary*ordinary/2)
		if r.IntN(100) == 0 {
			mean *= 1 + 2*r.Float64()
		}
		out = append(out, detect.Count{At: at, Value: chance(r, mean)})
		at = at.Add(step)
	}
	return out
}

// chance is a Poisson count.
func chance(r *rand.Rand, mean float64) float64 {
	if mean > 200 {
		return max(0, math.Round(mean+math.Sqrt(mean)*r.NormFloat64()))
	}
	limit, p, n := math.Exp(-mean), r.Float64(), 0.0
	for ; p > limit; n++ {
		p *= r.Float64()
	}
	return n
}

// opened are the steps at which a spike opened.
func opened(series []detect.Count, budget float64) (out []int) {
	judged, _ := detect.Counts(series, step, detect.Rules{Topics: []brand.Topic{{AlarmsPerWeek: budget}}})
	for i, j := range judged {
		if j.Opened {
			out = append(out, i)
		}
	}
	return out
}

// each runs f for 0 to n-1 on all cores.
func each(n int, f func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

func main() {
	topics := flag.Int("topics", 20, "calm topics of each size, and storms of each sort")
	weeks := flag.Int("weeks", 26, "that each calm topic is judged")
	seed := flag.Uint64("seed", 1, "of the simulation")
	flag.Parse()
	if *topics < 1 || *weeks < 1 {
		fmt.Fprintln(os.Stderr, "lab: want at least one topic and one week")
		os.Exit(2)
	}
	calmTable(*topics, *weeks, *seed)
	stormTable(*topics, *seed)
}

func calmTable(topics, weeks int, seed uint64) {
	budgets := []float64{0.1, 0.25, 1, 5}
	fmt.Printf("False alarms a week on calm topics, %d of each size for %d weeks, by budget\n\n| topic |", topics, weeks)
	for _, b := range budgets {
		fmt.Printf(" %.3g |", b)
	}
	fmt.Print("\n|---|---|---|---|---|\n")
	for k, c := range classes {
		counts := make([][]int, len(budgets))
		for b := range counts {
			counts[b] = make([]int, topics)
		}
		each(topics, func(i int) {
			series := calm(rand.New(rand.NewPCG(seed, uint64(1000*k+i))), c.rate, warmUp+weeks)
			for b, budget := range budgets {
				for _, at := range opened(series, budget) {
					if at >= warmUp*aWeek {
						counts[b][i]++
					}
				}
			}
		})
		fmt.Printf("| %s |", c.name)
		for b := range budgets {
			n := 0
			for _, v := range counts[b] {
				n += v
			}
			fmt.Printf(" %.3f |", float64(n)/float64(topics*weeks))
		}
		fmt.Println()
	}
}

// stormTable plays one hour of many voices, at any time of the week, after the warm-up.
func stormTable(topics int, seed uint64) {
	fmt.Printf("\nStorms of one hour at the default budget, %d of each sort: share found within it, and the median delay\n\n| topic | storm | found | delay |\n|---|---|---|---|\n", topics)
	for k, c := range classes {
		for _, times := range []float64{2, 4, 8} {
			delays := make([]int, topics)
			each(topics, func(i int) {
				r := rand.New(rand.NewPCG(seed, uint64(1000000+10000*k+100*i+int(times))))
				series := calm(r, c.rate, warmUp+2)
				from := warmUp*aWeek + r.IntN(aWeek)
				for s := range aStorm {
					series[from+s].Value += chance(r, max((times-1)*c.rate/12, 8.0/12))
				}
				delays[i] = -1
				for _, at := range opened(series, brand.DefaultAlarmsPerWeek) {
					if at >= from && at < from+aStorm && delays[i] < 0 {
						delays[i] = (at - from + 1) * int(step/time.Minute)
					}
				}
			})
			found := slices.DeleteFunc(delays, func(d int) bool { return d < 0 })
			slices.SortFunc(found, cmp.Compare[int])
			median := "–"
			if len(found) > 0 {
				median = fmt.Sprintf("%d min", found[len(found)/2])
			}
			fmt.Printf("| %s | %.0f × the usual, at least 8 voices | %.0f %% | %s |\n", c.name, times, 100*float64(len(found))/float64(topics), median)
		}
	}
}
