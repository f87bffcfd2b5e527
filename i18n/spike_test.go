package i18n

import (
	"strings"
	"testing"
	"time"

	"brandmelder/brand"

	"github.com/google/go-cmp/cmp"
)

func TestAScoreAndAWindowAreSaidInWords(t *testing.T) {
	for score, want := range map[float64][2]string{
		-1:    {"10 times a week", "10-mal in der Woche"},
		-0.1:  {"1.3 times a week", "1,3-mal in der Woche"},
		0:     {"once a week", "einmal in der Woche"},
		0.602: {"once in 4 weeks", "einmal in 4 Wochen"},
		3:     {"less than once in two years", "seltener als einmal in zwei Jahren"},
	} {
		if en, de := In("en").Often(score), In("de").Often(score); en != want[0] || de != want[1] {
			t.Errorf("%v is %q and %q, want %q", score, en, de, want)
		}
	}
	for d, want := range map[time.Duration][2]string{15 * time.Minute: {"15 minutes", "15 Minuten"}, time.Hour: {"an hour", "einer Stunde"}, 6 * time.Hour: {"6 hours", "6 Stunden"}} {
		if en, de := In("en").Span(d), In("de").Span(d); en != want[0] || de != want[1] {
			t.Errorf("%v is %q and %q, want %q", d, en, de, want)
		}
	}
	if en, de := In("en").Level(brand.Storm), In("de").Level(9); en != "storm" || de != "Orkan" {
		t.Errorf("levels are %q and %q", en, de)
	}
}

// A spike is stored as numbers, and explained when it is read, in the reader's language.
func TestASpikeIsExplainedFromItsNumbers(t *testing.T) {
	at := time.Date(2026, 3, 14, 18, 2, 0, 0, time.UTC) // a Saturday
	sp := &brand.Spike{
		Kind: brand.Volume, Window: "1h0m0s", Observed: 1234.4, Expected: 10, Low: 3, High: 21.6, NegativeShare: 0.81, ExpectedNegative: 0.2, Score: 1, Threshold: 0.602, Total: 1300,
		Late: true, Planned: "launch", Forecast: &brand.Forecast{TotalLow: 1310, TotalHigh: 5000, EndsLow: at, EndsHigh: at.Add(20 * time.Hour)},
		Evidence: brand.Evidence{Mentions: 30, Voices: 12, Authors: 4, Articles: 1, Terms: []brand.Term{{Text: "smoke"}, {Text: "recall {{.N}}"}}, Sources: map[string]int{"x": 20, "feed": 10}},
	}
	type said struct {
		Why, Outlook string
		Reasons      []Reason
	}
	say := func(p *Printer) said { return said{p.Why(sp), p.Outlook(sp, nil), p.Reasons(sp)} }
	for lang, want := range map[string]said{
		"en": {
			"1,234 voices in an hour, where 3 to 22 are usual; 81 % negative, usually 20 %. People write of “smoke”, “recall {{.N}}”. Reported late: it was received only after a gap.",
			"Of ten such spikes eight end with 1,310 to 5,000 voices (so far 1,300), between 18:02 and Sun 14:02.",
			[]Reason{
				{true, "such a thing comes once in 10 weeks by this topic's own past; you allow for once in 4 weeks"},
				{true, "123.4 times the usual voices"},
				{true, "81 % are negative, usually 20 %"},
				{true, "on 2 networks"},
				{true, "one article in the news"},
				{false, "mostly copies and reposts: 30 mentions are worth 12 voices"},
				{false, "a rise was planned: launch"},
			},
		},
		"de": {
			"1.234 Stimmen in einer Stunde, üblich sind 3 bis 22; 81 % negativ, sonst 20 %. Geschrieben wird von „smoke“, „recall {{.N}}“. Spät gemeldet: empfangen erst nach einer Lücke.",
			"Von zehn solchen Ausschlägen enden acht mit 1.310 bis 5.000 Stimmen (bisher 1.300), zwischen 18:02 und So 14:02.",
			[]Reason{
				{true, "so etwas kommt nach der eigenen Vergangenheit des Themas einmal in 10 Wochen vor; erlaubt ist einmal in 4 Wochen"},
				{true, "das 123,4-Fache der üblichen Stimmen"},
				{true, "81 % sind negativ, sonst 20 %"},
				{true, "auf 2 Netzwerken"},
				{true, "ein Artikel in den Medien"},
				{false, "meist Kopien und Weitergesagtes: 30 Erwähnungen wiegen 12 Stimmen"},
				{false, "ein Anstieg war geplant: launch"},
			},
		},
	} {
		if diff := cmp.Diff(want, say(In(lang))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", lang, diff)
		}
	}
	rtl := &brand.Spike{Evidence: brand.Evidence{Terms: []brand.Term{{Text: "\u202eעש"}}}}
	if got := In("en").Why(rtl); !strings.HasSuffix(got, "People write of “\u2068עש\u2069”.") {
		t.Errorf("a word from right to left stands in the sentence as %+q", got)
	}
	calm := &brand.Spike{Kind: brand.Tone, Window: "6h0m0s", Learning: true, Everywhere: true}
	if got := In("en").Outlook(calm, nil); got != "" {
		t.Errorf("without a forecast the outlook is %q", got)
	}
	want := []Reason{
		{true, "such a thing comes once a week by this topic's own past; you allow for once a week"},
		{false, "no worse meant than usual"},
		{false, "no article in the news yet"},
		{false, "nearly all topics rose at once"},
		{false, "the topic's past is shorter than a week"},
	}
	if diff := cmp.Diff(want, In("en").Reasons(calm)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
