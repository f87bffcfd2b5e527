package i18n

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"brandmelder/brand"

	"golang.org/x/text/unicode/bidi"
)

// Level is the level's name.
func (p *Printer) Level(l brand.Level) string {
	return p.T(fmt.Sprintf("spike.level_%d", min(max(l, brand.Calm), brand.Hurricane)))
}

// Often words how often what has a spike's score happens by chance.
func (p *Printer) Often(score float64) string {
	const year = 52
	switch weeks := math.Pow(10, score); {
	case weeks > 2*year:
		return p.T("spike.often_rarest")
	case weeks >= 1.5:
		return p.T("spike.often_weeks", "Weeks", p.whole(weeks))
	case weeks > 0.8:
		return p.T("spike.often_weekly")
	default:
		times, _ := strconv.ParseFloat(strconv.FormatFloat(1/weeks, 'g', 2, 64), 64)
		return p.T("spike.often_times", "Times", p.Number(times))
	}
}

// Span words how long a window is.
func (p *Printer) Span(d time.Duration) string {
	switch {
	case d >= 2*time.Hour:
		return p.T("spike.span_hours", "Hours", p.whole(d.Hours()))
	case d == time.Hour:
		return p.T("spike.span_hour")
	}
	return p.T("spike.span_minutes", "Minutes", p.whole(d.Minutes()))
}

// Rule describes a rule of detect.PublishedRules by its name.
func (p *Printer) Rule(name string) string { return p.T("spike.rule_" + name) }

// Why says in one sentence what stands out.
func (p *Printer) Why(sp *brand.Spike) string {
	window, _ := time.ParseDuration(sp.Window)
	said := []string{p.T("spike.why", "Voices", p.whole(sp.Observed), "Span", p.Span(window), "Low", p.whole(sp.Low), "High", p.whole(sp.High),
		"Negative", p.Percent(sp.NegativeShare), "Usual", p.Percent(sp.ExpectedNegative))}
	var terms []string
	for _, t := range sp.Evidence.Terms[:min(len(sp.Evidence.Terms), 5)] {
		terms = append(terms, p.T("spike.term", "Term", isolated(t.Text)))
	}
	if len(terms) > 0 {
		said = append(said, p.T("spike.why_terms", "Terms", p.List(terms)))
	}
	if sp.Learning {
		said = append(said, p.T("spike.why_learning"))
	}
	if sp.Everywhere {
		said = append(said, p.T("spike.why_everywhere"))
	}
	if sp.Late {
		said = append(said, p.T("spike.why_late"))
	}
	return strings.Join(said, ". ") + "."
}

// Reason speaks for or against that a spike is worth a call.
type Reason struct {
	For  bool   `json:"for"`
	Text string `json:"text"`
}

// Reasons are what speaks for a spike and what against it, the strongest first.
func (p *Printer) Reasons(sp *brand.Spike) (out []Reason) {
	add := func(speaksFor bool, text string) { out = append(out, Reason{speaksFor, text}) }
	add(true, p.T("spike.rare", "Often", p.Often(sp.Score), "Allowed", p.Often(sp.Threshold)))
	times := sp.Observed / max(sp.Expected, 0.5)
	if sp.Kind != brand.Tone || times >= brand.LeastRise {
		add(times >= brand.LeastRise, p.T("spike.times", "Times", p.Number(times)))
	}
	switch {
	case sp.Kind == brand.Praise:
	case sp.NegativeShare-sp.ExpectedNegative >= 0.1:
		add(true, p.T("spike.worse", "Negative", p.Percent(sp.NegativeShare), "Usual", p.Percent(sp.ExpectedNegative)))
	default:
		add(false, p.T("spike.no_worse"))
	}
	out = append(out, p.spread(&sp.Evidence)...)
	if sp.Planned != "" {
		add(false, p.T("spike.planned", "Plan", sp.Planned))
	}
	if sp.Everywhere {
		add(false, p.T("spike.everywhere"))
	}
	if sp.Learning {
		add(false, p.T("spike.learning"))
	}
	return out
}

// spread is what speaks for and against a spike by who writes, and where.
func (p *Printer) spread(ev *brand.Evidence) (out []Reason) {
	add := func(speaksFor bool, text string) { out = append(out, Reason{speaksFor, text}) }
	if n := len(ev.Sources); n > 0 {
		add(n > 1, p.N("spike.networks", n))
	}
	if ev.Articles > 0 {
		add(true, p.N("spike.articles", ev.Articles))
	} else {
		add(false, p.T("spike.no_article"))
	}
	counted := []any{"Mentions", p.whole(float64(ev.Mentions)), "Voices", p.whole(ev.Voices)}
	switch {
	case ev.Campaign:
		add(false, p.T("spike.campaign", append(counted, "Small", p.whole(float64(ev.Small)), "Authors", p.whole(float64(ev.Authors)), "Followers", brand.SmallAccount)...))
	case ev.Mentions >= 10 && ev.Voices < 0.5*float64(ev.Mentions):
		add(false, p.T("spike.copies", counted...))
	case ev.Authors >= 5:
		add(true, p.N("spike.authors", ev.Authors))
	}
	return out
}

// Outlook says in one sentence how the spike will probably go on; "" where the spike has no forecast.
func (p *Printer) Outlook(sp *brand.Spike, loc *time.Location) string {
	f := sp.Forecast
	if f == nil {
		return ""
	}
	to := p.Hour(f.EndsHigh, loc)
	if f.EndsHigh.Sub(f.EndsLow) > 18*time.Hour {
		to = p.T("spike.day_"+strings.ToLower(inZone(f.EndsHigh, loc).Weekday().String())) + " " + to
	}
	return p.T("spike.outlook", "Low", p.whole(f.TotalLow), "High", p.whole(f.TotalHigh), "Now", p.whole(sp.Total), "From", p.Hour(f.EndsLow, loc), "To", to)
}

// maxTerm is how many bytes of a term stand in a sentence.
const maxTerm = 400

// isolated is a text from outside that stands within a sentence. Written from right to left, it would turn the rest of
// the sentence around: then it stands between the marks of an isolate. Its own marks of direction are removed.
func isolated(text string) string {
	if len(text) > maxTerm { // no word of any language
		text = strings.ToValidUTF8(text[:maxTerm], "") + "…"
	}
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, text)
	if !strings.ContainsFunc(text, fromRight) {
		return text
	}
	const first, pop = "\u2068", "\u2069"
	return first + text + pop
}

func fromRight(r rune) bool {
	p, _ := bidi.LookupRune(r)
	return p.Class() == bidi.R || p.Class() == bidi.AL || p.Class() == bidi.AN
}

// whole writes a number without digits behind the point.
func (p *Printer) whole(x float64) string { return p.Number(math.RoundToEven(x)) }
