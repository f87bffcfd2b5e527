package detect

import (
	"math"
	"time"

	"brandmelder/brand"
)

// Count is how many mentions were published in the step that begins at At, and how many of them are negative.
type Count struct {
	At              time.Time
	Value, Negative float64
}

// Judged is the judgement of one Count: its score, the threshold of the budget, and whether a spike opened.
type Judged struct {
	// -log10 of how many times a week such a count occurs by the series' own extremes; at least -4
	Score     float64
	Threshold float64
	Opened    bool
}

// Anomaly maps the judgement to the scale from 0 to 1 of the Numenta Anomaly Benchmark (Lavin & Ahmad 2015), where 0.5
// and more is an alarm. A spike is an alarm only when it opens.
func (j Judged) Anomaly() float64 {
	if j.Opened {
		return 1 - min(math.Pow(10, j.Threshold-j.Score), 1)/2
	}
	return 0.499 * min(math.Pow(10, j.Score-j.Threshold), 1)
}

// Counts runs a series of counts, ordered by time and step apart, through the volume detector of one topic, with the
// state and defaults that mentions use. It judges at the end of each step.
func Counts(series []Count, step time.Duration, rules Rules) ([]Judged, []brand.Spike) {
	if len(series) == 0 {
		return nil, nil
	}
	if rules.Location == nil {
		rules.Location = time.UTC
	}
	d := &Detector{rules: rules}
	s := &state{topic: brand.Topic{Name: "counts", AlarmsPerWeek: brand.DefaultAlarmsPerWeek}}
	s.plans = rules.Planned
	if len(rules.Topics) > 0 && rules.Topics[0].AlarmsPerWeek > 0 {
		s.topic.AlarmsPerWeek = rules.Topics[0].AlarmsPerWeek
	}
	minutes := max(int64(step/time.Minute), 1)
	now := series[0].At.Unix() / 60
	s.begin(now)
	out := make([]Judged, 0, len(series))
	var spikes []brand.Spike
	for _, c := range series {
		at := c.At.Unix() / 60
		for now < at { // a gap, or minutes lost by rounding
			now++
			s.advance(now, d.slotOf)
		}
		if s.Base.Hours < warmHours {
			s.WarmUp += c.Value
		}
		for now < at+minutes {
			s.Ring.at(now).Voices += float32(c.Value / float64(minutes))
			s.Ring.at(now).Negative += float32(c.Negative / float64(minutes))
			now++
			s.advance(now, d.slotOf)
		}
		found := s.judge(now, d.slotOf)
		for i := range s.Extremes {
			s.Extremes[i].observe(found.heights[i])
		}
		j := Judged{Threshold: threshold(s.topic.AlarmsPerWeek), Score: found.trouble.score0()}
		before := len(spikes)
		for range minutes {
			spikes = s.track(&found, now, now, d.slotOf, spikes)
		}
		for _, sp := range spikes[before:] {
			j.Opened = j.Opened || sp.State == brand.Opened
		}
		out = append(out, j)
	}
	return out, spikes
}
