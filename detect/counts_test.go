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
		out = append(out, Count{t0.Add(time.Duration(i) * 5 * time.Minute), v})
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

// A series of counts raises its storm once, also when it flares up again, and the same whenever it happens in the calendar.
func TestCountsRaiseAStormOnceAndWeeksDoNotMatter(t *testing.T) {
	series := days(21, 1)
	from := 18*288 + 150
	for i := range 24 {
		series[from+i].Value += 40
	}
	for i := range 12 { // five hours later it flares up once more, and not higher
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

// A topic that is as loud every week is not worth a call for being so again; once louder it is.
func TestWhatThePastMonthWasAsLoudAsIsNoNews(t *testing.T) {
	var l loudness
	r := rand.New(rand.NewPCG(3, 3))
	for i := range 30 * 288 {
		x := float64(r.IntN(6))
		if i%288 < 4 { // a burst a day
			x = 180 + float64(r.IntN(40))
		}
		l.see(x)
	}
	usual, ok := l.rarity(200)
	louder, _ := l.rarity(900)
	limit := l.limit(0.25, 1)
	if !ok || usual >= limit || louder < limit {
		t.Errorf("200 is as rare as %.2f, 900 as %.2f; the limit is %.2f", usual, louder, limit)
	}
	for x := 0.0; x < 2000; x += 7 {
		a, _ := l.rarity(x)
		if b, _ := l.rarity(x + 7); b < a {
			t.Fatalf("%v more voices are less rare", x+7)
		}
	}
}
