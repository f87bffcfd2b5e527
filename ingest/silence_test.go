package ingest

import (
	"testing"
	"time"
)

// A paper publishes from six to midnight, on Sundays only at noon. Its nights and Sundays are usual; a silence on a
// Tuesday morning is not.
func TestASilenceIsNewsWhenItIsLongerThanUsual(t *testing.T) {
	var r rhythm
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // a Monday
	r.begin(at)
	for ; at.Before(time.Date(2026, 3, 17, 9, 0, 0, 0, time.UTC)); at = at.Add(20 * time.Minute) {
		speaks := at.Hour() >= 6 && at.Weekday() != time.Sunday || at.Hour() == 12
		if r.quiet(at) {
			t.Fatalf("%s counts as quiet", at)
		}
		if speaks {
			r.record(at)
		}
	}
	for r.Last = at; !r.quiet(at); at = at.Add(time.Minute) {
		if at.Sub(r.Last) > 40*time.Hour {
			t.Fatal("its end is never noticed")
		}
	}
	if silent := at.Sub(r.Last); silent < 18*time.Hour {
		t.Errorf("it counts as quiet after %s, less than on a Sunday", silent)
	}
	var often rhythm
	at = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for ; at.Before(time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)); at = at.Add(time.Minute) {
		often.record(at)
	}
	if !often.quiet(at.Add(time.Hour)) || often.quiet(at.Add(20*time.Minute)) {
		t.Error("what speaks each minute must be missed within the hour, and not after twenty minutes")
	}
	often.begin(at.Add(6 * time.Hour)) // the daemon itself was down
	if often.quiet(at.Add(6*time.Hour + 10*time.Minute)) {
		t.Error("our own absence counts as its silence")
	}
	var new rhythm
	if new.record(at); new.quiet(at.Add(1000 * time.Hour)) {
		t.Error("a source of which nothing is known is missed")
	}
}
