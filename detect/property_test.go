package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"brandmelder/brand"

	"pgregory.net/rapid"
)

// eventful is two weeks of days, perhaps with some storms in the last of them.
func eventful(t *rapid.T) []Count {
	series := days(15, rapid.Uint64Range(1, 50).Draw(t, "seed"))
	for range rapid.IntRange(0, 3).Draw(t, "storms") {
		at, n := rapid.IntRange(10*288, 15*288-30).Draw(t, "at"), rapid.Float64Range(1, 60).Draw(t, "more")
		for i := range rapid.IntRange(1, 24).Draw(t, "long") {
			series[at+i].Value += math.Round(n)
		}
	}
	return series
}

// One mention more in the newest step never lowers its score.
func TestAMentionMoreNeverLowersTheScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		series := eventful(t)
		series = series[:len(series)-rapid.IntRange(0, 200).Draw(t, "cut")]
		before, _ := Counts(series, 5*time.Minute, Rules{})
		series[len(series)-1].Value += float64(rapid.IntRange(1, 5).Draw(t, "more"))
		after, _ := Counts(series, 5*time.Minute, Rules{})
		if b, a := before[len(before)-1].Score, after[len(after)-1].Score; a < b-1e-9 {
			t.Fatalf("the score falls from %v to %v", b, a)
		}
	})
}

// The same counts weeks earlier or later are judged the same.
func TestWeeksDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		series := eventful(t)
		judged, _ := Counts(series, 5*time.Minute, Rules{})
		weeks := time.Duration(rapid.IntRange(-100, 100).Draw(t, "weeks"))
		moved := slices.Clone(series)
		for i := range moved {
			moved[i].At = moved[i].At.Add(weeks * 7 * 24 * time.Hour)
		}
		again, _ := Counts(moved, 5*time.Minute, Rules{})
		if !slices.Equal(judged, again) {
			t.Fatal("the same counts are judged otherwise")
		}
	})
}

// A gap opens no spike, neither in it nor when the usual voices are back.
func TestAGapRaisesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		series := days(15, rapid.Uint64Range(1, 50).Draw(t, "seed"))
		plain, _ := Counts(series, 5*time.Minute, Rules{})
		from, long := rapid.IntRange(13*288, 14*288).Draw(t, "from"), rapid.IntRange(3, 144).Draw(t, "steps")
		for i := range long {
			series[from+i].Value = 0
		}
		judged, _ := Counts(series, 5*time.Minute, Rules{})
		for i := from; i < from+long+6*12; i++ { // within it, and six hours after
			if judged[i].Opened && !plain[i].Opened {
				t.Fatalf("the gap raised a spike %d steps after its beginning, %d long", i-from, long)
			}
		}
	})
}

// If activity and not chance makes the counts scatter, storms in counts several times as large are judged the same.
func TestScalingKeepsTheOrder(t *testing.T) {
	const usual = 4000 // voices an hour: with 400, chance would be as large as activity
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		play := func(times float64) (peaks []float64) {
			r, mood := rand.New(rand.NewPCG(seed, 2)), 0.0
			series := days(15, 7)
			for i := range series {
				mood = 0.98*mood + 0.06*r.NormFloat64()
				series[i].Value = math.Round(times * usual * dayShape[i/12%24] * math.Exp(mood+0.1*r.NormFloat64()))
			}
			var storms []int
			for _, day := range []int{11, 12, 13} {
				at, more := day*288+r.IntN(200), 2+2*r.Float64()
				storms = append(storms, at)
				for i := range 12 {
					series[at+i].Value = math.Round(series[at+i].Value + times*usual*more)
				}
			}
			judged, _ := Counts(series, 5*time.Minute, Rules{})
			for _, at := range storms {
				peak := judged[at].Score
				for _, j := range judged[at : at+12] {
					peak = max(peak, j.Score)
				}
				peaks = append(peaks, peak)
			}
			return peaks
		}
		a, b := play(1), play(rapid.Float64Range(3, 20).Draw(t, "scale"))
		for i := range a {
			if math.Abs(a[i]-b[i]) > 0.5 {
				t.Fatalf("three storms score %v, scaled %v", a, b)
			}
			for k := range a {
				if a[i] > a[k]+0.5 && b[i] <= b[k] {
					t.Fatalf("scaled, three storms of %v come in another order: %v", a, b)
				}
			}
		}
	})
}

// Feedback on alarms changes the topic's extremes: they are lower without the right alarms, and higher with the wrong
// ones.
func TestMarksTeach(t *testing.T) {
	rise := func(mark func(d *Detector)) float64 {
		d := newTestDetector(t)
		w := &world{r: rand.New(rand.NewPCG(2, 2))}
		storm := func(day int) time.Time { return t0.Add(time.Duration(day)*24*time.Hour + 15*time.Hour) }
		for m := range 16 * 24 * 60 {
			at := t0.Add(time.Duration(m) * time.Minute)
			rate := 12.0
			for _, day := range []int{9, 11, 13} {
				if !at.Before(storm(day)) && at.Before(storm(day).Add(time.Hour)) {
					rate = 150
				}
			}
			d.Advance(at)
			for _, m := range w.minute(at, rate, 0.2) {
				d.Add(at.Add(59*time.Second), &m)
			}
			if m == 15*24*60 {
				mark(d)
			}
		}
		return d.topics[0].Extremes[surge].rarity(d.topics[0].Extremes[surge].Over + 2)
	}
	say := func(right bool) func(d *Detector) {
		return func(d *Detector) {
			for _, day := range []int{9, 11, 13} {
				at := t0.Add(time.Duration(day)*24*time.Hour + 15*time.Hour)
				d.Feedback("acme", at, at.Add(2*time.Hour), right)
				d.Feedback("acme", at, at.Add(2*time.Hour), right) // repeating it changes nothing
			}
		}
	}
	silent := rise(func(*Detector) {})
	if right := rise(say(true)); right <= silent {
		t.Errorf("after three storms that were right the same height is as rare as %v, unmarked as %v", right, silent)
	}
	if wrong := rise(say(false)); wrong > silent {
		t.Errorf("after three alarms that were wrong the same height is as rare as %v, unmarked as %v", wrong, silent)
	}
}

