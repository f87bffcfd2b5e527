package i18n

import (
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// Clock writes a time of day and its date as people of the language do, in that zone. nil is UTC.
func (p *Printer) Clock(t time.Time, loc *time.Location) string {
	return inZone(t, loc).Format(p.T("format.clock"))
}

// Hour writes a time of day, in that zone. nil is UTC.
func (p *Printer) Hour(t time.Time, loc *time.Location) string {
	return inZone(t, loc).Format(p.T("format.hour"))
}

func inZone(t time.Time, loc *time.Location) time.Time {
	if loc == nil {
		loc = time.UTC
	}
	return t.In(loc)
}

// Duration writes a duration to the minute; from two days on to the day.
func (p *Printer) Duration(d time.Duration) string {
	h, m := int(d.Hours()), int(d.Minutes())%60
	switch {
	case h >= 48:
		return p.N("format.days", h/24)
	case h > 0:
		return p.T("format.hours_minutes", "Hours", h, "Minutes", m)
	}
	return p.T("format.minutes", "Minutes", int(d.Minutes()))
}

// Number writes a number with the language's separators, with at most one digit behind the point.
func (p *Printer) Number(x float64) string {
	return message.NewPrinter(language.Make(p.lang)).Sprint(number.Decimal(x, number.MaxFractionDigits(1)))
}

// Percent writes a share, 0 to 1, in whole percent.
func (p *Printer) Percent(x float64) string {
	return message.NewPrinter(language.Make(p.lang)).Sprint(number.Decimal(100*x, number.MaxFractionDigits(0))) + " %"
}

// List writes names one after the other.
func (p *Printer) List(words []string) string { return strings.Join(words, ", ") }
