package brand

import (
	"testing"
	"time"
)

func TestAScoreAndAWindowAreSaidInWords(t *testing.T) {
	for score, want := range map[float64][2]string{
		-1:    {"10 times a week", "10-mal in der Woche"},
		0:     {"once a week", "einmal in der Woche"},
		0.602: {"once in 4 weeks", "einmal in 4 Wochen"},
		3:     {"less than once in two years", "seltener als einmal in zwei Jahren"},
	} {
		if en, de := Often(score, "en"), Often(score, "de"); en != want[0] || de != want[1] {
			t.Errorf("%v is %q and %q, want %q", score, en, de, want)
		}
	}
	for d, want := range map[time.Duration][2]string{15 * time.Minute: {"15 minutes", "15 Minuten"}, time.Hour: {"an hour", "einer Stunde"}, 6 * time.Hour: {"6 hours", "6 Stunden"}} {
		if en, de := Span(d, "en"), Span(d, "de"); en != want[0] || de != want[1] {
			t.Errorf("%v is %q and %q, want %q", d, en, de, want)
		}
	}
}
