package detect

import "math"

// PublishedRule is the rule by which a commercial tool finds spikes, as we read its help pages. After an alarm it is
// silent for an hour.
type PublishedRule struct {
	Name  string                                 // package i18n describes the rule by it
	fires func(hour func(back int) float64) bool // hour(back) is the sum of the hour that ended back steps ago
}

const stepsAnHour = 12

// PublishedRules are the rules of some commercial tools.
var PublishedRules = []PublishedRule{
	{"twice_day_and_week", func(hour func(int) float64) bool {
		mean := 0.0
		for h := 1; h <= 12; h++ {
			mean += hour(h*stepsAnHour) / 12
		}
		x := hour(0)
		return x >= 2*mean && x >= 2*hour(24*stepsAnHour) && x >= 2*hour(7*24*stepsAnHour)
	}},
	{"three_times_average", func(hour func(int) float64) bool {
		mean := 0.0
		for h := 1; h <= 7*24; h++ {
			mean += hour(h*stepsAnHour) / (7 * 24)
		}
		return hour(0) >= 3*mean
	}},
	{"three_deviations", func(hour func(int) float64) bool {
		mean, square := 0.0, 0.0
		for h := 1; h <= 24; h++ {
			x := hour(h * stepsAnHour)
			mean += x / 24
			square += x * x / 24
		}
		return hour(0) > mean+3*math.Sqrt(max(square-mean*mean, 0))
	}},
	{"twice_hour_before", func(hour func(int) float64) bool { return hour(0) >= 2*hour(stepsAnHour) }},
}

// Alarms are the steps at which the rule would have called, from the second week on. counts are of five minutes each.
func (r *PublishedRule) Alarms(counts []float64) (out []int) {
	const least = 5 // mentions in the hour
	sums := make([]float64, len(counts)+1)
	for i, x := range counts {
		sums[i+1] = sums[i] + x
	}
	last := math.MinInt / 2
	for i := 7*24*stepsAnHour + stepsAnHour; i <= len(counts); i++ {
		hour := func(back int) float64 { return sums[max(i-back, 0)] - sums[max(i-back-stepsAnHour, 0)] }
		if i-last >= stepsAnHour && hour(0) >= least && r.fires(hour) {
			out, last = append(out, i-1), i
		}
	}
	return out
}
