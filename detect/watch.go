package detect

import (
	"math"
	"strconv"
	"time"

	"brandmelder/brand"
)

// watch follows one spike of a topic from its opening to its end. A spike is held: it opens when two minutes in a row are
// beyond the threshold, and ends when nothing has stood out for three quarters of an hour.
type watch struct {
	Open   bool
	Streak int
	Quiet  int
	Told   int64 // minute of the last telling
	Spike  brand.Spike
	Since  int64   // minute of its beginning
	Opened int64   // minute in which it was first told
	Until  int64   // minute of its end
	Again  bool    // it is over, and something of its size stands out: the same going on, unless it grows beyond Known
	Known  float64 // its score at its end
	Top    float64 // voices of its loudest quarter of an hour
	Now    float64 // and of the last
}

// idle says that nothing stands out.
func (w *watch) idle() bool { return !w.Open && w.Streak == 0 }

// covers says whether the first day of the spike lasts in some of the minutes [from, to). What lasts longer is how the topic is now.
func (w *watch) covers(from, to int64) bool {
	const normal = 24 * 60
	return w.Since != 0 && to > w.Since && from < w.Since+normal && (w.Open || from < w.Until)
}

const (
	holdMinutes  = 2
	quietMinutes = 45
	againMinutes = 12 * 60 // after a spike was first told, in which it may go on
	louder       = 0.5     // rarer by that much it is another
	tellMinutes  = 30      // a lasting spike is told again so often
	lateTelling  = 30      // minutes between beyond doubt and told, from which on a spike is called late
)

// watch judges the minute at, as known at now, and appends what is to be told.
func (s *state) watch(at, now int64, slotOf func(int64) int, out []brand.Spike) []brand.Spike {
	j := s.judge(at, slotOf)
	if at == now {
		for i := range s.Past {
			s.Past[i].see(j.heights[i])
		}
	}
	return s.heed(&j, at, now, slotOf, out)
}

// heed follows what was judged of the minute at.
func (s *state) heed(j *judgement, at, now int64, slotOf func(int64) int, out []brand.Spike) []brand.Spike {
	limit := threshold(s.topic.AlarmsPerWeek)
	if at == now && j.trouble.signal != nil {
		s.notRaised(at, j.trouble.signal, limit)
	}
	out = s.follow(&s.Trouble, j.trouble, limit, at, now, slotOf, out)
	out = s.follow(&s.Praise, j.praise, limit, at, now, slotOf, out)
	return s.heedAlso(j, at, now, slotOf, out)
}

// heedAlso says what would be raised at other budgets.
func (s *state) heedAlso(j *judgement, at, now int64, slotOf func(int64) int, out []brand.Spike) []brand.Spike {
	for i := range s.also {
		before := len(out)
		out = s.follow(&s.also[i], j.trouble, threshold(s.alsoAt[i]), at, now, slotOf, out)
		for k := before; k < len(out); k++ {
			out[k].Budget = s.alsoAt[i]
		}
	}
	return out
}

// nearly is what was judged and not raised.
type nearly struct {
	Minute                    int64
	Observed, Expected, Score float32
	Window                    uint16 // minutes
}

// notRaised remembers what came close to a call: what comes less than ten times as often as the budget allows. Of six hours the closest is kept.
func (s *state) notRaised(at int64, sig *signal, limit float64) {
	last := &s.Nearly[0]
	if sig.score >= limit || s.Trouble.Open {
		if last.Minute != 0 && at-last.Minute < 60 {
			copy(s.Nearly[:], s.Nearly[1:]) // it was raised after all
			s.Nearly[len(s.Nearly)-1] = nearly{}
		}
		return
	}
	if sig.score < limit-1 {
		return
	}
	if at-last.Minute >= blockMinutes {
		copy(s.Nearly[1:], s.Nearly[:])
		*last = nearly{}
	} else if float64(last.Score) >= sig.score {
		return
	}
	*last = nearly{at, sig.observed.Voices, float32(sig.expected), float32(sig.score), uint16(sig.minutes)}
}

