package detect

import "math"

// loudness is how loud a topic has been in the past month: the sums of one window, sampled each five minutes, in a histogram that fades. No
// distribution that counts are said to follow holds in the tail; so beyond the 99th percentile the topic's own excesses are taken as
// exponential (peaks over threshold: Pickands 1975, Davison & Smith 1990), which says how rare a loud moment is by the topic's own past.
type loudness struct {
	Bins    [loudBins]float32
	Total   float32
	Samples int

	Tail   float64 // the 99th percentile
	Excess float64 // mean excess over it

	Over, Moments float32 // fading: samples over the tail, and the moments that they came in, an hour apart
	Last          int     // sample that was over it
}

const (
	loudBins      = 160
	loudExact     = 16   // counts below it have a bin each
	loudStep      = 1.08 // the ratio of the others
	loudEvery     = 5    // minutes
	loudFade      = 29.0 / 30
	loudQuantil   = 0.99
	judgedWindows = 3                       // that share the budget: 15, 60 and 360 minutes
	loudLeast     = 3 * 24 * 60 / loudEvery // samples, before which the past says nothing
)

func loudBin(x float64) int {
	if x < loudExact {
		return int(x)
	}
	return min(loudExact+int(math.Log(x/loudExact)/math.Log(loudStep)), loudBins-1)
}

func loudValue(bin int) float64 {
	if bin < loudExact {
		return float64(bin)
	}
	return loudExact * math.Pow(loudStep, float64(bin-loudExact)+0.5)
}

// see takes in a sum.
func (l *loudness) see(x float64) {
	l.Bins[loudBin(x)]++
	l.Total++
	l.Samples++
	if l.Samples > loudLeast && x > l.Tail {
		if l.Over++; l.Samples-l.Last > 60/loudEvery {
			l.Moments++
		}
		l.Last = l.Samples
	}
	if l.Samples%(24*60/loudEvery) == 0 {
		for i := range l.Bins {
			l.Bins[i] *= loudFade
		}
		l.Total *= loudFade
		l.Over *= loudFade
		l.Moments *= loudFade
	}
	if l.Samples%12 != 0 {
		return
	}
	need := float64(l.Total) * (1 - loudQuantil)
	n, sum := 0.0, 0.0
	for b := loudBins - 1; b >= 0; b-- {
		l.Tail = loudValue(b)
		if n+float64(l.Bins[b]) >= need {
			break
		}
		n += float64(l.Bins[b])
		sum += float64(l.Bins[b]) * l.Tail
	}
	l.Excess = max((sum-n*l.Tail)/max(need, 1e-9), 1)
}

// rarity is -log10 of the chance that a sum of the past month is at least x; 0 for what is no more than its loudest hundredth. ok is false
// while the past is too short to say.
func (l *loudness) rarity(x float64) (score float64, ok bool) {
	if l.Samples < loudLeast {
		return 0, false
	}
	if x <= l.Tail {
		return 0, true
	}
	return -math.Log10(1-loudQuantil) + (x-l.Tail)/l.Excess/math.Ln10, true
}

// limit is the rarity that the budget asks for: so many samples a week, shared by the windows, of which those of one loud moment come
// together (the extremal index by runs: Smith & Weissman 1994).
func (l *loudness) limit(budget float64, window int) float64 {
	const prior = 4 // moments
	usual := 2 + float64(windows[window])/loudEvery
	together := (float64(l.Over) + prior*usual) / (float64(l.Moments) + prior)
	return math.Log10(judgedWindows * 7 * 24 * 60 / loudEvery / (budget * together))
}
