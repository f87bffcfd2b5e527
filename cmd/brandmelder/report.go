package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/detect"
	"brandmelder/i18n"
)

// reportText writes a backtest for a terminal.
func reportText(w io.Writer, r *pastReport, lang string) error {
	var sb strings.Builder
	fmt.Fprintf(&sb, "%d mentions, %s to %s\n", r.Mentions, stamp(r.From), stamp(r.To))
	for _, t := range r.Topics {
		fmt.Fprintf(&sb, "\n%s  %d mentions\n", t.Name, t.Mentions)
		fmt.Fprintf(&sb, "  %-66s %8s %9s %6s\n", "", "raised", "a week", "calls")
		for _, b := range t.Budgets {
			fmt.Fprintf(&sb, "  %-66s %8d %9.2f %6d\n", fmt.Sprintf("brandmelder, %g a week for nothing allowed", b.AlarmsPerWeek), len(b.Raised), b.PerWeek, b.Calls)
		}
		for _, p := range t.Rules {
			fmt.Fprintf(&sb, "  %-66s %8d %9.2f %6s\n", i18n.In("en").Rule(p.Rule), p.Alarms, p.PerWeek, "")
		}
		if t.Forecasts.Forecasts > 0 {
			fmt.Fprintf(&sb, "  %s\n", foretold(&t.Forecasts))
		}
		for _, a := range byBudget(&t) {
			mark := ""
			if a.Mark != "" {
				mark = " (people say: " + a.Mark + ")"
			}
			fmt.Fprintf(&sb, "\n  %s  level %d, %s; raised from a budget of %g on%s\n    %s\n", stamp(a.Detected), a.Level, a.Kind, a.From, mark, oneLine(i18n.In(lang).Why(&a.Spike), 400))
		}
	}
	_, err := io.WriteString(w, sb.String())
	return err
}

// foretold is how forecasts held, in a line.
func foretold(f *detect.ForecastCheck) string {
	return fmt.Sprintf("of %d forecasts the band of 80 %% held the voices in %d (%d had more), the end in %d (%d came later)", f.Forecasts, f.Voices, f.More, f.Ends, f.Later)
}

// budgetAlarm is an alarm with the smallest budget at which it was raised.
type budgetAlarm struct {
	pastAlarm
	From float64
}

// byBudget lists what was raised at any budget, once each, by time.
func byBudget(t *topicReport) (out []budgetAlarm) {
	for _, b := range t.Budgets {
		for _, a := range b.Raised {
			same := func(o budgetAlarm) bool { // the same storm begins, or is reported, in the same hours
				return o.Began.Sub(a.Began).Abs() < 2*time.Hour || o.Detected.Sub(a.Detected).Abs() < 2*time.Hour
			}
			if !slices.ContainsFunc(out, same) {
				out = append(out, budgetAlarm{a, b.AlarmsPerWeek})
			}
		}
	}
	slices.SortFunc(out, func(a, b budgetAlarm) int { return a.Detected.Compare(b.Detected) })
	return out
}

//go:embed backtest.html
var backtestPage string

// reportHTML writes a backtest as one page that needs nothing else.
func reportHTML(w io.Writer, r *pastReport, conf *config) error {
	p := i18n.In(conf.Language)
	page, err := template.New("backtest").Funcs(template.FuncMap{
		"t":      p.T,
		"n":      p.N,
		"number": func(x float64) string { return p.Decimal(x, 2) },
		"clock":  func(at time.Time) string { return p.Clock(at, conf.location) },
		"kind":   func(k brand.SpikeKind) string { return p.Name("spike.kind", string(k)) },
		"words":  func() *i18n.Printer { return p },
		"spike":  func(a budgetAlarm) *brand.Spike { return &a.Spike },
		"alarms": func(tr topicReport) []budgetAlarm { return byBudget(&tr) },
		"chart":  func(tr topicReport) template.HTML { return pastChart(&tr, conf.location, p) },
		"lang":   p.Lang,
	}).Parse(backtestPage)
	if err != nil {
		return err
	}
	return page.Execute(w, r)
}

// pastChart draws a topic's hours, and what was raised in them. It is made of numbers and fixed words alone.
func pastChart(tr *topicReport, loc *time.Location, p *i18n.Printer) template.HTML {
	const w, h, left, bottom, top = 960.0, 220.0, 40.0, 22.0, 10.0
	if len(tr.Hours) < 2 {
		return ""
	}
	most := 4.0
	for _, hour := range tr.Hours {
		most = max(most, hour.Voices)
	}
	from, to := tr.Hours[0].At, tr.Hours[len(tr.Hours)-1].At.Add(time.Hour)
	x := func(at time.Time) float64 { return left + (w-left-4)*float64(at.Sub(from))/float64(to.Sub(from)) }
	y := func(v float64) float64 { return h - bottom - (h-bottom-top)*v/most }
	var sb strings.Builder
	fmt.Fprintf(&sb, `<svg viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`, w, h, template.HTMLEscapeString(p.T("backtest.chart")))
	for _, v := range []float64{0, most / 2, most} {
		fmt.Fprintf(&sb, `<line class="grid" x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f"/><text x="%.0f" y="%.1f" text-anchor="end">%.0f</text>`, left, w-4, y(v), y(v), left-5, y(v)+4, v)
	}
	const labels = 8
	for i := range labels {
		at := from.Add(to.Sub(from) * time.Duration(2*i+1) / (2 * labels))
		fmt.Fprintf(&sb, `<text x="%.1f" y="%.0f" text-anchor="middle">%s</text>`, x(at), h-6, p.Date(at, loc))
	}
	line := func(class string, v func(brand.Point) float64) {
		fmt.Fprintf(&sb, `<polyline class="%s" points="`, class)
		for _, p := range tr.Hours {
			fmt.Fprintf(&sb, "%.1f,%.1f ", x(p.At), y(v(p)))
		}
		sb.WriteString(`"/>`)
	}
	line("voices", func(p brand.Point) float64 { return p.Voices })
	line("negative", func(p brand.Point) float64 { return p.Negative })
	for _, a := range byBudget(tr) {
		class := "rare"
		if a.From > brand.DefaultAlarmsPerWeek {
			class = "often"
		}
		fmt.Fprintf(&sb, `<line class="%s" x1="%.1f" x2="%.1f" y1="%.0f" y2="%.0f"/>`, class, x(a.Detected), x(a.Detected), top, h-bottom)
	}
	sb.WriteString(`</svg>`)
	return template.HTML(sb.String())
}