// notRaisedLately is what was judged and not raised, newest first.
func (s *state) notRaisedLately() []brand.Nearly {
	out := []brand.Nearly{}
	for _, n := range s.Nearly {
		if n.Minute != 0 {
			out = append(out, brand.Nearly{
				At: minuteTime(n.Minute), Window: (time.Duration(n.Window) * time.Minute).String(), Observed: round(float64(n.Observed)),
				Expected: round(float64(n.Expected)), Score: round(float64(n.Score)), Threshold: threshold(s.topic.AlarmsPerWeek),
			})
		}
	}
	return out
}

// follow lets one watch hear what stands out. Only the topic's own two decide what it learns from.
func (s *state) follow(w *watch, v verdict, limit float64, at, now int64, slotOf func(int64) int, out []brand.Spike) []brand.Spike {
	sig, own := v.signal, w == &s.Trouble || w == &s.Praise
	if !w.Open {
		if sig == nil || sig.score < limit || at-sig.minutes < w.Until {
			w.Streak = 0
			return out
		}
		if again := w.Since != 0 && at-w.Opened < againMinutes && sig.score <= w.Spike.Score+louder; again {
			// No louder than hours ago: the same storm goes on. People know of it.
			w.Open, w.Streak, w.Quiet, w.Again, w.Known = true, 0, 0, true, w.Spike.Score
			if own {
				clear(s.hours[:])
			}
			w.Spike.State, w.Spike.Ended = brand.Lasting, time.Time{}
			s.measure(w, sig, limit, at, slotOf)
			return append(out, s.tell(w, now, slotOf))
		}
		if w.Streak++; w.Streak < holdMinutes {
			return out
		}
		return s.open(w, sig, limit, at, now, slotOf, out)
	}
	if w.Again && sig != nil && sig.score > w.Known+louder && at-sig.minutes >= w.Until {
		if w.Streak++; w.Streak >= holdMinutes {
			// It began as if the old storm went on, but it is another.
			w.Spike.State, w.Spike.Ended = brand.Ended, minuteTime(max(w.Until, w.Since+1))
			out = append(out, s.tell(w, now, slotOf))
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
			s.Deaf = at
		}
	case w.Spike.Level > before:
		w.Spike.State = brand.Growing
	case now-w.Told >= tellMinutes:
		w.Spike.State = brand.Lasting
	default:
		return out
	}
	return append(out, s.tell(w, now, slotOf))
}

// open begins a new spike, from now on the watch's.
func (s *state) open(w *watch, sig *signal, limit float64, at, now int64, slotOf func(int64) int, out []brand.Spike) []brand.Spike {
	if w == &s.Trouble || w == &s.Praise {
		clear(s.hours[:])
	}
	*w = watch{Open: true, Since: s.began(at, sig, slotOf), Opened: at}
	w.Spike = brand.Spike{
		Topic: s.topic.Name, Kind: sig.kind, State: brand.Opened, Detected: minuteTime(now), Began: minuteTime(w.Since),
		Learning: s.Base.learning(), Late: now-at > lateTelling,
	}
	w.Spike.ID = brand.Hash(s.topic.Name, string(sig.kind), strconv.FormatInt(w.Since, 10))
	s.measure(w, sig, limit, at, slotOf)
	s.progress(w, at)
	return append(out, s.tell(w, now, slotOf))
}

// measure brings the spike's numbers up to date. The loudest moment stays in them; the level never falls.
func (s *state) measure(w *watch, sig *signal, limit float64, at int64, slotOf func(int64) int) {
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
		l = beaufort(sp.PeakPerHour, usual, networks(all), int(all.Articles), float64(hour.Voices), kind)
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

// progress keeps how much was said so far, and how loud it is against its loudest.
func (s *state) progress(w *watch, at int64) {
	w.Spike.Total = round(float64(s.Ring.sum(w.Since, at).Voices))
	w.Now = float64(s.Ring.sum(at-15, at).Voices)
	w.Top = max(w.Top, w.Now)
}

func (s *state) tell(w *watch, now int64, slotOf func(int64) int) brand.Spike {
	w.Told = now
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

// round keeps three digits behind the point: numbers for people, the same on every machine.
func round(x float64) float64 { return math.Round(x*1000) / 1000 }
