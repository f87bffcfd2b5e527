package detect

import (
	"math"
	"time"

	"gonum.org/v1/gonum/mathext"
)

// baseline is what a topic is like in ordinary hours. It learns each hour once, a day after it was over, when no late mention
// can change it any more, and clips what it learns, so that a storm does not become the norm.
type baseline struct {
	Slots [7 * 24]slot // by hour of the week, local time
	Hours float64      // learned so far

	// Overdispersion of each window: Σ((x-μ)²-μ) over Σμ², fading.
	Num, Den [len(windows)]float64

	// Tone: fading sums of voices.
	Voices, Negative, Positive float64

	// Trend is today's level over the baseline's, 0.5 to 2.
	Trend float64
}

// slot is one hour of the week.
type slot struct {
	Mean  float64 // voices an hour
	Weeks float64 // how often it was learned
}

// windows in minutes. Several, so that a burst of five minutes and a slow rise over hours are both seen.
var windows = [...]int64{5, 15, 60, 360}

const (
	priorAlpha  = 0.15 // overdispersion before anything is learned
	learnAlpha  = 0.5  // added while the topic's past is short
	learnRate   = 0.15 // the weight of the newest week, once several are known
	fade        = 0.9985
	learnedWeek = 7 * 24
	warmHours   = 24 // learned hours, before which the ring alone is judged against
	warmMinutes = 60 // after the first start, in which nothing is judged
)

// dayShape is how people's writing spreads over a day of 24 hours, mean 1: the prior of a topic that has no past.
var dayShape = [24]float64{.45, .3, .22, .2, .22, .35, .6, .9, 1.15, 1.3, 1.35, 1.4, 1.4, 1.35, 1.3, 1.3, 1.35, 1.4, 1.45, 1.5, 1.45, 1.25, 1.0, .7}

// learning says whether the past is shorter than a week.
func (b *baseline) learning() bool { return b.Hours < learnedWeek }

// rate is the expected number of voices in the hour (of the week), before trend, and the number of voices that this
// knowledge rests on.
func (b *baseline) rate(hourOfWeek int) (perHour, evidence float64) {
	hour := hourOfWeek % 24
	total, weeks, dayTotal, dayWeeks := 0.0, 0.0, 0.0, 0.0
	shape := 0.0
	for i := range b.Slots {
		s := &b.Slots[i]
		total += s.Mean * s.Weeks
		shape += dayShape[i%24] * s.Weeks
		weeks += s.Weeks
		if i%24 == hour {
			dayTotal += s.Mean * s.Weeks
			dayWeeks += s.Weeks
		}
	}
	// From the general to the particular, each shrunk towards the one before: all hours in the shape of anybody's day, this
	// hour of the day, this hour of the week.
	overall := (total + 0.5) / (shape + 1)
	hod := (dayTotal + 2*overall*dayShape[hour]) / (dayWeeks + 2)
	s := &b.Slots[hourOfWeek]
	perHour = (s.Mean*s.Weeks + 1.5*hod) / (s.Weeks + 1.5)
	evidence = s.Mean*s.Weeks + (dayTotal-s.Mean*s.Weeks)/2 + (total-dayTotal)/24
	return max(perHour, 0.01), evidence
}

// alpha is the overdispersion of counts in the window: their variance is μ + αμ².
func (b *baseline) alpha(window int) float64 {
	const prior = 4
	return max(0.03, (b.Num[window]+prior*priorAlpha)/(b.Den[window]+prior))
}

// negativeShare and positiveShare are the topic's usual shares.
func (b *baseline) negativeShare() float64 { return (b.Negative + 2) / (b.Voices + 8) }
func (b *baseline) positiveShare() float64 { return (b.Positive + 2) / (b.Voices + 8) }

// learn takes in the hour that starts at minute from.
func (b *baseline) learn(r *ring, from int64, hourOfWeek int) {
	hour := r.sum(from, from+60)
	expected, evidence := b.rate(hourOfWeek)
	if hour.Mentions == 0 && expected >= 12 && !b.learning() {
		return // an hour this silent is an outage of the source, not of the world
	}
	seen := float64(hour.Voices)
	spread := func(mu, alpha float64) float64 { return math.Sqrt(mu + (alpha+1/(evidence+0.5))*mu*mu) }
	if b.Hours >= 48 {
		seen = min(seen, expected+4*spread(expected, b.alpha(2)))
	}
	s := &b.Slots[hourOfWeek]
	s.Mean += (seen - s.Mean) * max(1/(s.Weeks+1), learnRate)
	s.Weeks = min(s.Weeks+1, 1/learnRate)
	b.Hours++

	for w, minutes := range windows {
		if minutes > 60 {
			continue // few and overlapping: judged with the hour's spread
		}
		mu := expected * float64(minutes) / 60
		for at := from; at < from+60; at += minutes {
			sum := r.sum(at, at+minutes)
			x := min(float64(sum.Voices), mu+4*spread(mu, b.alpha(w))+1)
			b.Num[w] += (x-mu)*(x-mu) - mu
			b.Den[w] += mu * mu
		}
	}
	for w := range windows {
		if windows[w] > 60 {
			b.Num[w], b.Den[w] = b.Num[w-1], b.Den[w-1]
			continue
		}
		b.Num[w] = max(b.Num[w], 0) * fade
		b.Den[w] *= fade
	}
	// A bad hour teaches no more than the worst that chance explains.
	v := float64(hour.Voices)
	p := b.negativeShare()
	b.Negative = b.Negative*fade + min(float64(hour.Negative), v*p+3*math.Sqrt(v*p*(1-p)+1))
	b.Positive = b.Positive*fade + float64(hour.Positive)
	b.Voices = b.Voices*fade + v
}

// follow sets the trend from the last day of the ring, each hour clipped to three times what it should be.
func (b *baseline) follow(r *ring, now int64, start int64, slotOf func(int64) int) {
	const steady = 10
	seen, expected := 0.0, 0.0
	for from := now - 25*60; from < now-60; from += 60 {
		if from < start {
			continue
		}
		mu, _ := b.rate(slotOf(from))
		hour := r.sum(from, from+60)
		x := float64(hour.Voices)
		if hour.Mentions == 0 && mu >= 12 {
			continue
		}
		seen += min(x, 3*mu+2)
		expected += mu
	}
	limit := 2.0
	if b.learning() {
		limit = 4
	}
	b.Trend = min(max((seen+steady)/(expected+steady), 1/limit), limit)
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

// hourOfWeek is 0 for Monday, midnight, local time.
func hourOfWeek(minute int64, loc *time.Location) int {
	t := time.Unix(minute*60, 0).In(loc)
	return (int(t.Weekday())+6)%7*24 + t.Hour()
}
