package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"brandmelder/brand"
)

// days is a series of counts every five minutes, about 20 an hour by day.
func days(n int, seed uint64) (out []Count) {
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range n * 288 {
		mean := 20.0 / 12 * dayShape[i/12%24]
		v := 0.0
		for p, limit := r.Float64(), math.Exp(-mean); p > limit; v++ {
			p *= r.Float64()
		}
		out = append(out, Count{At: t0.Add(time.Duration(i) * 5 * time.Minute), Value: v})
	}
	return out
}

func alarms(judged []Judged) (out []int) {
	for i, j := range judged {
		if j.Opened {
			out = append(out, i)
		}
	}
	return out
}

// A series of counts has one spike for its storm, also when it flares up again, whatever the date.
func TestCountsRaiseAStormOnceAndWeeksDoNotMatter(t *testing.T) {
	series := days(21, 1)
	from := 18*288 + 150
	for i := range 24 {
		series[from+i].Value += 40
	}
	for i := range 12 { // five hours later it flares up once more, not higher
		series[from+60+i].Value += 30
	}
	judged, spikes := Counts(series, 5*time.Minute, Rules{})
	got := alarms(judged)
	if len(got) != 1 || got[0] < from || got[0] > from+2 {
		t.Fatalf("raised at %v, want once at %d", got, from)
	}
	if a := judged[got[0]].Anomaly(); a < 0.5 || a > 1 || judged[from+20].Anomaly() >= 0.5 || judged[100].Anomaly() >= 0.5 {
		t.Errorf("the scores are %v at the alarm, %v within, %v in calm", a, judged[from+20].Anomaly(), judged[100].Anomaly())
	}
	if n := len(slices.CompactFunc(slices.Clone(spikes), func(a, b brand.Spike) bool { return a.ID == b.ID })); n != 1 || spikes[len(spikes)-1].State != brand.Ended {
		t.Errorf("%d spikes were told, the last is %s", n, spikes[len(spikes)-1].State)
	}
	if len(spikes) == 0 || spikes[0].State != brand.Opened || spikes[0].Kind != brand.Volume {
		t.Errorf("told %+v", spikes)
	}
	moved := slices.Clone(series)
	for i := range moved {
		moved[i].At = moved[i].At.Add(6 * 7 * 24 * time.Hour)
	}
	again, _ := Counts(moved, 5*time.Minute, Rules{})
	if !slices.Equal(judged, again) {
		t.Error("six weeks later the same counts are judged otherwise")
	}
}

// A budget of more alarms never raises fewer.
func TestMoreBudgetRaisesNoLess(t *testing.T) {
	series := days(28, 2)
	r := rand.New(rand.NewPCG(5, 5))
	for range 12 {
		at, n := 10*288+r.IntN(17*288), 5+r.Float64()*30
		for i := range 8 {
			series[at+i].Value += n
		}
	}
	before := 0
	for _, budget := range []float64{0.1, 0.25, 1, 5} {
		judged, _ := Counts(series, 5*time.Minute, Rules{Topics: []brand.Topic{{AlarmsPerWeek: budget}}})
		n := len(alarms(judged))
		if n < before {
			t.Errorf("%d raised at %v a week, %d at less", n, budget, before)
		}
		before = n
	}
	if before == 0 {
		t.Error("nothing is raised at all")
	}
}

// Hours after a small spike a storm begins weakly. It counts as the old spike going on until it is rarer than that was.
// Then it is reported as another one.
func TestAStormThatBeginsLikeAnOldSpikeIsAnother(t *testing.T) {
	series := days(28, 2)
	noon := 26*288 + 144
	for i := range 6 {
		series[noon+i].Value += 7
	}
	evening := noon + 6*12
	for i := range 24 {
		series[evening+i].Value += 9 * math.Pow(1.25, float64(i))
	}
	judged, _ := Counts(series, 5*time.Minute, Rules{})
	got := alarms(judged)
	if len(got) < 2 || got[0] < noon || got[0] > noon+12 || got[1] < evening || got[1] > evening+12 {
		t.Errorf("raised at %v, want the spike within an hour of %d and the storm within an hour of %d", got, noon, evening)
	}
}

