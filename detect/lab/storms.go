package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"brandmelder/brand"
	"brandmelder/detect"
	"brandmelder/i18n"
)

// storm is how many voices come in a step after its beginning, as shares of the rate.
type storm struct {
	name string
	more func(step int) float64
	long int // steps in which it should be found
}

var storms = []storm{
	{"4 × the usual for an hour", func(int) float64 { return 3 }, anHour},
	{"8 × the usual for an hour", func(int) float64 { return 7 }, anHour},
	{"a burst of 12 × that fades within hours", func(s int) float64 { return 11 * math.Exp(-float64(s)/9) }, anHour},
	{"rising over three hours to 6 ×", func(s int) float64 { return 5 * min(1, float64(s)/36) }, 4 * anHour},
	{"smouldering at 2.5 × for a day", func(int) float64 { return 1.5 }, 24 * anHour},
}

// oracle is a CUSUM (Page 1954) on the log likelihood ratio of the storm's own shape, or of the tone's two shares. It
// knows the simulation's true rates, which no detector can. Its limit is set to the budget on calm topics.
type oracle struct {
	ratio        float64 // the storm's rate over the calm one; 0: only the tone is used
	calm, stormy float64 // shares counted as negative
	limit        float64
}

// run is the statistic after each step.
func (o *oracle) run(series []detect.Count, rates []float64, from, to int, f func(i int, sum float64)) {
	sum := 0.0
	for i := from; i < to; i++ {
		if o.ratio > 0 {
			sum = max(0, sum+series[i].Value*math.Log(o.ratio)-(o.ratio-1)*rates[i])
		} else {
			bad := series[i].Negative
			sum = max(0, sum+bad*math.Log(o.stormy/o.calm)+(series[i].Value-bad)*math.Log((1-o.stormy)/(1-o.calm)))
		}
		f(i, sum)
	}
}

// tune sets the limit so that calm topics use up the budget.
func (o *oracle) tune(rate float64, seed uint64) {
	const topics, weeks = 20, 26
	peaks := make([][]float64, topics)
	each(topics, func(i int) {
		series, rates := calm(rand.New(rand.NewPCG(seed, uint64(7000000+i))), rate, weeks*aWeek)
		peaks[i] = blockPeaks(o, series, rates)
	})
	var all []float64
	for _, p := range peaks {
		all = append(all, p...)
	}
	slices.Sort(all)
	o.limit = all[len(all)-1-int(budget*topics*weeks)]
}

// blockPeaks are the maxima of the statistic in stretches in which alarms count as one.
func blockPeaks(o *oracle, series []detect.Count, rates []float64) (out []float64) {
	most := 0.0
	o.run(series, rates, 0, len(series), func(i int, sum float64) {
		most = max(most, sum)
		if (i+1)%together == 0 {
			out = append(out, most)
			most = 0
		}
	})
	return out
}

func (o *oracle) delay(series []detect.Count, rates []float64, from, within int) int {
	at := -1
	o.run(series, rates, from-anHour, from+within, func(i int, sum float64) {
		if at < 0 && i >= from && sum > o.limit {
			at = i
		}
	})
	if at < 0 {
		return -1
	}
	return (at - from + 1) * int(step/time.Minute)
}

// The share of negative texts among a storm's own voices: the usual one, and that of one real storm, an outage (the
// tone model counted between half and two thirds).
var meantBadly = []float64{0.2, 0.6}

// stormTable simulates storms at any time of the week, after the warm-up, and compares the detector with the oracle and
// the published rules. The rules do not use the tone.
func stormTable(n int, seed uint64) {
	fmt.Printf("\nStorms at the default budget, %d of each sort: share found while it lasts, and the median delay\n\n| topic | storm | a fifth negative | three fifths | oracle |", n)
	for _, r := range detect.PublishedRules {
		fmt.Printf(" %s |", i18n.In("en").Rule(r.Name))
	}
	fmt.Print("\n|---|---|---|---|---|---|---|---|---|\n")
	for k, c := range classes {
		for s, st := range storms {
			if c.rate < 1 && s > 0 && st.long == anHour {
				continue // as the first
			}
			o := &oracle{ratio: 1 + max(st.more(anHour/2), 1)}
			o.tune(c.rate, seed)
			delays := make([][]int, len(meantBadly)+1+len(detect.PublishedRules))
			for i := range delays {
				delays[i] = make([]int, n)
			}
			each(n, func(i int) {
				r := rand.New(rand.NewPCG(seed, uint64(1000000+100000*k+10000*s+i)))
				from := warmUp*aWeek + r.IntN(aWeek)
				series, rates := calm(r, c.rate, from+st.long+1)
				// the smallest topics' storms are eight voices in an hour, whatever the usual
				eight := map[int]float64{}
				if c.rate < 1 && st.long == anHour {
					for range 8 {
						eight[r.IntN(anHour)]++
					}
				}
				more := make([]float64, st.long)
				for j := range more {
					more[j] = chance(r, st.more(j)*c.rate/anHour)
					if len(eight) > 0 {
						more[j] = eight[j]
					}
					series[from+j].Value += more[j]
				}
				for v, bad := range meantBadly {
					counted := slices.Clone(series)
					for j, x := range more {
						counted[from+j].Negative += countedNegative(r, x, bad)
					}
					delays[v][i] = delay(opened(counted, budget), from, st.long)
				}
				after := delays[len(meantBadly):]
				after[0][i] = o.delay(series, rates, from, st.long)
				values := make([]float64, len(series))
				for j := range series {
					values[j] = series[j].Value
				}
				for j := range detect.PublishedRules {
					after[1+j][i] = delay(detect.PublishedRules[j].Alarms(values), from, st.long)
				}
			})
			name := st.name
			if c.rate < 1 && st.long == anHour {
				name = "eight voices in an hour"
			}
			fmt.Printf("| %s | %s |", c.name, name)
			for _, d := range delays {
				fmt.Printf(" %s |", found(d))
			}
			fmt.Println()
		}
	}
}

