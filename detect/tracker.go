package detect

import (
	"math"
	"strconv"
	"time"

	"brandmelder/brand"
)

// tracker follows one spike of a topic from its opening to its end. A spike opens when two minutes in a row exceed the
// threshold. It ends when nothing was unusual for 45 minutes.
type tracker struct {
	Open     bool
	Streak   int   // minutes in a row beyond the threshold
	Quiet    int   // minutes in a row without anything unusual
	Reported int64 // minute of the last report
	Spike    brand.Spike
	Since    int64   // minute of its beginning
	Opened   int64   // minute in which it was first reported
	Until    int64   // minute of its end
	Resumed  bool    // it ended and goes on; another spike opens if the score exceeds EndScore by far
	EndScore float64 // its score at its end
	Peak     float64 // voices of its quarter of an hour with the most
	Latest   float64 // voices of the last quarter of an hour
}

// idle reports that nothing is unusual.
func (w *tracker) idle() bool { return !w.Open && w.Streak == 0 }

// covers reports whether the first day of the spike overlaps the minutes [from, to). What lasts longer is the topic's
// new normal.
func (w *tracker) covers(from, to int64) bool {
	const normal = 24 * 60
	return w.Since != 0 && to > w.Since && from < w.Since+normal && (w.Open || from < w.Until)
}

const (
	holdMinutes   = 2
	quietMinutes  = 45
	resumeMinutes = 12 * 60 // after a spike was first reported, in which it may resume
	muchRarer     = 0.5     // of score: rarer by that much it is another spike
	reportMinutes = 30      // between two reports of a lasting spike
	lateReport    = 30      // minutes from exceeding the threshold to a late report
)

// judgeMinute judges the minute at with what is known at now, and appends the spikes to report.
func (s *state) judgeMinute(at, now int64, slotOf func(int64) int, out []brand.Spike) []brand.Spike {
	j := s.judge(at, slotOf)
	if at == now {
		for i := range s.Extremes {
			s.Extremes[i].observe(j.heights[i])
		}
	}
	return s.track(&j, at, now, slotOf, out)
}

// track passes the judgement of the minute at to the trackers.
func (s *state) track(j *judgement, at, now int64, slotOf func(int64) int, out []brand.Spike) []brand.Spike {
	limit := threshold(s.topic.AlarmsPerWeek)
	if at == now && j.trouble.signal != nil {
		s.recordNearMiss(at, j.trouble.signal, limit)
	}
	out = s.follow(&s.Trouble, j.trouble, limit, at, now, slotOf, out)
	out = s.follow(&s.Praise, j.praise, limit, at, now, slotOf, out)
	return s.trackOthers(j, at, now, slotOf, out)
}

// trackOthers passes the judgement to the trackers of the other budgets.
func (s *state) trackOthers(j *judgement, at, now int64, slotOf func(int64) int, out []brand.Spike) []brand.Spike {
	for i := range s.others {
		before := len(out)
		out = s.follow(&s.others[i], j.trouble, threshold(s.otherBudgets[i]), at, now, slotOf, out)
		for k := before; k < len(out); k++ {
			out[k].Budget = s.otherBudgets[i]
		}
	}
	return out
}

// nearMiss is a signal that stayed below the threshold.
type nearMiss struct {
	Minute                    int64
	Observed, Expected, Score float32
	Window                    uint16 // minutes
}

// recordNearMiss keeps a signal that would come at most ten times as often as the budget allows. Of six hours it keeps
// the closest one.
func (s *state) recordNearMiss(at int64, sig *signal, limit float64) {
	last := &s.NearMisses[0]
	if sig.score >= limit || s.Trouble.Open {
		if last.Minute != 0 && at-last.Minute < 60 {
			copy(s.NearMisses[:], s.NearMisses[1:]) // it became a spike after all
			s.NearMisses[len(s.NearMisses)-1] = nearMiss{}
		}
		return
	}
	if sig.score < limit-1 {
		return
	}
	if at-last.Minute >= blockMinutes {
		copy(s.NearMisses[1:], s.NearMisses[:])
		*last = nearMiss{}
	} else if float64(last.Score) >= sig.score {
		return
	}
	*last = nearMiss{at, sig.observed.Voices, float32(sig.expected), float32(sig.score), uint16(sig.minutes)}
}

// notRaisedLately is the near misses, newest first.
func (s *state) notRaisedLately() []brand.Nearly {
	out := []brand.Nearly{}
	for _, n := range s.NearMisses {
		if n.Minute != 0 {
			out = append(out, brand.Nearly{
				At: minuteTime(n.Minute), Window: (time.Duration(n.Window) * time.Minute).String(), Observed: round(float64(n.Observed)),
				Expected: round(float64(n.Expected)), Score: round(float64(n.Score)), Threshold: threshold(s.topic.AlarmsPerWeek),
			})
		}
	}
	return out
}

