package detect

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"

	"github.com/google/go-cmp/cmp"
)

// upgradeRules are the rules of the detector that wrote testdata/snapshot-7.bin.
var upgradeRules = Rules{
	Topics: []brand.Topic{{Name: "acme", Query: "acme", AlarmsPerWeek: 1}, {Name: "zenith", Query: "zenith", AlarmsPerWeek: 1, Role: brand.Competitor}},
	Scorer: plainScorer{},
	Planned: []brand.Planned{{
		Topics: []string{"zenith"}, From: t0.Add(3 * 24 * time.Hour), To: t0.Add(3*24*time.Hour + 5*time.Hour), Why: "launch",
	}},
}

// upgradeDay feeds the mentions of one day and returns the detector's output, a line each. Acme has storms on days 5, 9
// and 11. The snapshot was taken at noon of day 9, in the middle of a storm.
func upgradeDay(d *Detector, day, fromHour, toHour int) (said []string) {
	r := rand.New(rand.NewPCG(uint64(day), uint64(fromHour)))
	report := func(spikes []brand.Spike) {
		for _, sp := range spikes {
			said = append(said, fmt.Sprintf("%s %s %s %s level %d at %s began %s ended %s: %v of %v (%v to %v) score %v total %v negative %v planned %q forecast %+v",
				sp.Topic, sp.ID, sp.Kind, sp.State, sp.Level, sp.Updated.Format(time.DateTime), sp.Began.Format(time.DateTime), sp.Ended.Format(time.DateTime),
				sp.Observed, sp.Expected, sp.Low, sp.High, sp.Score, sp.Total, sp.NegativeShare, sp.Planned, sp.Forecast))
		}
	}
	for m := fromHour * 60; m < toHour*60; m++ {
		at := t0.Add(time.Duration(day*24*60+m) * time.Minute)
		report(d.Advance(at))
		storm := (day == 5 || day == 9 || day == 11) && m >= 10*60 && m < 15*60
		n := r.IntN(2)
		if storm {
			n += 2 + r.IntN(4)
		}
		for i := range n {
			x := brand.Mention{ID: fmt.Sprint(day, m, i), Source: []string{"x", "mastodon", "feed"}[r.IntN(3)], Author: fmt.Sprint(r.IntN(400)), At: at.Add(-time.Duration(r.IntN(300)) * time.Second)}
			switch k := r.IntN(20); {
			case k < 6 || storm && k < 15:
				x.Text = "acme bad"
			case k < 8:
				x.Text = "zenith and acme good"
			case k == 8:
				x.Text, x.Kind = fmt.Sprintf("acme plain: report %c says that prices rise all over the world", 'a'+r.IntN(6)), brand.Article
			case k == 9:
				x.Text, x.Kind = "acme plain", brand.Repost
			case k == 10:
				x.Text, x.Counted = "acme bad", true
			case k == 11:
				x.Kind, x.Topic, x.Count = brand.Tally, "zenith", int64(r.IntN(4))
			default:
				x.Text = "acme plain"
			}
			for _, h := range d.Add(at, &x) {
				if m%60 == 0 {
					said = append(said, fmt.Sprintf("%s heard %s: %v, weight %v", h.Topic, x.ID, h.Tone, h.Weight))
				}
			}
		}
	}
	if day%5 == 1 {
		d.Feedback("acme", t0.Add(5*24*time.Hour+10*time.Hour), t0.Add(5*24*time.Hour+12*time.Hour), true)
	}
	return said
}

// A store that version 7 wrote opens without learning again: the detector continues exactly as version 7 did.
func TestASnapshotOfVersion7IsRead(t *testing.T) {
	snap, err := os.ReadFile("testdata/snapshot-7.bin")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/snapshot-7-after.txt")
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(upgradeRules)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Restore(snap); err != nil {
		t.Fatal(err)
	}
	got := upgradeDay(d, 9, 12, 24)
	for day := 10; day < 13; day++ {
		got = append(got, upgradeDay(d, day, 0, 24)...)
	}
	if diff := cmp.Diff(strings.Split(strings.TrimSpace(string(want)), "\n"), got); diff != "" {
		t.Errorf("the detector goes on otherwise than version 7 did (-want +got):\n%s", diff)
	}
}
