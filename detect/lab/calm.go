package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"brandmelder/detect"
	"brandmelder/i18n"
)

// moody is the standard deviation of the logarithm of a topic's activity. keep is the share of the deviation that
// remains after a step; it lasts for about five hours.
const moody, keep = 0.35, 0.985

// shape is how posts spread over the hours of a day; days of the weekend have two thirds.
func shape(at time.Time) float64 {
	h := float64(at.Hour()) + float64(at.Minute())/60
	day := 0.12 + 1.6*math.Exp(-math.Pow((h-14)/5.2, 2)) + 0.7*math.Exp(-math.Pow((h-20)/1.8, 2))
	if wd := at.Weekday(); wd == time.Saturday || wd == time.Sunday {
		day *= 0.66
	}
	return day / 0.96
}

var begins = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// calm is a topic without any event: seasons, activity that deviates for hours, chance, and in one step of a hundred a
// few simultaneous voices. A fifth of the voices are negative, counted with the errors of the tone model. rates are the
// true rates.
func calm(r *rand.Rand, rate float64, steps int) (out []detect.Count, rates []float64) {
	mood := moody * r.NormFloat64()
	for i := range steps {
		at := begins.Add(time.Duration(i) * step)
		mood = keep*mood + math.Sqrt(1-keep*keep)*moody*r.NormFloat64()
		mean := rate / anHour * shape(at) * math.Exp(mood-moody*moody/2)
		rates = append(rates, mean)
		if r.IntN(100) == 0 {
			mean *= 1 + 2*r.Float64()
		}
		x := chance(r, mean)
		out = append(out, detect.Count{At: at, Value: x, Negative: countedNegative(r, x, 0.2)})
	}
	return out, rates
}

// How much of a text the tone model counts as negative, by tenths, of negative texts and of others: the mean of English
// and German development tweets (`brandmelder sentiment eval`). Trainings differ by up to 0.04.
var (
	countsBad   = [10]float64{0.04, 0.18, 0.33, 0.5, 0.69, 0.84, 0.94, 0.97, 0.99, 1}
	countsOther = [10]float64{0, 0, 0, 0.01, 0.02, 0.04, 0.08, 0.16, 0.38, 0.77}
)

// countsOf is the mean of how much of a voice counts as negative, if that share of voices is, and the mean of its
// square.
func countsOf(share float64) (mean, square float64) {
	for i := range countsBad {
		bad, other := countsBad[i], countsOther[i]
		mean += (share*bad + (1-share)*other) / 10
		square += (share*bad*bad + (1-share)*other*other) / 10
	}
	return mean, square
}

// countedNegative is how much of n voices the tone model counts as negative, if that share of them is.
func countedNegative(r *rand.Rand, n, share float64) (sum float64) {
	if n > 200 {
		mean, square := countsOf(share)
		return min(max(0, n*mean+math.Sqrt(n*(square-mean*mean))*r.NormFloat64()), n)
	}
	for range int(n) {
		of := &countsOther
		if r.Float64() < share {
			of = &countsBad
		}
		sum += of[r.IntN(len(of))]
	}
	return sum
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

func calmTable(topics, weeks int, seed uint64) {
	budgets := []float64{0.1, 0.25, 1, 5}
	fmt.Printf("False alarms a week on calm topics by budget, and of the published rules: %d topics of each size for %d weeks, %.0f topic-years together\n\n| topic |", topics, weeks, float64(len(classes)*topics*weeks)/52)
	for _, b := range budgets {
		fmt.Printf(" %g |", b)
	}
	for _, r := range detect.PublishedRules {
		fmt.Printf(" %s |", i18n.In("en").Rule(r.Name))
	}
	fmt.Print("\n|---|---|---|---|---|---|---|---|---|\n")
	for k, c := range classes {
		counts := make([][]int, topics)
		each(topics, func(i int) {
			series, _ := calm(rand.New(rand.NewPCG(seed, uint64(1000*k+i))), c.rate, (warmUp+weeks)*aWeek)
			counts[i] = make([]int, len(budgets)+len(detect.PublishedRules))
			for b, perWeek := range budgets {
				for _, at := range opened(series, perWeek) {
					if at >= warmUp*aWeek {
						counts[i][b]++
					}
				}
			}
			values := make([]float64, len(series))
			for j := range series {
				values[j] = series[j].Value
			}
			for j := range detect.PublishedRules {
				for _, at := range detect.PublishedRules[j].Alarms(values) {
					if at >= warmUp*aWeek {
						counts[i][len(budgets)+j]++
					}
				}
			}
		})
		fmt.Printf("| %s |", c.name)
		for b := range counts[0] {
			n := 0
			for i := range counts {
				n += counts[i][b]
			}
			fmt.Printf(" %.3f |", float64(n)/float64(topics*weeks))
		}
		fmt.Println()
	}
}
