// Command lab measures the detector on simulated topics: whether it keeps the alarm budget on calm topics, which storms
// it finds and how soon, and how often its forecasts hold. It compares the detector with an oracle that knows the true
// rates, and with the rules that commercial tools publish. make eval runs it; docs/detection.md shows its output.
package main

import (
	"cmp"
	"flag"
	"fmt"
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
	anHour   = 12 // steps
	aWeek    = 7 * 24 * anHour
	warmUp   = 5           // weeks, not counted
	together = 12 * anHour // alarms closer than this count as one, as for people
	budget   = brand.DefaultAlarmsPerWeek
)

// class is a size of topic, in mentions an hour.
type class struct {
	name string
	rate float64
}

var classes = []class{{"3 a day", 0.125}, {"2 an hour", 2}, {"20 an hour", 20}, {"200 an hour", 200}, {"1 a second", 3600}, {"10 a second", 36000}}

// opened are the steps at which a spike opened.
func opened(series []detect.Count, perWeek float64, planned ...brand.Planned) (out []int) {
	judged, _ := detect.Counts(series, step, detect.Rules{Topics: []brand.Topic{{AlarmsPerWeek: perWeek}}, Planned: planned})
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

// found is the share of storms that were found, and their median delay in minutes. A delay of -1 is a missed storm.
func found(delays []int) string {
	var found []int
	for _, d := range delays {
		if d >= 0 {
			found = append(found, d)
		}
	}
	slices.SortFunc(found, cmp.Compare[int])
	if len(found) == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.0f %%, %d min", 100*float64(len(found))/float64(len(delays)), found[len(found)/2])
}

// delay is the time from from to the first alarm, in minutes, or -1 if none came within the steps.
func delay(alarms []int, from, within int) int {
	for _, at := range alarms {
		if at >= from && at < from+within {
			return (at - from + 1) * int(step/time.Minute)
		}
	}
	return -1
}

func main() {
	topics := flag.Int("topics", 20, "calm topics of each size")
	weeks := flag.Int("weeks", 26, "that each calm topic is judged")
	storms := flag.Int("storms", 100, "of each sort")
	seed := flag.Uint64("seed", 1, "of the simulation")
	only := flag.String("only", "", "calm, storms, others, outages or forecasts; all if left out")
	flag.Parse()
	if *topics < 1 || *weeks < 1 || *storms < 1 || !slices.Contains([]string{"", "calm", "storms", "others", "outages", "forecasts"}, *only) {
		fmt.Fprintln(os.Stderr, "lab: want at least one topic, week and storm; and calm, storms, others, outages, forecasts or nothing for -only")
		os.Exit(2)
	}
	for _, table := range []struct {
		name string
		show func()
	}{
		{"calm", func() { calmTable(*topics, *weeks, *seed) }},
		{"storms", func() { stormTable(*storms, *seed) }},
		{"others", func() { otherTable(*storms, *seed) }},
		{"outages", func() { outageTable(*storms, *seed) }},
		{"forecasts", func() { forecastTable(*storms, *seed) }},
	} {
		if *only == "" || *only == table.name {
			table.show()
		}
	}
}
