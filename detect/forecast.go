package detect

import (
	"math"

	"brandmelder/brand"
)

// course is how spikes of each age, in minutes, went on: the tenth and the ninetieth percentile of their voices at the
// end over those so far, and of their duration over their age. Attention is self-exciting with a long memory (Crane &
// Sornette 2008), so the course so far says little about the end. The numbers are those of the bursts in five
// companies' mentions on Twitter in two months of 2015. docs/detection.md says how often they held elsewhere.
var course = [...]struct{ age, totalLow, totalHigh, timeLow, timeHigh float64 }{
	{10, 1.6, 60, 1.5, 65},
	{15, 1.5, 35, 1.3, 40},
	{30, 1.12, 12, 0.6, 20},
	{60, 1.03, 7, 0.5, 12},
	{120, 1.008, 5, 0.65, 7},
	{240, 1.008, 4, 0.85, 4.5},
	{480, 1.01, 3, 0.9, 2.8},
	{960, 1.01, 2.5, 0.9, 2},
}

const (
	fading     = 0.5 // of the peak quarter of an hour: below it the spike is probably declining
	fadedTimes = 0.6 // of the growth to come, as the logarithm of the ninetieth percentile
)

// forecast is how the spike will probably go on, as known at now. It is nil for a spike that was reported late, that
// has ended, or that is too young or too old.
func (w *tracker) forecast(now int64) *brand.Forecast {
	age := float64(now - w.Since)
	if !w.Open || w.Spike.Late || age < course[0].age || age > 24*60 {
		return nil
	}
	at, part := len(course)-2, 1.0
	for i := range course[:len(course)-1] {
		if age < course[i+1].age {
			at, part = i, math.Log(age/course[i].age)/math.Log(course[i+1].age/course[i].age)
			break
		}
	}
	from, to := &course[at], &course[at+1]
	mix := func(a, b float64) float64 { return math.Exp(math.Log(a)*(1-part) + math.Log(b)*part) }
	totalHigh, timeHigh := mix(from.totalHigh, to.totalHigh), mix(from.timeHigh, to.timeHigh)
	if age >= 30 && w.Latest < fading*w.Peak {
		totalHigh, timeHigh = math.Pow(totalHigh, fadedTimes), math.Pow(timeHigh, fadedTimes)
	}
	ends := func(times float64) int64 { return max(now, w.Since+int64(age*times)) }
	return &brand.Forecast{
		TotalLow: round(w.Spike.Total * mix(from.totalLow, to.totalLow)), TotalHigh: round(w.Spike.Total * totalHigh),
		EndsLow: minuteTime(ends(mix(from.timeLow, to.timeLow))), EndsHigh: minuteTime(ends(timeHigh)),
	}
}
