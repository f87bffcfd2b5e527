package detect

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// baseline describes a topic in ordinary weeks. It learns each hour once, a day later, when late mentions can no longer
// change it. It clips high values, so that a storm does not become the norm.
type baseline struct {
	Slots  [7 * 24]slot // by hour of the week, local time
	Days   [24]slot     // for each hour of the day, the sum of its slots
	All    slot         // the sum of all slots
	Shape  float64      // what All would be if each day had dayShape
	Hours  float64      // hours learned so far
	Silent bool         // the hour before was a silence of the source and was not learned

	// Trend: fading sums of what the slots expected of the past days, and of what was observed.
	TrendExpected, TrendObserved float64

	// Overdispersion of each window: fading sums of (x-μ)²-μ and μ², and the variance of the former.
	Num, Den, Noise [len(windows)]float64

	ForecastError [memories]float64 // fading squared error of each memory's forecast

	// Persistence of the activity in a window that begins with it: fading sums of log activity · log count, and (log
	// activity)². Counts are relative to their season.
	PersistNum, PersistDen [len(windows)]float64

	// Tone: fading sums of voices, and of how far the voices of one hour agree.
	Voices, Negative, Positive float64
	AgreeNum, AgreeDen         float64
}

// slot is one hour of the week.
type slot struct {
	Mean  float32 // voices an hour; in Days the sum of Mean times Weeks
	Weeks float32 // how often it was learned
}

// windows are the lengths in minutes in which voices are counted: from a burst of minutes to a slow rise over a day.
var windows = [...]int64{15, 60, 360, 1440}

// spans are the lengths in minutes in which the tone is measured. They include the windows and lie closer together: a
// share needs many voices, so a change of tone must fill most of a span to be found.
var spans = [...]int64{15, 30, 60, 90, 120, 180, 240, 360, 1440}

// windowOf is the index of the shortest window that is at least as long as the span.
func windowOf(span int64) (w int) {
	for windows[w] < span {
		w++
	}
	return w
}

const (
	hourWindow  = 1    // index of the window of an hour
	priorAlpha  = 0.1  // overdispersion before anything is learned
	learnAlpha  = 0.3  // added while the topic is learning
	learnRate   = 0.15 // least weight of the newest week
	learnedWeek = 7 * 24
	warmHours   = 24 // learned hours; before them only the ring is used
	warmMinutes = 60 // after the first start, in which nothing is judged
	outage      = 5  // expected voices: an hour with so many expected and none observed is a silence of the source
)

// memory is the half-lives, in hours, of the activity.
var memory = [memories]float64{2, 6, 24}

const (
	memories = 3
	moment   = 0.5 // half-life, in hours, of the activity of the last moments
)

// The shares of a fading sum that are left after an hour.
var (
	fadeSpread = math.Exp(-1.0 / (14 * 24))
	fadeTone   = math.Exp(-1.0 / (28 * 24))
	fadeTrend  = math.Exp2(-1.0 / (5 * 24))
)

// dayShape is how people's posts spread over a day, with mean 1. It is the prior of a topic without data.
var dayShape = [24]float64{.45, .3, .22, .2, .22, .35, .6, .9, 1.15, 1.3, 1.35, 1.4, 1.4, 1.35, 1.3, 1.3, 1.35, 1.4, 1.45, 1.5, 1.45, 1.25, 1.0, .7}

// learning reports whether less than a week has been learned.
func (b *baseline) learning() bool { return b.Hours < learnedWeek }

// rate is the expected voices in an hour of the week, and how many voices this estimate is based on.
func (b *baseline) rate(hourOfWeek int) (perHour, evidence float64) {
	perHour, evidence, _ = b.rates(hourOfWeek)
	return perHour, evidence
}

