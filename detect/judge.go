package detect

import (
	"math"

	"brandmelder/brand"
)

// signal is one thing that stands out, in one window.
type signal struct {
	kind     brand.SpikeKind
	window   int // index of windows
	score    float64
	observed bucket
	expected float64 // voices
	alpha    float64
}

const (
	signals      = 3 // volume, negative volume, tone
	margin       = 0.5
	learnMargin  = 2.0
	leastExcess  = 4   // voices beyond the expected, below which nothing is worth a call
	leastRatio   = 1.6 // observed over expected, likewise
	leastShare   = 0.2 // rise of the negative share, likewise
	toneVoices   = 8
	steadyWindow = 1    // index of the window in which a burst, too, must stand out from the past month
	toneClumping = 0.03 // voices of one matter agree: the intraclass correlation of the beta-binomial
)

// threshold is the score that the budget asks for: so many windows are judged a week, and so few may be wrong.
func threshold(budget float64, learning bool) float64 {
	tests := 0.0
	for _, w := range windows {
		tests += signals * 7 * 24 * 60 / float64(w)
	}
	t := math.Log10(tests/budget) + margin
	if learning {
		t += learnMargin
	}
	return t
}

// expect is the expected voices in the window [from, to), and the overdispersion to judge it with; seen is what was heard in it.
func (s *state) expect(from, to int64, window int, seen float64, slotOf func(int64) int) (mu, alpha float64) {
	warm, evidence := s.Base.Hours < warmHours, math.Inf(1)
	perShape := 0.0
	if warm {
		// Nothing is learned yet: what was heard from the start until this window is all there is, in the shape of anybody's day.
		hours := 0.25
		for at := s.Start; at < from; {
			next := min(from, (at/60+1)*60)
			hours += dayShape[slotOf(at)%24] * float64(next-at) / 60
			at = next
		}
		evidence = max(s.Warm-seen, 0)
		perShape = (evidence + 0.5) / hours
	}
	for at := from; at < to; {
		next := min(to, (at/60+1)*60)
		if warm {
			mu += perShape * dayShape[slotOf(at)%24] * float64(next-at) / 60
		} else {
			rate, ev := s.Base.rate(slotOf(at))
			mu += rate * s.Base.Trend * float64(next-at) / 60
			evidence = min(evidence, ev)
		}
		at = next
	}
	alpha = s.Base.alpha(window) + 1/(evidence+0.5)
	if s.Base.learning() {
		alpha += learnAlpha
	}
	return max(mu, 1e-3), alpha
}

// score0 is the score, 0 without a signal.
func (v *verdict) score0() float64 {
	if v.signal == nil {
		return 0
	}
	return v.score
}

// verdict is the strongest signal of one sort, and the highest score of the windows of at most an hour: a long window remembers what is
// over.
type verdict struct {
	*signal
	recent float64
}

func (v *verdict) add(sig signal) {
	if v.signal == nil || sig.score > v.score {
		v.signal = &sig
	}
	if windows[sig.window] <= 60 {
		v.recent = max(v.recent, sig.score)
	}
}