// follow passes a finding to one tracker. Only the spikes of the topic's own two trackers change what it learns.
func (s *state) follow(w *tracker, v finding, limit float64, at, now int64, slotOf func(int64) int, out []brand.Spike) []brand.Spike {
	sig, own := v.signal, w == &s.Trouble || w == &s.Praise
	if !w.Open {
		if sig == nil || sig.score < limit || at-sig.minutes < w.Until {
			w.Streak = 0
			return out
		}
		if resumed := w.Since != 0 && at-w.Opened < resumeMinutes && sig.score <= w.Spike.Score+muchRarer; resumed {
			// Not much rarer than hours ago: the same spike goes on. People know it.
			w.Open, w.Streak, w.Quiet, w.Resumed, w.EndScore = true, 0, 0, true, w.Spike.Score
			if own {
				clear(s.hours[:])
			}
			w.Spike.State, w.Spike.Ended = brand.Lasting, time.Time{}
			s.measure(w, sig, limit, at, slotOf)
			return append(out, s.report(w, now, slotOf))
		}
		if w.Streak++; w.Streak < holdMinutes {
			return out
		}
		return s.open(w, sig, limit, at, now, slotOf, out)
	}
	if w.Resumed && sig != nil && sig.score > w.EndScore+muchRarer && at-sig.minutes >= w.Until {
		if w.Streak++; w.Streak >= holdMinutes {
			// It began as if the old spike went on, but it is another one.
			w.Spike.State, w.Spike.Ended = brand.Ended, minuteTime(max(w.Until, w.Since+1))
			out = append(out, s.report(w, now, slotOf))
			return s.open(w, sig, limit, at, now, slotOf, out)
		}
	} else {
		w.Streak = 0
	}
	before := w.Spike.Level
	hold := min(standsOut, limit-1)
	if v.signal != nil && v.recent >= hold {
		w.Quiet = 0
	} else {
		w.Quiet++
	}
	if sig != nil && sig.score >= hold {
		s.measure(w, sig, limit, at, slotOf)
	}
	s.progress(w, at)
	switch {
	case w.Quiet >= quietMinutes:
		w.Spike.State, w.Spike.Ended = brand.Ended, minuteTime(max(at-quietMinutes, w.Since+1))
		w.Open, w.Streak, w.Until = false, 0, at-quietMinutes
		if own {
			clear(s.hours[:])
			s.JudgedFrom = at
		}
	case w.Spike.Level > before:
		w.Spike.State = brand.Growing
	case now-w.Reported >= reportMinutes:
		w.Spike.State = brand.Lasting
	default:
		return out
	}
	return append(out, s.report(w, now, slotOf))
}

// open begins a new spike in the tracker.
func (s *state) open(w *tracker, sig *signal, limit float64, at, now int64, slotOf func(int64) int, out []brand.Spike) []brand.Spike {
	if w == &s.Trouble || w == &s.Praise {
		clear(s.hours[:])
	}
	*w = tracker{Open: true, Since: s.began(at, sig, slotOf), Opened: at}
	w.Spike = brand.Spike{
		Topic: s.topic.Name, Kind: sig.kind, State: brand.Opened, Detected: minuteTime(now), Began: minuteTime(w.Since),
		Learning: s.Base.learning(), Late: now-at > lateReport,
	}
	w.Spike.ID = brand.Hash(s.topic.Name, string(sig.kind), strconv.FormatInt(w.Since, 10))
	s.measure(w, sig, limit, at, slotOf)
	s.progress(w, at)
	return append(out, s.report(w, now, slotOf))
}

// measure updates the spike's numbers. They are those of its highest score. The level never falls.
func (s *state) measure(w *tracker, sig *signal, limit float64, at int64, slotOf func(int64) int) {
	sp := &w.Spike
	p0 := s.Base.negativeShare()
	hour := s.Ring.sum(max(at-60, w.Since), at)
	span := float64(at - max(at-60, w.Since))
	usual, _ := s.expect(at-60, at, hourWindow, float64(hour.Voices), slotOf)
	excess := float64(hour.Negative) - usual*p0*span/60
	sp.PeakPerHour = round(max(sp.PeakPerHour, excess))
	all := s.Ring.sum(w.Since, at)
	kind := float64(hour.Positive) >= s.Base.positiveShare()*float64(hour.Voices)
	l := brand.LightAir
	if sp.Kind != brand.Praise {
		l = severity(sp.PeakPerHour, usual, networks(all), int(all.Articles), float64(hour.Voices), kind)
	}
	sp.Level = max(sp.Level, l)
	if sig.score < sp.Score && sp.Score > 0 {
		return
	}
	if sp.Kind == brand.Tone && sig.kind == brand.Volume {
		sp.Kind = brand.Volume
	}
	x := float64(sig.observed.Voices)
	sp.Window = (time.Duration(sig.minutes) * time.Minute).String()
	sp.Observed, sp.Expected = round(x), round(sig.expected)
	sp.Low, sp.High = round(quantile(0.05, sig.expected, sig.alpha)), round(quantile(0.95, sig.expected, sig.alpha))
	sp.NegativeShare, sp.ExpectedNegative = round(float64(sig.observed.Negative)/x), round(p0)
	sp.Score, sp.Threshold = round(sig.score), round(limit)
	sp.Confidence = round(1 - math.Pow(10, -(sig.score-limit))/2)
}

// progress updates the voices so far, in the last quarter of an hour and at the peak.
func (s *state) progress(w *tracker, at int64) {
	w.Spike.Total = round(float64(s.Ring.sum(w.Since, at).Voices))
	w.Latest = float64(s.Ring.sum(at-15, at).Voices)
	w.Peak = max(w.Peak, w.Latest)
}

// report returns the spike as it is now, with its forecast, its planned event and its curve.
func (s *state) report(w *tracker, now int64, slotOf func(int64) int) brand.Spike {
	w.Reported = now
	w.Spike.Updated = minuteTime(now)
	sp := w.Spike
	sp.Forecast = w.forecast(now)
	if p := s.planned(w.Since, now); p != nil {
		sp.Planned = p.Why
	}
	if w == &s.Trouble || w == &s.Praise {
		sp.Series = s.curve(now, slotOf)
	}
	return sp
}

func minuteTime(m int64) time.Time { return time.Unix(m*60, 0).UTC() }

// round rounds to three digits behind the point, so that results are the same on every machine.
func round(x float64) float64 { return math.Round(x*1000) / 1000 }