// otherTable simulates events that show in the tone only, and planned peaks, which should not open a spike.
func otherTable(n int, seed uint64) {
	fmt.Printf("\nOther events at the default budget, %d of each sort\n\n| topic | event | brandmelder | oracle |\n|---|---|---|---|\n", n)
	for k, c := range classes[2:] {
		rate := max(c.rate, 30)
		tone, planned, best := make([]int, n), make([]int, n), make([]int, n)
		o := &oracle{}
		o.calm, _ = countsOf(0.2)
		o.stormy, _ = countsOf(0.5)
		o.tune(rate, seed)
		each(n, func(i int) {
			r := rand.New(rand.NewPCG(seed, uint64(5000000+10000*k+i)))
			from := warmUp*aWeek + r.IntN(aWeek)
			for shape(begins.Add(time.Duration(from)*step)) < 1 { // at the rate named or more
				from++
			}
			const twoHours = 2 * anHour
			series, rates := calm(r, rate, from+twoHours+1)
			for j := range twoHours {
				series[from+j].Negative = countedNegative(r, series[from+j].Value, 0.5)
			}
			best[i] = o.delay(series, rates, from, twoHours)
			tone[i] = delay(opened(series, budget), from, twoHours)

			series, _ = calm(r, rate, from+6*anHour+1)
			for j := range 3 * anHour {
				x := chance(r, 7*rate/anHour)
				series[from+j].Value += x
				series[from+j].Negative += countedNegative(r, x, 0.2)
			}
			at := begins.Add(time.Duration(from) * step)
			planned[i] = delay(opened(series, budget, brand.Planned{From: at, To: at.Add(3 * time.Hour)}), from, 6*anHour)
		})
		fmt.Printf("| %g an hour | the negative share rises from 20 to 50 %% at the usual volume, within two hours | %s | %s |\n", rate, found(tone), found(best))
		fmt.Printf("| %g an hour | a planned peak of 8 × for three hours: should not open a spike | %s | |\n", rate, found(planned))
	}
}

// forecastTable simulates storms of many lengths and prints how often the bands of 80 % held.
func forecastTable(n int, seed uint64) {
	ages := []struct {
		name     string
		from, to time.Duration
	}{{"10 to 30 minutes", 10 * time.Minute, 30 * time.Minute}, {"30 to 60 minutes", 30 * time.Minute, time.Hour}, {"1 to 3 hours", time.Hour, 3 * time.Hour}, {"3 to 12 hours", 3 * time.Hour, 12 * time.Hour}}
	sums := make([]detect.ForecastCheck, len(ages))
	results := make([][]detect.ForecastCheck, 4*n)
	each(4*n, func(i int) {
		r := rand.New(rand.NewPCG(seed, uint64(9000000+i)))
		rate := 10 * math.Pow(100, r.Float64())
		from := warmUp*aWeek + r.IntN(aWeek)
		series, _ := calm(r, rate, from+3*24*anHour)
		// Bursts rise within half an hour and fade as a power of time (Crane & Sornette 2008), some with a second wave.
		size, decay := 3*math.Exp(1.2*math.Abs(r.NormFloat64())), 0.8+0.8*r.Float64()
		half := math.Exp(3 + 0.8*r.NormFloat64()) // steps
		again := math.MaxInt
		if r.IntN(3) == 0 {
			again = int(half * (1 + 4*r.Float64()))
		}
		for j := range series[from:] {
			more := size * min(1, float64(j+1)/6) * math.Pow(1+float64(j)/half, -2*decay)
			if j >= again {
				more += 0.7 * size * math.Pow(1+float64(j-again)/half, -2*decay)
			}
			series[from+j].Value += chance(r, more*rate/anHour)
		}
		_, spikes := detect.Counts(series, step, detect.Rules{})
		spikes = slices.DeleteFunc(spikes, func(sp brand.Spike) bool { return sp.Began.Before(begins.Add(time.Duration(from-anHour) * step)) })
		for _, age := range ages {
			results[i] = append(results[i], detect.CheckForecasts(spikes, age.from, age.to))
		}
	})
	for _, rs := range results {
		for a, r := range rs {
			sum := &sums[a]
			*sum = detect.ForecastCheck{Forecasts: sum.Forecasts + r.Forecasts, Voices: sum.Voices + r.Voices, More: sum.More + r.More, Ends: sum.Ends + r.Ends, Later: sum.Later + r.Later}
		}
	}
	fmt.Print("\nForecasts of simulated storms: how often the band of 80 % held\n\n| age at the report | forecasts | voices at the end (more than the band) | the end (later than the band) |\n|---|---|---|---|\n")
	for a, o := range sums {
		share := func(k int) float64 { return 100 * float64(k) / max(float64(o.Forecasts), 1) }
		fmt.Printf("| %s | %d | %.0f %% (%.0f %%) | %.0f %% (%.0f %%) |\n", ages[a].name, o.Forecasts, share(o.Voices), share(o.More), share(o.Ends), share(o.Later))
	}
}
