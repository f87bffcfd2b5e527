package detect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/detect/sentiment"
	"brandmelder/store"
)

var t0 = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// plainScorer scores "bad" as negative and "good" as positive, so that a test decides the tone.
type plainScorer struct{}

func (plainScorer) Score(text string) sentiment.Tone {
	switch {
	case strings.Contains(text, "bad"):
		return sentiment.Tone{1, 0, 0}
	case strings.Contains(text, "good"):
		return sentiment.Tone{0, 0, 1}
	}
	return sentiment.Tone{0, 1, 0}
}

func newTestDetector(t testing.TB) *Detector {
	t.Helper()
	d, err := New(Rules{Topics: []brand.Topic{{Name: "acme", Query: "acme"}}, Scorer: plainScorer{}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

type world struct {
	r *rand.Rand
	n int
}

func (w *world) mention(at time.Time, tone string) brand.Mention {
	w.n++
	words := ""
	for range 6 {
		words += fmt.Sprintf(" %c%c%c%c", 'a'+w.r.IntN(26), 'a'+w.r.IntN(26), 'a'+w.r.IntN(26), 'a'+w.r.IntN(26))
	}
	return brand.Mention{ID: fmt.Sprint(w.n), At: at, Source: "x", Author: fmt.Sprint(w.n), Text: "acme " + tone + words}
}

// minute is what is published in one minute at so many an hour.
func (w *world) minute(at time.Time, perHour, negative float64) (ms []brand.Mention) {
	limit, p := math.Exp(-perHour/60), w.r.Float64()
	for ; p > limit; p *= w.r.Float64() {
		tone := "plain"
		switch x := w.r.Float64(); {
		case x < negative:
			tone = "bad"
		case x > 0.8:
			tone = "good"
		}
		ms = append(ms, w.mention(at.Add(time.Duration(w.r.IntN(60000))*time.Millisecond), tone))
	}
	return ms
}

// live plays days of 20 mentions an hour. Between from and to the source is down; it delivers all at to. storm adds to
// the rate.
func live(t *testing.T, d *Detector, days int, from, to time.Time, storm func(at time.Time) float64) (told []brand.Spike) {
	t.Helper()
	w := &world{r: rand.New(rand.NewPCG(7, 7))}
	var kept []brand.Mention
	for m := range days * 24 * 60 {
		at := t0.Add(time.Duration(m) * time.Minute)
		extra := storm(at)
		ms := w.minute(at, 20*dayShape[at.Hour()], 0.2)
		ms = append(ms, w.minute(at, extra, 0.8)...)
		if !at.Before(from) && at.Before(to) {
			kept = append(kept, ms...)
			ms = nil
		} else if len(kept) > 0 {
			ms = append(kept, ms...)
			kept = nil
		}
		told = append(told, d.Advance(at)...)
		for i := range ms {
			d.Add(at.Add(59*time.Second), &ms[i])
		}
	}
	return told
}

func calm(time.Time) float64 { return 0 }

func TestASourceThatWasDownForSixHoursAndDeliversAllAtOnceIsNoSpike(t *testing.T) {
	from := t0.Add(15*24*time.Hour + 10*time.Hour)
	for _, sp := range live(t, newTestDetector(t), 17, from, from.Add(6*time.Hour), calm) {
		if sp.Level >= brand.LightBreeze {
			t.Errorf("told a spike of level %d: %s to %s, %v in %s", sp.Level, sp.Began, sp.Updated, sp.Observed, sp.Window)
		}
	}
}

func TestAStormThatBrokeOutDuringTheOutageIsToldLateWithItsTrueStart(t *testing.T) {
	from := t0.Add(15*24*time.Hour + 10*time.Hour)
	began := from.Add(2 * time.Hour)
	told := live(t, newTestDetector(t), 17, from, from.Add(6*time.Hour), func(at time.Time) float64 {
		if at.Before(began) || at.After(began.Add(90*time.Minute)) {
			return 0
		}
		return 200
	})
	if len(told) == 0 {
		t.Fatal("nothing was told")
	}
	sp := told[0]
	if !sp.Late || sp.Began.Sub(began).Abs() > 10*time.Minute || sp.Detected.Before(from.Add(6*time.Hour)) {
		t.Errorf("got late %v, began %s (truly %s), detected %s, level %d", sp.Late, sp.Began, began, sp.Detected, sp.Level)
	}
	if last := told[len(told)-1]; last.State != brand.Ended || last.ID != sp.ID || last.Level < brand.ModerateBreeze {
		t.Errorf("it is over, and the last telling is %s of %s at level %d", last.State, last.ID, last.Level)
	}
}

func TestAStormIsToldWithinMinutesOnceAndHeldUntilItEnds(t *testing.T) {
	began := t0.Add(15*24*time.Hour + 18*time.Hour)
	told := live(t, newTestDetector(t), 17, t0, t0, func(at time.Time) float64 {
		if at.Before(began) || at.After(began.Add(3*time.Hour)) {
			return 0
		}
		return 150
	})
	opened, ids := 0, map[string]bool{}
	for _, sp := range told {
		ids[sp.ID] = true
		if sp.State == brand.Opened {
			opened++
			if late := sp.Detected.Sub(began); late < 0 || late > 10*time.Minute {
				t.Errorf("detected %s after it began", late)
			}
		}
	}
	if opened != 1 || len(ids) != 1 || told[len(told)-1].State != brand.Ended {
		t.Errorf("opened %d times under %d IDs, ended %v", opened, len(ids), told[len(told)-1].State)
	}
}

// A worse tone at the usual volume is the earliest sign there is. It is reported within hours. In the two weeks before,
// in six lives of a topic, no more is reported than the budget allows.
func TestAFallInToneAtTheUsualVolumeIsTold(t *testing.T) {
	early := 0
	for seed := range uint64(6) {
		d := newTestDetector(t)
		w := &world{r: rand.New(rand.NewPCG(seed, 3))}
		turned := t0.Add(15*24*time.Hour + 9*time.Hour)
		heard := false
		for m := 0; m < 15*24*60+12*60 && !heard; m++ {
			at := t0.Add(time.Duration(m) * time.Minute)
			negative := 0.15
			if !at.Before(turned) {
				negative = 0.6
			}
			for _, sp := range d.Advance(at) {
				if sp.Detected.Before(turned) && sp.State == brand.Opened {
					early++
				}
				heard = heard || !sp.Detected.Before(turned)
			}
			for _, m := range w.minute(at, 40*dayShape[at.Hour()], negative) {
				d.Add(at.Add(59*time.Second), &m)
			}
		}
		if !heard {
			t.Errorf("life %d: nobody heard the tone fall", seed)
		}
	}
	if early > 5 {
		t.Errorf("%d times told before anything happened", early)
	}
}

// One sentence from hundreds of accounts is worth a handful of voices.
func TestABotsFloodIsAHandfulOfVoices(t *testing.T) {
	var c weights
	var st clusters
	weigh := func(c *weights, m *brand.Mention) float64 {
		told, _ := st.insert(m.Text, 1000)
		return c.weigh(m, told, 1000)
	}
	sum := 0.0
	for i := range 500 {
		sum += weigh(&c, &brand.Mention{Source: "x", Author: fmt.Sprint(i), Text: fmt.Sprintf("Acme machines are overpriced garbage, buy here https://deal%d.example", i)})
	}
	if sum > 8 {
		t.Errorf("500 copies weigh %.1f voices", sum)
	}
	var people weights
	sum = 0
	for i := range 5 {
		sum += weigh(&people, &brand.Mention{Source: "x", Author: fmt.Sprint(i), Text: "Thanks!"})
	}
	if sum != 5 {
		t.Errorf("five people who say thanks weigh %.1f", sum)
	}
}

// A detector that is saved and restored at any minute judges the same to the bit.
func TestSnapshotAndRestoreChangeNothing(t *testing.T) {
	storm := t0.Add(4*24*time.Hour + 15*time.Hour)
	play := func(restoreEvery int) string {
		w := &world{r: rand.New(rand.NewPCG(5, 5))}
		d := newTestDetector(t)
		var told []brand.Spike
		for m := range 5 * 24 * 60 {
			at := t0.Add(time.Duration(m) * time.Minute)
			perHour, negative := 15.0, 0.2
			if !at.Before(storm) {
				perHour, negative = 200, 0.7
			}
			told = append(told, d.Advance(at)...)
			for _, m := range w.minute(at, perHour, negative) {
				d.Add(at.Add(59*time.Second), &m)
			}
			if restoreEvery > 0 && m%restoreEvery == 0 {
				data, err := d.Snapshot()
				if err != nil {
					t.Fatal(err)
				}
				d = newTestDetector(t)
				if err := d.Restore(data); err != nil {
					t.Fatal(err)
				}
			}
		}
		doc, err := json.Marshal(told)
		if err != nil {
			t.Fatal(err)
		}
		return string(doc)
	}
	whole := play(0)
	if whole == "null" {
		t.Fatal("the story has no spike to compare")
	}
	if broken := play(97); broken != whole {
		t.Error("a restored detector told something else")
	}
	if err := newTestDetector(t).Restore(bytes.Repeat([]byte{9}, 40)); err == nil {
		t.Error("nonsense was restored")
	}
}

func TestEvidenceNamesWhatIsSaidInPeoplesOwnSpelling(t *testing.T) {
	w := &world{r: rand.New(rand.NewPCG(1, 1))}
	before, spike := matched(w, 60, "guter Kaffee"), matched(w, 40, "Rückruf sofort")
	ev := Evidence(brand.Volume, spike, before)
	if len(ev.Terms) == 0 || !strings.Contains(ev.Terms[0].Text, "Rückruf") {
		t.Errorf("got %+v", ev.Terms)
	}
	if ev.Mentions != 40 || len(ev.Samples) == 0 || ev.First == nil || len(ev.Sketch) != 40 {
		t.Errorf("got %+v", ev)
	}
}

// Terms are found also for a topic that is new, and for one whose mentions are a few sentences again and again.
func TestTheTermsAreToldWithAndWithoutAPast(t *testing.T) {
	say := func(n int, weight float64, text string) (out []store.Matched) {
		for i := range n {
			out = append(out, store.Matched{Match: store.Match{Weight: weight, At: t0}, Mention: brand.Mention{ID: fmt.Sprint(text, i), At: t0, Text: text}})
		}
		return out
	}
	storm := append(say(12, 1, "acme: my kettle exploded"), say(10, 1, "acme shame on you, dangerous")...)
	for name, before := range map[string][]store.Matched{"none": nil, "copies": say(300, 0.01, "acme makes fine coffee"), "voices": say(300, 1, "acme makes fine coffee, my kettle is here")} {
		var said []string
		for _, term := range Evidence(brand.Volume, storm, before).Terms {
			said = append(said, term.Text)
		}
		if all := strings.Join(said, " "); !strings.Contains(all, "exploded") || slices.Contains(said, "acme") {
			t.Errorf("before %s: told %q", name, said)
		}
	}
}

// A mention that compares two brands is positive for one and negative for the other.
func TestAToneIsTowardsSomebody(t *testing.T) {
	d, err := New(Rules{Topics: []brand.Topic{{Name: "ours", Query: "acme OR @acme"}, {Name: "theirs", Query: "velta OR @velta", Role: brand.Competitor}, {Name: "coffee", Query: "acme OR @acme OR coffee"}}})
	if err != nil {
		t.Fatal(err)
	}
	d.Advance(t0)
	for text, want := range map[string][2]int{
		"@acme is so much better than @velta":                   {sentiment.Positive, sentiment.Negative},
		"I love velta but I hate acme, what a terrible service": {sentiment.Negative, sentiment.Positive},
		"Anders als Velta ist Acme wunderbar":                   {sentiment.Positive, sentiment.Negative},
	} {
		heard := d.Add(t0, &brand.Mention{ID: text, At: t0, Text: text})
		if len(heard) != 3 || heard[0].Tone.Class() != want[0] || heard[1].Tone.Class() != want[1] {
			t.Errorf("%q: heard %+v, want %v", text, heard, want)
		}
	}
	// Two topics of one brand get the same tone: that of the whole text.
	text := "I love the coffee, but the acme shop was closed"
	heard := d.Add(t0, &brand.Mention{ID: "one brand", At: t0, Text: text})
	if whole := sentiment.Default().Scorer().Score(text); len(heard) != 2 || heard[0].Tone != whole || heard[1].Tone != whole {
		t.Errorf("heard %+v, want %v twice", heard, whole)
	}
}
