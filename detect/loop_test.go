package detect

import (
	"bytes"
	"encoding/gob"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/store/sqlite"
)

// The loop reads people's feedback on an earlier spike within a minute. Feedback on a topic of another shard is
// ignored.
func TestTheLoopLearnsWhatPeopleSay(t *testing.T) {
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	l, err := NewLoop(st, Rules{Topics: []brand.Topic{{Name: "acme", Query: "acme"}}, Scorer: plainScorer{}}, Options{Name: "a", Holder: "me", Pin: true, Lease: 90 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := l.Acquire(t.Context()); err != nil || !ok {
		t.Fatal(ok, err)
	}
	w := &world{r: rand.New(rand.NewPCG(8, 8))}
	storm := t0.Add(3*24*time.Hour + 13*time.Hour)
	known := func() int { return l.d.topics[0].Extremes[surge].N }
	for m := range 4 * 24 * 60 {
		at := t0.Add(time.Duration(m) * time.Minute)
		rate := 10.0
		if !at.Before(storm) && at.Before(storm.Add(30*time.Minute)) {
			rate = 100
		}
		if ms := w.minute(at, rate, 0.2); len(ms) > 0 {
			if _, err := st.Append(t.Context(), at.Add(59*time.Second), ms); err != nil {
				t.Fatal(err)
			}
		}
		if m%10 == 9 {
			if err := l.Step(t.Context(), at.Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := known()
	for topic, spike := range map[string]string{"acme": "1", "elsewhere": "2"} {
		said := brand.Feedback{Spike: spike, Topic: topic, From: storm, To: storm.Add(time.Hour), Right: true}
		if err := st.SaveFeedback(t.Context(), said); err != nil {
			t.Fatal(err)
		}
	}
	// the next block is closed
	if err := l.Step(t.Context(), t0.Add(4*24*time.Hour+6*time.Hour+time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := l.Step(t.Context(), t0.Add(4*24*time.Hour+12*time.Hour+time.Minute)); err != nil {
		t.Fatal(err)
	}
	if after := known(); after != before+1 { // two more blocks, and the one with feedback less
		t.Errorf("%d blocks are known after the mark, %d before", after, before)
	}
	topics, err := st.TopicStatuses(t.Context())
	if err != nil || len(topics) != 1 {
		t.Errorf("%d statuses of topics, %v", len(topics), err)
	}
}

// A snapshot of an unknown version is not read. The error says so, and the detector is unchanged.
func TestASnapshotOfAnotherVersionIsNotRead(t *testing.T) {
	var buf bytes.Buffer
	enc := gob.NewEncoder(&buf)
	if err := errors.Join(enc.Encode(snapshotVersion+1), enc.Encode(int64(7))); err != nil {
		t.Fatal(err)
	}
	d := newTestDetector(t)
	d.Advance(t0)
	if err := d.Restore(buf.Bytes()); !errors.Is(err, ErrOtherVersion) || !d.Now().Equal(t0) {
		t.Errorf("got %v, and it is %s", err, d.Now())
	}
}

// The filter learns within a minute from mentions that people marked as not about the brand. Similar mentions are kept
// and shown, but not counted and not reported. A loop that starts anew uses the filter from its first mention.
func TestWhatIsNotAboutTheBrandIsHeldBack(t *testing.T) {
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	start := func(holder string) *Loop {
		l, err := NewLoop(st, Rules{Topics: []brand.Topic{{Name: "bahn", Query: "bahn"}}, Scorer: plainScorer{}}, Options{Name: "a", Holder: holder, Pin: true})
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := l.Acquire(t.Context()); err != nil || !ok {
			t.Fatal(ok, err)
		}
		return l
	}
	cities, sports := []string{"Köln", "Ulm", "Hamburg", "Berlin"}, []string{"Kegeln", "Bowling", "Golf", "Radsport"}
	ours := func(i int) string { return "Die Bahn nach " + cities[i%4] + " ist wieder voll, wir warten am Gleis" }
	theirs := func(i int) string { return sports[i%4] + " auf der zweiten Bahn macht Spaß" }
	l := start("one")
	say := func(at time.Time, ids string) (counted, held int) {
		for i := range 8 {
			for j, text := range []string{ours(i), theirs(i)} {
				m := brand.Mention{ID: ids + string(rune('a'+2*i+j)), Source: "x", At: at, Author: ids + string(rune('a'+2*i+j)), Text: text}
				if _, err := st.Append(t.Context(), at, []brand.Mention{m}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := l.Step(t.Context(), at.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if err := l.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		ms, err := st.Matched(t.Context(), "bahn", at, at.Add(time.Second), 100)
		if err != nil || len(ms) != 16 {
			t.Fatalf("%d mentions are kept, %v", len(ms), err)
		}
		for _, m := range ms {
			if m.Held() {
				held++
				if !strings.Contains(m.Mention.Text, "zweiten") {
					t.Errorf("%q is held back", m.Mention.Text)
				}
			} else {
				counted++
			}
		}
		return counted, held
	}
	if counted, held := say(t0, "m"); counted != 16 || held != 0 {
		t.Errorf("without marks %d are counted and %d held back", counted, held)
	}
	for i := range 12 {
		c := brand.Correction{Topic: "bahn", Mention: string(rune('a' + i)), Text: ours(i), About: brand.AboutUs, At: t0}
		if i%2 == 0 {
			c.Text, c.About = theirs(i/2), brand.NotAboutUs
		}
		if err := st.SaveCorrection(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Step(t.Context(), t0.Add(3*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if counted, held := say(t0.Add(5*time.Minute), "n"); counted != 8 || held != 8 {
		t.Errorf("with marks %d are counted and %d held back", counted, held)
	}
	if total := l.d.topics[0].Total; total != 24 {
		t.Errorf("%d mentions count, want 24", total)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	l = start("two")
	if counted, held := say(t0.Add(10*time.Minute), "o"); counted != 8 || held != 8 {
		t.Errorf("after a start %d are counted and %d held back", counted, held)
	}
}
