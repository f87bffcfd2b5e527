package detect

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// baseline is what a topic is like in ordinary weeks. It learns each hour once, a day after it was over, when no late mention
// can change it any more, and clips what it learns, so that a storm does not become the norm.
type baseline struct {
	Slots  [7 * 24]slot // by hour of the week, local time
	Days   [24]slot     // the slots of one hour of the day, added up
	All    slot         // and all of them
	Shape  float64      // what All would be by dayShape
	Hours  float64      // learned so far
	Silent bool         // the hour before taught nothing, for silence

	// Trend: what the slots would have said of the past days, and what was heard, both fading.
	TrendExpected, TrendObserved float64

	// Overdispersion of each window: Σ((x-μ)²-μ) over Σμ², and the variance of the former; fading.
	Num, Den, Noise [len(windows)]float64

	ForecastError [memories]float64 // how far each memory was off, fading

	// How much of a level is left in a window that begins with it: Σ log level · log count over Σ (log level)², counts against their season; fading.
	PersistNum, PersistDen [len(windows)]float64

	// Tone: fading sums of voices, and how far voices of one hour agree.
	Voices, Negative, Positive float64
	AgreeNum, AgreeDen         float64
}

// slot is one hour of the week.
type slot struct {
	Mean  float32 // voices an hour; in Days the sum of Mean times Weeks
	Weeks float32 // how often it was learned
}

// windows in minutes, in which voices are counted. Several, so that a burst of minutes and a smoulder of a day are both seen.
var windows = [...]int64{15, 60, 360, 1440}

// spans are the minutes in which tone is heard, the windows among them. They lie closer: a share is told only by many voices, so a turn of the tone has to
// fill most of the span in which it is looked for.
var spans = [...]int64{15, 30, 60, 90, 120, 180, 240, 360, 1440}

// windowOf is the index of the window that is as long as the span, or the next longer.
func windowOf(span int64) (w int) {
	for windows[w] < span {
		w++
	}
	return w
}

const (
	hourWindow  = 1    // index of the window of an hour
	priorAlpha  = 0.1  // overdispersion before anything is learned
	learnAlpha  = 0.3  // added while the topic's past is short
	learnRate   = 0.15 // the weight of the newest week, once several are known
	learnedWeek = 7 * 24
	warmHours   = 24 // learned hours, before which the ring alone is judged against
	warmMinutes = 60 // after the first start, in which nothing is judged
	outage      = 5  // expected voices: an hour in which they all are missing is a silence of the source, not of the world
)

// memory is how long a level is remembered: half-lives in hours.
var memory = [memories]float64{2, 6, 24}

const (
	memories = 3
	moment   = 0.5 // the half-life of the level of the last moments
)

// How long things are remembered, as the share that an hour later is left.
var (
	fadeSpread = math.Exp(-1.0 / (14 * 24))
	fadeTone   = math.Exp(-1.0 / (28 * 24))
	fadeTrend  = math.Exp2(-1.0 / (5 * 24))
)

// dayShape is how people's writing spreads over a day of 24 hours, mean 1: the prior of a topic that has no past.
var dayShape = [24]float64{.45, .3, .22, .2, .22, .35, .6, .9, 1.15, 1.3, 1.35, 1.4, 1.4, 1.35, 1.3, 1.3, 1.35, 1.4, 1.45, 1.5, 1.45, 1.25, 1.0, .7}

// learning says whether the past is shorter than a week.
func (b *baseline) learning() bool { return b.Hours < learnedWeek }

// rate is the expected number of voices in the hour (of the week), and the number of voices that this knowledge rests on.
func (b *baseline) rate(hourOfWeek int) (perHour, evidence float64) {
	perHour, evidence, _ = b.rates(hourOfWeek)
	return perHour, evidence
}

// rates is rate, and what is expected in that hour of any day.
func (b *baseline) rates(hourOfWeek int) (perHour, evidence, anyDay float64) {
	const unlike, asUnlike = 4, 2 // voices that the prior is worth: how much slots of an hour differ, and a topic's day from anybody's
	hour := hourOfWeek % 24
	// From the general to the particular, each shrunk towards the one before, as gamma rates are: all hours in the shape of anybody's day, this
	// hour of the day, this hour of the week.
	day := (float64(b.All.Mean) + 0.5) / (b.Shape + 1) * dayShape[hour]
	heard, weeks := float64(b.Days[hour].Mean), float64(b.Days[hour].Weeks)
	hod := (heard + asUnlike) / (weeks + asUnlike/day)
	knownHod := heard + asUnlike
	weeks = float64(b.Slots[hourOfWeek].Weeks)
	heard = float64(b.Slots[hourOfWeek].Mean) * weeks
	perHour = (heard + unlike) / (weeks + unlike/hod)
	borrowed := unlike / hod / (weeks + unlike/hod)
	evidence = 1 / (1/(heard+unlike) + borrowed*borrowed/knownHod)
	return max(perHour*b.trend(), 0.001), evidence, hod * b.trend()
}