// rates is rate, with the expected voices in that hour of any day.
func (b *baseline) rates(hourOfWeek int) (perHour, evidence, anyDay float64) {
	// voices that each prior is worth: hours of the week against hours of the day, and a topic's day against dayShape
	const unlike, asUnlike = 4, 2
	hour := hourOfWeek % 24
	// From the general to the particular: all hours in the shape of dayShape, this hour of the day, this hour of the
	// week. Each estimate is a gamma posterior mean with the one before as its prior.
	day := (float64(b.All.Mean) + 0.5) / (b.Shape + 1) * dayShape[hour]
	observed, weeks := float64(b.Days[hour].Mean), float64(b.Days[hour].Weeks)
	hod := (observed + asUnlike) / (weeks + asUnlike/day)
	knownHod := observed + asUnlike
	weeks = float64(b.Slots[hourOfWeek].Weeks)
	observed = float64(b.Slots[hourOfWeek].Mean) * weeks
	perHour = (observed + unlike) / (weeks + unlike/hod)
	borrowed := unlike / hod / (weeks + unlike/hod)
	evidence = 1 / (1/(observed+unlike) + borrowed*borrowed/knownHod)
	return max(perHour*b.trend(), 0.001), evidence, hod * b.trend()
}

// trend is the activity of the past days, relative to the weeks before.
func (b *baseline) trend() float64 {
	const steady = 20
	return min(max((b.TrendObserved+steady)/(b.TrendExpected+steady), 0.25), 4)
}

// average is the voices of an average hour of the week.
func (b *baseline) average() float64 {
	return float64(b.All.Mean) / max(float64(b.All.Weeks), 1) * b.trend()
}

// alpha is the overdispersion of counts in the window: their variance is μ + αμ². It is shrunk to the prior in
// proportion to its own uncertainty.
func (b *baseline) alpha(window int) float64 {
	const differ = 0.15 // standard deviation of alpha between topics
	den := b.Den[window]
	if den <= 0 {
		return priorAlpha
	}
	prior := b.Noise[window] / (differ * differ * den)
	return max(0.01, (b.Num[window]+prior*priorAlpha)/(den+prior))
}

// agree is the intraclass correlation of the beta-binomial: how far the voices of one hour agree in tone.
func (b *baseline) agree() float64 {
	const prior, usual = 400, 0.03
	return min(max((b.AgreeNum+prior*usual)/(b.AgreeDen+prior), 0.002), 0.2)
}

// negativeShare and positiveShare are the topic's usual shares.
func (b *baseline) negativeShare() float64 { return (b.Negative + 2) / (b.Voices + 8) }
func (b *baseline) positiveShare() float64 { return (b.Positive + 2) / (b.Voices + 8) }

// learn adds the hour that starts at minute from.
func (b *baseline) learn(r *ring, from int64, hourOfWeek int) {
	hour := r.sum(from, from+60)
	expected, evidence, anyDay := b.rates(hourOfWeek)
	v := float64(hour.Voices)
	// Many voices expected and none observed: a silence of the source. It is not learned.
	ahead := r.sum(from, from+180)
	b.Silent = v == 0 && !b.learning() && (b.Silent || expected >= outage || ahead.Voices == 0 && 3*expected >= outage)
	if b.Silent {
		return
	}
	seen := v
	if b.Hours >= 48 {
		usual := max(expected, anyDay) // an hour that was too quiet once can recover
		seen = min(seen, usual+4*math.Sqrt(usual+(3*b.alpha(hourWindow)+1/(evidence+0.5))*usual*usual))
	}
	b.TrendObserved = b.TrendObserved*fadeTrend + seen
	b.TrendExpected = b.TrendExpected*fadeTrend + expected/b.trend()
	s := &b.Slots[hourOfWeek]
	s.Mean += (float32(seen) - s.Mean) * max(1/(s.Weeks+1), learnRate)
	s.Weeks = min(s.Weeks+1, 1/learnRate)
	d := &b.Days[hourOfWeek%24]
	*d = slot{}
	for at := hourOfWeek % 24; at < len(b.Slots); at += 24 {
		d.Mean += b.Slots[at].Mean * b.Slots[at].Weeks
		d.Weeks += b.Slots[at].Weeks
	}
	b.All, b.Shape = slot{}, 0
	for h, d := range b.Days {
		b.All.Mean += d.Mean
		b.All.Weeks += d.Weeks
		b.Shape += dayShape[h] * float64(d.Weeks)
	}
	b.Hours++

	// A negative hour is learned only up to the worst that chance explains.
	p, rho := b.negativeShare(), b.agree()
	bad := min(float64(hour.Negative), v*p+3*math.Sqrt(v*p*(1-p)*(1+max(v-1, 0)*rho)+1))
	if v >= toneVoices && !b.learning() {
		off := bad - v*p
		b.AgreeNum = max(0, b.AgreeNum*fadeTone+off*off/(p*(1-p))-v)
		b.AgreeDen = b.AgreeDen*fadeTone + v*(v-1)
	}
	b.Negative = b.Negative*fadeTone + bad
	b.Positive = b.Positive*fadeTone + float64(hour.Positive)
	b.Voices = b.Voices*fadeTone + v
}

