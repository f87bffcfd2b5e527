package detect

import (
	"fmt"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/detect/sentiment"
)

// If a network has too many posts to read, its counts are the volume, and the posts that are read give the tone.
func TestTalliesCountAndTheTextsThatAreReadTellTheTone(t *testing.T) {
	topic := newTestDetector(t).topics[0].topic
	run := func(mood string) (opened *brand.Spike) {
		d := newTestDetector(t)
		for m := range 15 * 24 * 60 {
			at := t0.Add(time.Duration(m) * time.Minute)
			for _, sp := range d.Advance(at) {
				if sp.State == brand.Opened {
					opened = &sp
				}
			}
			storm := m >= 15*24*60-60
			n := int64(5 + m%3)
			if storm {
				n = 80
			}
			if storm || m%120 == 0 {
				text, reads := "acme opens at nine today", 1
				if storm {
					text, reads = mood, 20
				}
				for i := range reads {
					d.Add(at.Add(59*time.Second), &brand.Mention{ID: fmt.Sprint(m, i), Source: "x", Text: text, At: at, Counted: true})
				}
			}
			d.Add(at.Add(59*time.Second), &brand.Mention{ID: at.String(), Source: "x", Kind: brand.Tally, Topic: topic.Name, Count: n, At: at})
			if m == 15*24*60-61 && opened != nil {
				t.Fatalf("before the storm: %+v", opened)
			}
		}
		return opened
	}
	angry, neutral := run("acme is bad"), run("acme opens at nine today")
	if angry == nil || angry.NegativeShare < 0.5 {
		t.Fatal("an angry storm was not reported, or not as angry")
	}
	if late := angry.Detected.Sub(t0.Add(15*24*time.Hour - time.Hour)); late > 10*time.Minute {
		t.Errorf("it was told after %s", late)
	}
	if neutral != nil && neutral.NegativeShare > 0.3 {
		t.Errorf("a neutral storm has the share %v of negative voices", neutral.NegativeShare)
	}
	d := newTestDetector(t)
	if got := d.Add(t0, &brand.Mention{Kind: brand.Tally, Topic: "another", Count: 5, At: t0}); got != nil {
		t.Errorf("a tally of another topic: %v", got)
	}
}

// doubtfulScorer cannot separate negative from neutral.
type doubtfulScorer struct{}

func (doubtfulScorer) Score(string) sentiment.Tone { return sentiment.Tone{0.5, 0.45, 0.05} }

// If the scorer is unsure, a mention counts as negative in part.
func TestADoubtfulMentionCountsInPart(t *testing.T) {
	d, err := New(Rules{Topics: []brand.Topic{{Name: "acme", Query: "acme"}}, Scorer: doubtfulScorer{}})
	if err != nil {
		t.Fatal(err)
	}
	d.Advance(t0)
	for i := range 20 {
		at := t0.Add(time.Duration(i) * time.Second)
		d.Add(at, &brand.Mention{ID: fmt.Sprint(i), Source: "x", Author: fmt.Sprint("a", i), Text: fmt.Sprint("acme opens at ", i), At: at})
	}
	now := t0.Unix() / 60
	if b := d.topics[0].Ring.sum(now, now+1); b.Voices != 20 || b.Negative < 10.9 || b.Negative > 11.1 || b.Positive > 0.2 {
		t.Errorf("of %.1f voices %.1f are negative and %.1f positive, want 11 and 0.1 of 20", b.Voices, b.Negative, b.Positive)
	}
}