// judge looks at all windows that end at minute now.
func (s *state) judge(now int64, slotOf func(int64) int) (trouble, praise verdict) {
	sums := s.sums(now)
	if sums[len(windows)-1].Voices < leastExcess {
		return trouble, praise
	}
	p0, good0 := s.Base.negativeShare(), s.Base.positiveShare()
	limit := threshold(s.topic.AlarmsPerWeek, s.Base.learning())
	// Noise must stand out from its hour and from the topic's own past month as well; anger need not, lest a storm deafen for the next.
	bounded := func(score float64, w int) float64 {
		w = max(w, steadyWindow)
		if rare, ok := s.Loud[w].rarity(float64(sums[w].Voices)); ok {
			return min(score, limit*rare/s.Loud[w].limit(s.topic.AlarmsPerWeek, w))
		}
		return score
	}
	for w, minutes := range windows {
		if now-minutes < max(s.Start+warmMinutes, s.Deaf) {
			break // not before there is something to compare with, nor back into a spike that is over
		}
		seen := sums[w]
		x, neg := float64(seen.Voices), float64(seen.Negative)
		if x < leastExcess {
			continue
		}
		mu, alpha := s.expect(now-minutes, now, w, x, slotOf)
		share := neg / x
		if x-mu >= leastExcess && x >= leastRatio*mu {
			sig := signal{brand.Volume, w, bounded(surprise(tail(x, mu, alpha)), w), seen, mu, alpha}
			if float64(seen.Positive)/x > max(good0+0.1, 0.45) && share < p0+0.05 {
				sig.kind = brand.Praise
				praise.add(sig)
			} else {
				trouble.add(sig)
			}
		}
		if muNeg := mu * p0; neg-muNeg >= leastExcess && neg >= leastRatio*muNeg {
			trouble.add(signal{brand.Volume, w, surprise(tail(neg, muNeg, alpha)), seen, mu, alpha})
		}
		if minutes >= 60 && x >= toneVoices && share >= p0+leastShare && neg-x*p0 >= leastExcess {
			n := x / (1 + (x-1)*toneClumping)
			trouble.add(signal{brand.Tone, w, surprise(binomialTail(share*n, n, p0)), seen, mu, alpha})
		}
	}
	return trouble, praise
}

// began looks back from now for the minute at which the excess most likely began: the maximum of the likelihood ratio of a
// rate k times the usual (Page 1954, CUSUM, run backwards).
func (s *state) began(now int64, sig *signal, slotOf func(int64) int) int64 {
	p0 := s.Base.negativeShare()
	k := min(max(float64(sig.observed.Voices)/sig.expected, 2), 20)
	best, at, sum := math.Inf(-1), now-1, 0.0
	perMinute := sig.expected / float64(windows[sig.window])
	rate, hour := 0.0, int64(-1)
	for m := now - 1; m > now-12*60 && m >= max(s.Start, s.Deaf) && s.Ring.has(m); m-- {
		if m/60 != hour {
			hour = m / 60
			if rate = perMinute; s.Base.Hours >= warmHours {
				r, _ := s.Base.rate(slotOf(m))
				rate = r * s.Base.Trend / 60
			}
		}
		b := s.Ring.at(m)
		x, mu, factor := float64(b.Voices), rate, k
		if sig.kind != brand.Praise && float64(sig.observed.Negative) > float64(sig.observed.Voices)*(p0+0.1) {
			x, mu = float64(b.Negative), rate*p0 // the angry voices show the beginning more sharply
			factor = min(max(float64(sig.observed.Negative)/(sig.expected*p0), 2), 30)
		}
		sum += x*math.Log(factor) - (factor-1)*mu
		if sum > best && x > 0 {
			best, at = sum, m
		}
	}
	return at
}

// level is how bad it is, on the scale of brand.Level: negative voices beyond the usual in the worst hour, as such and against the
// usual hour's voices; how many networks carry it; how many articles. kind says that the voices are no less kind than usual.
func level(excess, usual float64, networks, articles int, voices float64, kind bool) brand.Level {
	r := excess / max(usual, 2)
	l := brand.Calm
	switch {
	case excess >= 300 && r >= 20 && articles >= 5:
		l = brand.Hurricane
	case excess >= 80 && r >= 8 && networks >= 2 && articles >= 1:
		l = brand.Storm
	case excess >= 30 && r >= 4 && networks >= 2:
		l = brand.FreshWind
	case excess >= 12 && r >= 2:
		l = brand.ModerateBreeze
	case excess >= 6 && r >= 0.5:
		l = brand.LightBreeze
	case excess >= 3:
		l = brand.LightAir
	}
	if l >= brand.LightBreeze && l < brand.Storm && articles >= 3 {
		l++ // the media look
	}
	// Very many voices whose tone is not clear: somebody should look, whatever the ear says.
	if l < brand.LightBreeze && !kind && voices >= 5*usual && voices >= 20 {
		l = brand.LightBreeze
	}
	return l
}