// A planned peak calls nobody, whatever its height. Anger in it is reported.
func TestAPlannedPeakDoesNotDeafen(t *testing.T) {
	from := t0.Add(15*24*time.Hour + 12*time.Hour)
	for name, negative := range map[string]float64{"joy": 0.1, "anger": 0.7} {
		d, err := New(Rules{Topics: []brand.Topic{{Name: "acme", Query: "acme"}}, Scorer: plainScorer{}, Planned: []brand.Planned{{Topics: []string{"acme"}, From: from, To: from.Add(4 * time.Hour), Why: "launch"}}})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{r: rand.New(rand.NewPCG(4, 4))}
		var told []brand.Spike
		for m := range 16 * 24 * 60 {
			at := t0.Add(time.Duration(m) * time.Minute)
			rate, share := 20.0, 0.2
			if !at.Before(from) && at.Before(from.Add(3*time.Hour)) {
				rate, share = 300, negative
			}
			for _, sp := range d.Advance(at) {
				if !sp.Detected.Before(from) && sp.Kind != brand.Praise {
					told = append(told, sp)
				}
			}
			for _, m := range w.minute(at, rate, share) {
				d.Add(at.Add(59*time.Second), &m)
			}
		}
		switch {
		case name == "joy" && len(told) > 0:
			t.Errorf("a planned peak was told: %s %s", told[0].Kind, told[0].Detected)
		case name == "anger" && (len(told) == 0 || told[0].Planned != "launch" || told[0].Detected.Sub(from) > 15*time.Minute):
			t.Errorf("anger in a planned peak: told %d times", len(told))
		}
	}
}

// When nearly all topics rise at once, the source is the reason, and nobody is called.
func TestARiseOfAllTopicsIsTheSource(t *testing.T) {
	var topics []brand.Topic
	for _, name := range []string{"ant", "bee", "cow", "dog", "eel", "fox"} {
		topics = append(topics, brand.Topic{Name: name, Query: name})
	}
	d, err := New(Rules{Topics: topics, Scorer: plainScorer{}})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{r: rand.New(rand.NewPCG(6, 6))}
	doubled := t0.Add(15 * 24 * time.Hour)
	for m := range 15*24*60 + 120 {
		at := t0.Add(time.Duration(m) * time.Minute)
		rate := 20.0
		if !at.Before(doubled) {
			rate = 200
		}
		for _, sp := range d.Advance(at) {
			if !sp.Detected.Before(doubled) && (!sp.Everywhere || sp.Level > brand.LightAir) && sp.Detected.Sub(doubled) > 8*time.Minute {
				t.Fatalf("%s told at level %d, everywhere %v", sp.Topic, sp.Level, sp.Everywhere)
			}
		}
		for _, topic := range topics {
			for _, m := range w.minute(at, rate, 0.2) {
				m.Text = topic.Name + m.Text
				d.Add(at.Add(59*time.Second), &m)
			}
		}
	}
}

// A public holiday is expected to be like a Sunday, in the countries that have it.
func TestAHolidayIsLikeASunday(t *testing.T) {
	holiday, err := Holidays("de")
	if err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	r := Rules{Location: berlin, Holiday: holiday}
	for day, want := range map[string]int{"2026-10-03": 6, "2026-12-25": 6, "2026-10-05": 0, "2026-07-04": 5} {
		at, err := time.ParseInLocation(time.DateOnly, day, berlin)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.hourOfWeek(at.Add(15*time.Hour).Unix()/60) / 24; got != want {
			t.Errorf("%s is like day %d of the week, want %d", day, got, want)
		}
	}
	if _, err := Holidays("de", "atlantis"); err == nil {
		t.Error("the holidays of Atlantis are known")
	}
}

// Near misses can be asked for. Spikes are not among them.
func TestWhatWasNotRaisedCanBeAskedFor(t *testing.T) {
	series := days(21, 3)
	at := 19*288 + 150
	for i := range 3 {
		series[at+i].Value += 7
	}
	d := &Detector{rules: Rules{Location: time.UTC}}
	s := &state{topic: brand.Topic{Name: "counts", AlarmsPerWeek: 0.25}}
	s.begin(t0.Unix() / 60)
	var spikes []brand.Spike
	for _, c := range series {
		for m := range int64(5) {
			now := c.At.Unix()/60 + m
			s.advance(now, d.slotOf)
			s.Ring.at(now).Voices += float32(c.Value / 5)
			if s.Base.Hours < warmHours {
				s.WarmUp += c.Value / 5
			}
			spikes = s.closeMinute(now+1, d.slotOf, spikes)
		}
	}
	near := s.notRaisedLately()
	found := false
	for _, n := range near {
		if n.Score >= n.Threshold {
			t.Errorf("%+v is beyond its threshold", n)
		}
		found = found || n.At.Sub(series[at].At).Abs() < time.Hour
	}
	if !found && !slices.ContainsFunc(spikes, func(sp brand.Spike) bool { return sp.Began.Sub(series[at].At).Abs() < time.Hour }) {
		t.Errorf("the bump was neither raised nor remembered: %+v", near)
	}
}
