package detect

import (
	"math"

	"brandmelder/brand"
)

// signal is something unusual in one window.
type signal struct {
	kind     brand.SpikeKind
	minutes  int64 // of the window
	score    float64
	observed bucket
	expected float64 // voices
	alpha    float64
}

const (
	leastExcess   = 4   // voices beyond the expected; with fewer, nothing is worth a call
	leastAverage  = 2   // observed over an average hour of the week, likewise
	leastShare    = 0.1 // rise of the negative share, likewise
	leastVoices   = 0.5 // expected in any window, at least: one voice at night is no surprise
	toneVoices    = 8
	standsOut     = -1 // rarity of what is still unusual once a spike is open: ten times a week
	magnitudeBase = 4  // voices added before the logarithm, so that a handful is not a storm
)

// indicator is a measure by which a topic can be unusual. Each has its own extremes and its share of the budget. The
// shares may add up to more than one, because indicators often rise together.
type indicator int

const (
	// more voices in an hour or longer than the season and the activity of the last hours explain
	surge      indicator = iota
	burst                // the same in a quarter of an hour, where a few simultaneous voices are most of it
	magnitude            // the number of voices in a quarter of an hour, whatever the hour of the week
	negativity           // more negative voices than expected
	toneShift            // a larger share of negative voices, whatever their number
	indicators
)

// countsVoices reports whether the indicator measures the number of voices, and not their tone.
func (of indicator) countsVoices() bool { return of == surge || of == burst || of == magnitude }

// shares of the budget. A small share costs little where several indicators rise in a storm. Most alarms by burst alone
// are false.
var shares = [indicators]float64{surge: 0.3, burst: 0.06, magnitude: 0.7, negativity: 0.3, toneShift: 0.5}

// The scores of all indicators but magnitude are -log10 of probabilities. If the model were right, the 30 windows of a
// block would give a seventh decile of 2 and a scale of 0.43. Real topics have shapes of 0.1 to 0.6. For magnitude
// nothing is known beforehand but that it is capped.
var priors = [indicators]tailPrior{
	surge:      {over: 2, scale: 0.5, shape: 0.3, blocks: 8, excesses: 15, shapeIsWorth: 15},
	burst:      {over: 2, scale: 0.5, shape: 0.3, blocks: 8, excesses: 15, shapeIsWorth: 15},
	magnitude:  {scale: 0.2, excesses: 15, least: 12, capped: true},
	negativity: {over: 2, scale: 0.5, shape: 0.3, blocks: 8, excesses: 15, shapeIsWorth: 15},
	toneShift:  {over: 2, scale: 0.5, shape: 0.3, blocks: 8, excesses: 15, shapeIsWorth: 15},
}

// threshold is the score that the budget asks for, on the scale of extremes.rarity.
func threshold(budget float64) float64 { return -math.Log10(budget) }

// rarity is the score of an indicator's value. ok is false if too few blocks are known.
func (s *state) rarity(of indicator, x float64) (score float64, ok bool) {
	p := &s.Extremes[of]
	return p.rarity(x) + math.Log10(shares[of]), p.knows(&priors[of])
}

// expect is the expected voices in the window [from, to), and the overdispersion to judge it with. seen is the voices
// observed in it.
func (s *state) expect(from, to int64, window int, seen float64, slotOf func(int64) int) (mu, alpha float64) {
	if s.Base.Hours < warmHours {
		// Nothing is learned yet: the voices from the start until this window, spread by dayShape, are all there is.
		shape := func(from, to int64) (sum float64) {
			for at := from; at < to; {
				next := min(to, (at/60+1)*60)
				sum += dayShape[slotOf(at)%24] * float64(next-at) / 60
				at = next
			}
			return sum
		}
		evidence := max(s.WarmUp-seen, 0)
		mu = (evidence + 0.5) / (shape(s.Start, from) + 0.25) * shape(from, to)
		return max(mu, 1e-3), s.Base.alpha(window) + 1/(evidence+0.5) + learnAlpha
	}
	mu, evidence := s.season(from, to, slotOf)
	if to-from < 1440 { // a window of a day has no day before to compare with
		factor, rests := s.activity(from, slotOf)
		mu, evidence = mu*math.Pow(factor, s.Base.persistence(window)), min(evidence, rests)
	}
	alpha = s.Base.alpha(window) + 1/(evidence+0.5)
	if s.Base.learning() {
		alpha += learnAlpha
	}
	return max(mu, 1e-3), alpha
}

