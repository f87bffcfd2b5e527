package sentiment

import (
	"math"
	"testing"
)

// A doubtful text counts in part, so that little depends on which of two close probabilities is higher.
func TestWhatIsDoubtfulCountsInPart(t *testing.T) {
	for _, c := range []struct {
		tone               Tone
		negative, positive float64
	}{
		{Tone{1, 0, 0}, 1, 0},
		{Tone{0, 1, 0}, 0, 0},
		{Tone{0.05, 0.1, 0.85}, 0.003, 0.983},
		{Tone{0.5, 0.45, 0.05}, 0.549, 0.005},
		{Tone{0.45, 0.5, 0.05}, 0.445, 0.005},
		{Tone{}, 0, 0},
	} {
		negative, positive := c.tone.Counts()
		if math.Abs(float64(negative)-c.negative) > 0.001 || math.Abs(float64(positive)-c.positive) > 0.001 {
			t.Errorf("%v counts %.3f negative and %.3f positive, want %.3f and %.3f", c.tone, negative, positive, c.negative, c.positive)
		}
	}
}

// How much counts as negative is reported by tenths, from the texts that count least.
func TestAReportTellsWhatCounts(t *testing.T) {
	var examples []Example
	var tones []Tone
	for i := range 20 {
		examples = append(examples, Example{Label: Negative}, Example{Label: Neutral})
		tones = append(tones, Tone{1 - float32(i%2), float32(i % 2), 0}, Tone{0, 1, 0})
	}
	got := Evaluate(examples, tones).Counted
	if got.Negative != [tenths]float64{0, 0, 0, 0, 0, 1, 1, 1, 1, 1} || got.Other != [tenths]float64{} {
		t.Errorf("half of the negative texts are heard as such, and no other: %v", got)
	}
}
