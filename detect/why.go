package detect

import (
	"fmt"
	"strings"
	"time"

	"brandmelder/brand"
)

// Why makes one sentence a language from a spike's numbers.
func Why(sp *brand.Spike) map[string]string {
	var said []string
	for _, t := range sp.Evidence.Terms[:min(len(sp.Evidence.Terms), 5)] {
		said = append(said, "“"+t.Text+"”")
	}
	window, _ := time.ParseDuration(sp.Window)
	en := fmt.Sprintf("%.0f voices in %s, where %.0f to %.0f are usual; %.0f %% negative, usually %.0f %%", sp.Observed, brand.Span(window, "en"), sp.Low, sp.High, 100*sp.NegativeShare, 100*sp.ExpectedNegative)
	de := fmt.Sprintf("%.0f Stimmen in %s, üblich sind %.0f bis %.0f; %.0f %% negativ, sonst %.0f %%", sp.Observed, brand.Span(window, "de"), sp.Low, sp.High, 100*sp.NegativeShare, 100*sp.ExpectedNegative)
	if len(said) > 0 {
		en += ". People write of " + strings.Join(said, ", ")
		de += ". Geschrieben wird von " + strings.ReplaceAll(strings.Join(said, ", "), "“", "„")
		de = strings.ReplaceAll(de, "”", "“")
	}
	if sp.Learning {
		en += ". This topic is still learning; its past is short"
		de += ". Dieses Thema lernt noch; seine Vergangenheit ist kurz"
	}
	if sp.Everywhere {
		en += ". Nearly all topics rose at once: rather the source than the world"
		de += ". Fast alle Themen stiegen zugleich: eher die Quelle als die Welt"
	}
	if sp.Late {
		en += ". Told late: it was heard only after a gap"
		de += ". Spät gemeldet: gehört erst nach einer Lücke"
	}
	return map[string]string{"en": en + ".", "de": de + "."}
}

// Reasons is what speaks for a spike and what against it, the strongest first, made of its numbers and its evidence.
func Reasons(sp *brand.Spike) (out []brand.Reason) {
	say := func(speaksFor bool, en, de string) {
		out = append(out, brand.Reason{For: speaksFor, Text: map[string]string{"en": en, "de": de}})
	}
	ev := &sp.Evidence
	say(true, fmt.Sprintf("such a thing comes %s by this topic's own past; you allow for %s", brand.Often(sp.Score, "en"), brand.Often(sp.Threshold, "en")),
		fmt.Sprintf("so etwas kommt nach der eigenen Vergangenheit des Themas %s vor; erlaubt ist %s", brand.Often(sp.Score, "de"), brand.Often(sp.Threshold, "de")))
	times := sp.Observed / max(sp.Expected, 0.5)
	if sp.Kind != brand.Tone || times >= leastRatio {
		say(times >= leastRatio, fmt.Sprintf("%.1f times the usual voices", times), fmt.Sprintf("das %.1f-Fache der üblichen Stimmen", times))
	}
	worse := sp.NegativeShare - sp.ExpectedNegative
	switch {
	case sp.Kind == brand.Praise:
	case worse >= 0.1:
		say(true, fmt.Sprintf("%.0f %% are negative, usually %.0f %%", 100*sp.NegativeShare, 100*sp.ExpectedNegative), fmt.Sprintf("%.0f %% sind negativ, sonst %.0f %%", 100*sp.NegativeShare, 100*sp.ExpectedNegative))
	default:
		say(false, "no worse meant than usual", "nicht schlechter gemeint als sonst")
	}
	if n := len(ev.Sources); n >= 2 {
		say(true, fmt.Sprintf("heard on %d networks", n), fmt.Sprintf("auf %d Netzwerken gehört", n))
	} else if n == 1 {
		say(false, "heard on one network only", "nur auf einem Netzwerk gehört")
	}
	if ev.Articles > 0 {
		say(true, fmt.Sprintf("%d articles in the news", ev.Articles), fmt.Sprintf("%d Artikel in den Medien", ev.Articles))
	} else {
		say(false, "no article in the news yet", "noch kein Artikel in den Medien")
	}
	switch {
	case ev.Campaign:
		say(false, fmt.Sprintf("looks coordinated: %d mentions are worth %.0f voices, %d of %d accounts have fewer than %d followers", ev.Mentions, ev.Voices, ev.Small, ev.Authors, smallAccount),
			fmt.Sprintf("wirkt abgesprochen: %d Erwähnungen wiegen %.0f Stimmen, %d von %d Konten haben weniger als %d Follower", ev.Mentions, ev.Voices, ev.Small, ev.Authors, smallAccount))
	case ev.Mentions >= 10 && ev.Voices < 0.5*float64(ev.Mentions):
		say(false, fmt.Sprintf("mostly copies and reposts: %d mentions are worth %.0f voices", ev.Mentions, ev.Voices), fmt.Sprintf("meist Kopien und Weitergesagtes: %d Erwähnungen wiegen %.0f Stimmen", ev.Mentions, ev.Voices))
	case ev.Authors >= 5:
		say(true, fmt.Sprintf("%d different people", ev.Authors), fmt.Sprintf("%d verschiedene Leute", ev.Authors))
	}
	if sp.Planned != "" {
		say(false, "planned to be loud: "+sp.Planned, "geplant laut: "+sp.Planned)
	}
	if sp.Everywhere {
		say(false, "nearly all topics rose at once", "fast alle Themen stiegen zugleich")
	}
	if sp.Learning {
		say(false, "the topic's past is shorter than a week", "die Vergangenheit des Themas ist kürzer als eine Woche")
	}
	return out
}

// Outlook says in one sentence a language how a spike will probably go on; nil where nothing can be said. Times are in loc.
func Outlook(sp *brand.Spike, loc *time.Location) map[string]string {
	f := sp.Forecast
	if f == nil {
		return nil
	}
	from, to := f.EndsLow.In(loc).Format("15:04"), f.EndsHigh.In(loc)
	en, de := to.Format("15:04"), to.Format("15:04")
	if f.EndsHigh.Sub(f.EndsLow) > 18*time.Hour {
		en, de = to.Format("Mon 15:04"), [...]string{"So", "Mo", "Di", "Mi", "Do", "Fr", "Sa"}[to.Weekday()]+to.Format(" 15:04")
	}
	return map[string]string{
		"en": fmt.Sprintf("Of ten such spikes eight end with %.0f to %.0f voices (so far %.0f), between %s and %s.", f.TotalLow, f.TotalHigh, sp.Total, from, en),
		"de": fmt.Sprintf("Von zehn solchen Ausschlägen enden acht mit %.0f bis %.0f Stimmen (bisher %.0f), zwischen %s und %s.", f.TotalLow, f.TotalHigh, sp.Total, from, de),
	}
}