// score0 is the score, or far below all thresholds without a signal.
func (v *finding) score0() float64 {
	if v.signal == nil {
		return -4
	}
	return v.score
}

// finding is the strongest signal of one kind, and the highest score of the windows of at most an hour, because a
// longer window still holds what is over.
type finding struct {
	*signal
	recent float64
	odds   [indicators]float64 // 10 to the power of each indicator's highest score
}

// join sets the score to that of all indicators together: the harmonic mean of their p-values, each weighted by its
// share (Wilson 2019, "The harmonic mean p-value for combining dependent tests"). Where one indicator rises alone, it
// is that one's score.
func (v *finding) join() {
	if v.signal == nil {
		return
	}
	sum := 0.0
	for _, odds := range v.odds {
		sum += odds
	}
	v.score = min(math.Log10(sum), rarest)
}

func (v *finding) add(of indicator, sig signal) {
	v.odds[of] = max(v.odds[of], math.Pow(10, sig.score))
	if v.signal == nil || sig.score > v.score {
		if v.signal == nil {
			v.recent = -4
		}
		v.signal = &sig
	}
	if sig.minutes <= 60 {
		v.recent = max(v.recent, sig.score)
	}
}

// judgement is what is unusual in a minute, and the highest value of each indicator.
type judgement struct {
	trouble, praise finding
	heights         [indicators]float64
}

// judge looks at all spans that end at minute now: at the tone in each, at the number of voices in those that are
// windows.
func (s *state) judge(now int64, slotOf func(int64) int) (j judgement) {
	s.rise = 0
	sums := s.sums(now)
	j.heights[magnitude] = math.Log(float64(sums[0].Voices) + magnitudeBase)
	p0, good0, agree := s.Base.negativeShare(), s.Base.positiveShare(), s.Base.agree()
	average := s.Base.average()
	for i, minutes := range spans {
		if now-minutes < max(s.Start+warmMinutes, s.JudgedFrom) {
			break // nothing to compare with before the start, and no spike is judged twice
		}
		seen := sums[i]
		x, neg := float64(seen.Voices), float64(seen.Negative)
		if x == 0 {
			continue
		}
		share := neg / x
		if x >= toneVoices && share >= p0+leastShare {
			n := x / (1 + (x-1)*agree)
			height := surprise(binomialTail(share*n, n, p0))
			j.heights[toneShift] = max(j.heights[toneShift], height)
			if score, ok := s.rarity(toneShift, height); ok && neg-x*p0 >= leastExcess {
				j.trouble.add(toneShift, signal{kind: brand.Tone, minutes: minutes, score: score, observed: seen})
			}
		}
		w := windowOf(minutes)
		if windows[w] != minutes {
			continue
		}
		mu, alpha := s.expect(now-minutes, now, w, x, slotOf)
		// record sets the value of an indicator. It becomes a signal if the excess is worth a call.
		record := func(kind brand.SpikeKind, of indicator, height, expected, excess float64) {
			j.heights[of] = max(j.heights[of], height)
			score, ok := s.rarity(of, height)
			if !ok || excess < leastExcess {
				return
			}
			sig := signal{kind, minutes, score, seen, expected, alpha}
			if of.countsVoices() && float64(seen.Positive)/x > max(good0+0.1, 0.45) && share < p0+0.05 {
				sig.kind = brand.Praise
				j.praise.add(of, sig)
				return
			}
			j.trouble.add(of, sig)
		}
		if minutes == 60 && mu >= 3 {
			s.rise = x / mu
		}
		planned := s.planned(now-minutes, now) != nil
		if planned {
			mu = max(mu, x) // no volume is unusual now; the tone still counts
		}
		if w == 0 && !planned {
			// A slow rise becomes the activity, but not the season.
			usual := mu
			if s.Base.Hours >= warmHours {
				usual, _ = s.season(now-minutes, now, slotOf)
			}
			if x >= brand.LeastRise*usual {
				record(brand.Volume, magnitude, j.heights[magnitude], usual, x-usual)
			}
		}
		if x > mu {
			of := surge
			if w == 0 {
				of = burst
			}
			// Values that are not worth a call are recorded too: they are part of the indicator's extremes.
			height := surprise(tail(x, max(mu, leastVoices), alpha))
			j.heights[of] = max(j.heights[of], height)
			if x >= brand.LeastRise*mu && x >= leastAverage*average*float64(minutes)/60 {
				record(brand.Volume, of, height, mu, x-mu)
			}
		}
		if muNeg := mu * p0; neg >= brand.LeastRise*muNeg {
			record(brand.Volume, negativity, surprise(tail(neg, max(muNeg, leastVoices), alpha)), mu, neg-muNeg)
		}
	}
	if sig := j.trouble.signal; sig != nil && sig.kind == brand.Tone {
		// The expected voices are needed only where the tone is what is unusual.
		sig.expected, sig.alpha = s.expect(now-sig.minutes, now, windowOf(sig.minutes), float64(sig.observed.Voices), slotOf)
		if s.planned(now-sig.minutes, now) != nil {
			sig.expected = max(sig.expected, float64(sig.observed.Voices))
		}
	}
	j.trouble.join()
	j.praise.join()
	return j
}