// learnMemory updates how well the activity of each memory forecast an hour.
func (b *baseline) learnMemory(levels [memories]float64, x, usual float64) {
	for i, factor := range levels {
		off := math.Log((x + 1) / (usual*factor + 1))
		b.ForecastError[i] = b.ForecastError[i]*fadeSpread + min(off*off, 4)
	}
}

// bestMemory is the memory with the smallest forecast error.
func (b *baseline) bestMemory() (best int) {
	for i, miss := range b.ForecastError {
		if miss < b.ForecastError[best] {
			best = i
		}
	}
	return best
}

// persistence is the share, 0 to 1, of the logarithm of the activity that remains in a window that begins with it.
func (b *baseline) persistence(window int) float64 {
	const usual, worth = 0.8, 2
	return min(max((b.PersistNum[window]+worth*usual)/(b.PersistDen[window]+worth), 0), 1)
}

// learnPersistence adds a window of x voices, with that season, that began with the activity factor.
func (b *baseline) learnPersistence(window int, x, season, factor float64) {
	clear := season / (season + 4) // small counts are mostly chance
	level, came := math.Log(factor), math.Log((x+1)/(season+1))
	b.PersistNum[window] = b.PersistNum[window]*fadeTone + clear*level*min(max(came, -1.5), 1.5)
	b.PersistDen[window] = b.PersistDen[window]*fadeTone + clear*level*level
}

// disperse adds the distance of a window's count x from its expectation mu, which is based on evidence voices.
func (b *baseline) disperse(window int, x, mu, evidence float64) {
	x = min(x, mu+4*math.Sqrt(mu+(b.alpha(window)+1/evidence)*mu*mu)+1)
	b.Num[window] = max(b.Num[window]*fadeSpread+(x-mu)*(x-mu)-mu-mu*mu/evidence, 0)
	b.Den[window] = b.Den[window]*fadeSpread + mu*mu
	b.Noise[window] = b.Noise[window]*fadeSpread + 2*mu*mu + mu
}

// tail is P(X >= x) for a negative binomial X with mean mu and variance mu + alpha mu². The incomplete beta function
// extends it to real x.
func tail(x, mu, alpha float64) float64 {
	if x <= 0 {
		return 1
	}
	size := 1 / alpha
	return mathext.RegIncBeta(x, size, mu/(mu+size))
}

// surprise is -log10 of a probability, at most 300.
func surprise(p float64) float64 {
	if !(p > 1e-300) {
		return 300
	}
	return max(0, -math.Log10(p))
}

// binomialTail is P(X >= k) for n voices that are each negative with probability p. It is extended to real k and n.
func binomialTail(k, n, p float64) float64 {
	if k <= 0 {
		return 1
	}
	if k >= n {
		return math.Pow(p, n)
	}
	return mathext.RegIncBeta(k, n-k+1, p)
}

// quantile is the smallest count that is exceeded with a probability of at most 1-q.
func quantile(q, mu, alpha float64) float64 {
	lo, hi := 0.0, mu+10*math.Sqrt(mu+alpha*mu*mu)+10
	for range 30 {
		mid := (lo + hi) / 2
		if tail(mid, mu, alpha) > 1-q {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}
