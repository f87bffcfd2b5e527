package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/cmd/brandmelder/story"
	"brandmelder/i18n"
)

// pastOf is the report of the demo's story.
func pastOf(t *testing.T, marks []mark) *pastReport {
	t.Helper()
	conf, err := demoConfig()
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBacktest(conf, marks)
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	for _, m := range story.Tell(story.Events...) {
		if err := enc.Encode(m); err != nil {
			t.Fatal(err)
		}
	}
	if bad, err := b.lines(t.Context(), &lines, "story"); err != nil || len(bad) > 0 {
		t.Fatal(bad, err)
	}
	return b.report()
}

// The past of the demo shows its storm at every budget, and fewer alarms than what tools publish; the page needs
// nothing else.
func TestABacktestShowsThePastAtEveryBudget(t *testing.T) {
	if testing.Short() {
		t.Skip("it plays a past at each budget")
	}
	r := pastOf(t, []mark{{"moccaria", story.Starts[story.Storm].Add(30 * time.Minute), true}})
	i := slices.IndexFunc(r.Topics, func(tr topicReport) bool { return tr.Name == "moccaria" })
	if i < 0 {
		t.Fatalf("no such topic among %d", len(r.Topics))
	}
	tr := r.Topics[i]
	for _, b := range tr.Budgets {
		at := slices.IndexFunc(b.Raised, func(a pastAlarm) bool {
			late := a.Detected.Sub(story.Starts[story.Storm])
			return late >= 0 && late <= 15*time.Minute && a.Level >= brand.LightBreeze
		})
		if at < 0 {
			t.Errorf("at %g a week the storm is not raised", b.AlarmsPerWeek)
		} else if a := b.Raised[at]; a.Mark != "right" || len(i18n.In("de").Reasons(&a.Spike)) < 5 || len(a.Evidence.Samples) == 0 {
			t.Errorf("at %g a week the storm has mark %q, %q, %d reasons", b.AlarmsPerWeek, a.Mark, i18n.In("de").Why(&a.Spike), len(i18n.In("de").Reasons(&a.Spike)))
		}
	}
	own := map[string]bool{} // at the topic's own budget it is what run and replay report
	for _, sp := range play(t, story.Events...).Spikes {
		if sp.Topic == "moccaria" && sp.Kind != brand.Praise {
			own[sp.ID] = true
		}
	}
	for _, a := range tr.Budgets[1].Raised {
		if !own[a.ID] {
			t.Errorf("replay does not report %s of %s", a.ID, a.Detected)
		}
		delete(own, a.ID)
	}
	if len(own) > 0 {
		t.Errorf("replay reports %d more", len(own))
	}
	if n := len(tr.Budgets[1].Raised); n > tr.Rules[0].Alarms {
		t.Errorf("%d raised at the default budget, %d by the first published rule", n, tr.Rules[0].Alarms)
	}
	if f := tr.Forecasts; f.Forecasts == 0 || f.Voices+f.More > f.Forecasts || f.Ends+f.Later > f.Forecasts {
		t.Errorf("forecasts: %+v", f)
	}
	conf, err := demoConfig()
	if err != nil {
		t.Fatal(err)
	}
	var page, text bytes.Buffer
	if err := reportHTML(&page, r, conf); err != nil {
		t.Fatal(err)
	}
	for _, outside := range []string{"<script", "src=", "href=", "@import", "url("} {
		if strings.Contains(page.String(), outside) {
			t.Errorf("the page has %s in it", outside)
		}
	}
	if err := reportText(&text, r, "en"); err != nil || !strings.Contains(text.String(), "people say: right") || !strings.Contains(text.String(), "forecasts the band of 80 % held") || !strings.Contains(page.String(), "forecasts the band of 80 % held") || !strings.Contains(page.String(), "<polyline") {
		t.Errorf("%v; the text is %.300s", err, text.String())
	}
}

// Marks are read line by line, and each bad one is reported with its place.
func TestBadMarksAreReportedWithTheirLine(t *testing.T) {
	conf := &config{topics: []brand.Topic{{Name: "acme"}}}
	name := filepath.Join(t.TempDir(), "marks.tsv")
	if err := os.WriteFile(name, []byte("# topic\nacme\t2026-03-14T18:00:00Z\tright\nacme\t2026-03-14T19:00:00Z\twrong\r\n\nacem\t2026-03-14T19:00:00Z\twrong\nacme\tyesterday\twrong\nacme\t2026-03-14T19:00:00Z\tmaybe\nacme right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := readMarks(name, conf)
	for _, want := range []string{`:5: no topic is called "acem"`, `:6: "yesterday" is not a time`, `:7: "maybe": want right or wrong`, ":8: want topic, time"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if err := os.WriteFile(name, []byte("acme\t2026-03-14T18:00:00Z\tright\nacme\t2026-03-14T19:00:00Z\twrong\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if marks, err := readMarks(name, conf); err != nil || len(marks) != 2 || !marks[0].right || marks[1].right {
		t.Errorf("got %v, %v", marks, err)
	}
}
