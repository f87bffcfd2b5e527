package detect

import (
	"time"

	"brandmelder/brand"
)

// Count is how many mentions were heard in the step that begins at At.
type Count struct {
	At    time.Time
	Value float64
}

// Judged is what the detector made of one Count: its score, the threshold that the budget asks for, and whether a spike opened.
type Judged struct {
	Score     float64 // -log10 of the chance that nothing is going on
	Threshold float64
	Opened    bool
}

// Anomaly puts a judgement on the scale from 0 to 1 of the Numenta Anomaly Benchmark (Lavin & Ahmad 2015), where 0.5 and more is an alarm: a
// spike is told once, when it opens, however long it lasts.
func (j Judged) Anomaly() float64 {
	if j.Opened {
		return 1 - 0.5*min(1, j.Threshold/max(j.Score, j.Threshold, 1e-9))
	}
	return min(0.5*j.Score/j.Threshold, 0.499)
}

// Counts runs a series of counts, in the order of their time and step apart, through the volume detector of one topic: the same state and
// defaults as for mentions, all of neutral tone. A judgement comes at the end of each step, since nothing is known within.
func Counts(series []Count, step time.Duration, rules Rules) ([]Judged, []brand.Spike) {
	if len(series) == 0 {
		return nil, nil
	}
	if rules.Location == nil {
		rules.Location = time.UTC
	}
	d := &Detector{rules: rules}
	s := &state{topic: brand.Topic{Name: "counts", AlarmsPerWeek: brand.DefaultAlarmsPerWeek}}
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
		for now < at { // a gap, or minutes that rounding left out
			now++
			s.pass(now, d.slotOf)
		}
		b := s.Ring.at(at)
		b.Voices += float32(c.Value)
		b.Mentions = uint16(min(float64(b.Mentions)+c.Value, 65535))
		if s.Base.Hours < warmHours {
			s.Warm += c.Value
		}
		for now < at+minutes {
			now++
			s.pass(now, d.slotOf)
			if now%loudEvery == 0 {
				s.remember(now)
			}
		}
		v, _ := s.judge(now, d.slotOf)
		j := Judged{Threshold: threshold(s.topic.AlarmsPerWeek, s.Base.learning()), Score: v.score0()}
		before := len(spikes)
		for range minutes {
			spikes = s.watch(now, now, d.slotOf, spikes)
		}
		for _, sp := range spikes[before:] {
			j.Opened = j.Opened || sp.State == brand.Opened
		}
		out = append(out, j)
	}
	return out, spikes
}