// A peak that a topic has every other day is not worth a call. A higher one is.
func TestWhatThePastWasAsLoudAsIsNoNews(t *testing.T) {
	prior := &priors[magnitude]
	p := prior.begin()
	r := rand.New(rand.NewPCG(3, 3))
	for i := range 30 * 4 {
		x := float64(r.IntN(6))
		if i%8 == 2 { // a peak every other day
			x = 180 + float64(r.IntN(40))
		}
		p.observe(math.Log(x + magnitudeBase))
		p.close(prior, int64(i+1), p.height(threshold(0.25)))
	}
	usual, muchRarer := p.rarity(math.Log(200)), p.rarity(math.Log(900))
	if !p.knows(prior) || usual >= threshold(0.25) || muchRarer < threshold(0.25) {
		t.Errorf("200 is as rare as %.2f, 900 as %.2f; the limit is %.2f", usual, muchRarer, threshold(0.25))
	}
}

// The rarity of a value says how often it occurs, with exponential and with heavy tails: a value with a rarity of once
// a week occurs once a week, a higher value is never less rare, and height is the inverse of rarity.
func TestRarityIsHowOftenASignalComes(t *testing.T) {
	for name, draw := range map[string]func(*rand.Rand) float64{
		"exponential": func(r *rand.Rand) float64 { return 2 + 0.5*r.ExpFloat64() },
		"heavy":       func(r *rand.Rand) float64 { return 2 + 0.5*(math.Exp(0.3*r.ExpFloat64())-1)/0.3 },
	} {
		prior := &priors[surge]
		weeks, beyond := 0.0, 0.0
		for seed := range uint64(40) {
			p, r := prior.begin(), rand.New(rand.NewPCG(seed, 1))
			for i := range int64(blocksKept) {
				p.observe(draw(r))
				p.close(prior, i+1, math.Inf(1))
			}
			for range 40 * blocksWeek {
				x := draw(r)
				if p.rarity(x) >= 0 {
					beyond++
				}
				if p.rarity(x+0.1) < p.rarity(x) {
					t.Fatalf("%s: %v is rarer than %v", name, x, x+0.1)
				}
			}
			weeks += 40
			for rarity := -1.0; rarity < 2; rarity += 0.25 {
				if got := p.rarity(p.height(rarity)); rarity > -math.Log10(tailWeek) && math.Abs(got-rarity) > 1e-6 {
					t.Fatalf("%s: the height of %v is as rare as %v", name, rarity, got)
				}
			}
		}
		if rate := beyond / weeks; rate < 0.6 || rate > 1.6 {
			t.Errorf("%s: what comes once a week came %.2f times", name, rate)
		}
	}
}

// Together the uncertain hours of a day make the day known well enough: a small topic with two and a half times the
// voices for a day, and no remarkable hour, is reported within that day.
func TestASmallTopicsLoudDayIsTold(t *testing.T) {
	const small, tries = 0.1, 30 // of the voices of days
	told := 0
	for seed := range uint64(tries) {
		r := rand.New(rand.NewPCG(seed, 2))
		series := days(29, seed)
		for i := range series {
			share := small
			if i >= 28*288 {
				share *= 2.5
			}
			kept := 0.0
			for range int(series[i].Value) {
				if r.Float64() < share {
					kept++
				}
			}
			series[i].Value = kept
		}
		judged, _ := Counts(series, 5*time.Minute, Rules{})
		for _, at := range alarms(judged) {
			if at >= 28*288 {
				told++
				break
			}
		}
	}
	t.Logf("%d of %d", told, tries)
	if told < tries*9/10 {
		t.Errorf("%d of %d unusual days are reported", told, tries)
	}
}

// A change of tone at the usual volume is found within two hours, long before it fills a window of six.
func TestATurnOfToneIsHeardWithinTwoHours(t *testing.T) {
	const topics, from = 40, 21*288 + 150
	found := 0
	for topic := range topics {
		r := rand.New(rand.NewPCG(uint64(topic), 2))
		var series []Count
		for i, c := range days(22, uint64(topic)) {
			c.Value *= 4
			share := 0.25
			if i >= from && i < from+24 {
				share = 0.42
			}
			for range int(c.Value) {
				if r.Float64() < share {
					c.Negative++
				}
			}
			series = append(series, c)
		}
		judged, _ := Counts(series, 5*time.Minute, Rules{})
		for _, at := range alarms(judged) {
			if at >= from && at < from+24 {
				found++
				break
			}
		}
	}
	t.Logf("%d of %d", found, topics)
	if found < topics*3/4 {
		t.Errorf("%d of %d turns from 25 to 42 %% negative were called for", found, topics)
	}
}