// trend is the past days' level over that of the weeks before.
func (b *baseline) trend() float64 {
	const steady = 20
	return min(max((b.TrendObserved+steady)/(b.TrendExpected+steady), 0.25), 4)
}

// average is the voices of an average hour of the week.
func (b *baseline) average() float64 {
	return float64(b.All.Mean) / max(float64(b.All.Weeks), 1) * b.trend()
}

// alpha is the overdispersion of counts in the window: their variance is μ + αμ². What few voices say of it is shrunk to the prior, as far as it is
// uncertain.
func (b *baseline) alpha(window int) float64 {
	const differ = 0.15 // standard deviation of topics' alphas
	den := b.Den[window]
	if den <= 0 {
		return priorAlpha
	}
	prior := b.Noise[window] / (differ * differ * den)
	return max(0.01, (b.Num[window]+prior*priorAlpha)/(den+prior))
}

// agree is how far voices of one matter agree in tone: the intraclass correlation of the beta-binomial.
func (b *baseline) agree() float64 {
	const prior, usual = 400, 0.03
	return min(max((b.AgreeNum+prior*usual)/(b.AgreeDen+prior), 0.002), 0.2)
}

// negativeShare and positiveShare are the topic's usual shares.
func (b *baseline) negativeShare() float64 { return (b.Negative + 2) / (b.Voices + 8) }
func (b *baseline) positiveShare() float64 { return (b.Positive + 2) / (b.Voices + 8) }

// learn takes in the hour that starts at minute from.
func (b *baseline) learn(r *ring, from int64, hourOfWeek int) {
	hour := r.sum(from, from+60)
	expected, evidence, anyDay := b.rates(hourOfWeek)
	v := float64(hour.Voices)
	// A stretch in which nobody says anything though many should is a silence of the source, and teaches nothing.
	ahead := r.sum(from, from+180)
	b.Silent = v == 0 && !b.learning() && (b.Silent || expected >= outage || ahead.Voices == 0 && 3*expected >= outage)
	if b.Silent {
		return
	}
	seen := v
	if b.Hours >= 48 {
		usual := max(expected, anyDay) // an hour that was once too quiet may find back
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

	// A bad hour teaches no more than the worst that chance explains.
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

// compare takes in how well each memory's level foretold an hour.
func (b *baseline) learnMemory(levels [memories]float64, x, usual float64) {
	for i, factor := range levels {
		off := math.Log((x + 1) / (usual*factor + 1))
		b.ForecastError[i] = b.ForecastError[i]*fadeSpread + min(off*off, 4)
	}
}

// best is the memory that was off least.
func (b *baseline) bestMemory() (best int) {
	for i, miss := range b.ForecastError {
		if miss < b.ForecastError[best] {
			best = i
		}
	}
	return best
}

// stays is how much of the logarithm of a level is left in a window that begins with it, 0 to 1: moods pass.
func (b *baseline) persistence(window int) float64 {
	const usual, worth = 0.8, 2
	return min(max((b.PersistNum[window]+worth*usual)/(b.PersistDen[window]+worth), 0), 1)
}

// stayed takes in how many voices came in a window of that season that began with that level.
func (b *baseline) learnPersistence(window int, x, season, factor float64) {
	clear := season / (season + 4) // what few voices say of it is mostly chance
	level, came := math.Log(factor), math.Log((x+1)/(season+1))
	b.PersistNum[window] = b.PersistNum[window]*fadeTone + clear*level*min(max(came, -1.5), 1.5)
	b.PersistDen[window] = b.PersistDen[window]*fadeTone + clear*level*level
}

// disperse takes in how far a window's count x was from what was expected of it with that knowledge.
func (b *baseline) disperse(window int, x, mu, evidence float64) {
	x = min(x, mu+4*math.Sqrt(mu+(b.alpha(window)+1/evidence)*mu*mu)+1)
	b.Num[window] = max(b.Num[window]*fadeSpread+(x-mu)*(x-mu)-mu-mu*mu/evidence, 0)
	b.Den[window] = b.Den[window]*fadeSpread + mu*mu
	b.Noise[window] = b.Noise[window]*fadeSpread + 2*mu*mu + mu
}

// tail is P(X >= x) for X negative binomial with mean mu and variance mu + alpha mu², continued to real x by the incomplete beta
// function.
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

// binomialTail is P(X >= k) for n voices each negative with probability p, continued to real k and n.
func binomialTail(k, n, p float64) float64 {
	if k <= 0 {
		return 1
	}
	if k >= n {
		return math.Pow(p, n)
	}
	return mathext.RegIncBeta(k, n-k+1, p)
}

// quantile is the smallest count that is exceeded with probability at most 1-q.
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
