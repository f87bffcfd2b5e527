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

// Short writes a time of day and its date without the year, in that zone. nil is UTC.
func (p *Printer) Short(t time.Time, loc *time.Location) string {
	return inZone(t, loc).Format(p.T("format.short"))
}

// Date writes a date without the year, in that zone. nil is UTC.
func (p *Printer) Date(t time.Time, loc *time.Location) string {
	return inZone(t, loc).Format(p.T("format.date"))
}

func inZone(t time.Time, loc *time.Location) time.Time {
	if loc == nil {
		loc = time.UTC
	}
	return t.In(loc)
}

// Duration writes a duration to the minute; below one to the second, from two days on to the day.
func (p *Printer) Duration(d time.Duration) string {
	h, m := int(d.Hours()), int(d.Minutes())%60
	switch {
	case h >= 48:
		return p.N("format.days", h/24)
	case h > 0 && m > 0:
		return p.T("format.hours_minutes", "Hours", h, "Minutes", m)
	case h > 0:
		return p.T("format.hours", "Hours", h)
	case d >= time.Minute:
		return p.T("format.minutes", "Minutes", m)
	}
	return p.T("format.seconds", "Seconds", int(d.Seconds()))
}

// Ago writes how long ago something was, as one number; of a negative duration, in how long it will be.
func (p *Printer) Ago(d time.Duration) string {
	area := "format.past."
	if d < 0 {
		area, d = "format.future.", -d
	}
	switch {
	case d < time.Minute:
		return p.T(area+"seconds", "N", int(d.Seconds()))
	case d < 2*time.Hour:
		return p.T(area+"minutes", "N", int(d.Minutes()))
	case d < 48*time.Hour:
		return p.T(area+"hours", "N", int(d.Hours()))
	}
	return p.N(area+"days", int(d.Hours()/24))
}

// Number writes a number with the language's separators, with at most one digit behind the point.
func (p *Printer) Number(x float64) string { return p.Decimal(x, 1) }

// Decimal is Number with at most so many digits behind the point.
func (p *Printer) Decimal(x float64, digits int) string {
	return message.NewPrinter(language.Make(p.lang)).Sprint(number.Decimal(x, number.MaxFractionDigits(digits)))
}

// Percent writes a share, 0 to 1, in whole percent.
func (p *Printer) Percent(x float64) string { return p.Decimal(100*x, 0) + " %" }

// List writes names one after the other.
func (p *Printer) List(words []string) string { return strings.Join(words, ", ") }