// began looks back from now for the minute at which the excess most likely began: the maximum of the likelihood ratio
// of a rate k times the usual (Page 1954, CUSUM, run backwards).
func (s *state) began(now int64, sig *signal, slotOf func(int64) int) int64 {
	p0 := s.Base.negativeShare()
	k := min(max(float64(sig.observed.Voices)/sig.expected, 2), 20)
	best, at, sum := math.Inf(-1), now-1, 0.0
	perMinute := sig.expected / float64(sig.minutes)
	rate, hour := 0.0, int64(-1)
	for m := now - 1; m > now-12*60 && m >= max(s.Start, s.JudgedFrom) && s.Ring.has(m); m-- {
		if m/60 != hour {
			hour = m / 60
			if rate = perMinute; s.Base.Hours >= warmHours {
				r, _ := s.Base.rate(slotOf(m))
				rate = r / 60
			}
		}
		b := s.Ring.at(m)
		x, mu, factor := float64(b.Voices), rate, k
		if sig.kind != brand.Praise && float64(sig.observed.Negative) > float64(sig.observed.Voices)*(p0+0.1) {
			x, mu = float64(b.Negative), rate*p0 // negative voices show the beginning more sharply
			factor = min(max(float64(sig.observed.Negative)/(sig.expected*p0), 2), 30)
		}
		sum += x*math.Log(factor) - (factor-1)*mu
		if sum > best && x > 0 {
			best, at = sum, m
		}
	}
	return at
}

// severity is the level of a spike: by the excess of negative voices in the worst hour, as such and relative to the
// usual hour's voices, by the number of networks and by the articles. kind says that the voices are no less positive
// than usual.
func severity(excess, usual float64, networks, articles int, voices float64, kind bool) brand.Level {
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
		l++ // the media take notice
	}
	// Very many voices whose tone is unclear: somebody should look.
	if l < brand.LightBreeze && !kind && voices >= 5*usual && voices >= 20 {
		l = brand.LightBreeze
	}
	return l
}
