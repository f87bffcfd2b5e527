package detect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"brandmelder/brand"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/at"
	"github.com/rickar/cal/v2/ch"
	"github.com/rickar/cal/v2/de"
	"github.com/rickar/cal/v2/gb"
	"github.com/rickar/cal/v2/us"
)

// countries are the countries with known public holidays. Only holidays of the whole country count.
var countries = map[string][]*cal.Holiday{"at": at.Holidays, "ch": ch.Holidays, "de": de.Holidays, "uk": gb.Holidays, "us": us.Holidays}

// Holidays returns a function that reports whether a day is a public holiday in one of the countries (at, ch, de, uk,
// us). The day's date in its own location counts. The error names an unknown country.
func Holidays(names ...string) (func(day time.Time) bool, error) {
	c := &cal.Calendar{}
	for _, name := range names {
		list, ok := countries[name]
		if !ok {
			return nil, fmt.Errorf("holidays of %q are not known; those of %s are", name, strings.Join(countryNames(), ", "))
		}
		c.AddHoliday(list...)
	}
	return func(day time.Time) bool {
		actual, _, _ := c.IsHoliday(day)
		return actual
	}, nil
}

func countryNames() (out []string) {
	for name := range countries {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// hourOfWeek is the local hour of the week: 0 is Monday, midnight. A holiday counts as a Sunday.
func (r *Rules) hourOfWeek(minute int64) int {
	t := time.Unix(minute*60, 0).In(r.Location)
	day := (int(t.Weekday()) + 6) % 7
	if r.Holiday != nil && r.Holiday(t) {
		day = 6
	}
	return day*24 + t.Hour()
}

// planned returns the planned event that overlaps the minutes [from, to), or nil.
func (s *state) planned(from, to int64) *brand.Planned {
	for i := range s.plans {
		if p := &s.plans[i]; p.From.Unix() < to*60 && p.To.Unix() > from*60 {
			return p
		}
	}
	return nil
}

// slotOf is the hour of the week of a minute. It keeps the answers for the last hours that were asked for.
func (d *Detector) slotOf(minute int64) int {
	hour := minute / 60
	known := &d.slots[hour%int64(len(d.slots))]
	if known.hour != hour {
		known.hour, known.slot = hour, int64(d.rules.hourOfWeek(minute))
	}
	return int(known.slot)
}
