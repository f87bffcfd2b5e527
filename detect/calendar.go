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

// countries are those whose public holidays are known: the ones that hold in the whole country.
var countries = map[string][]*cal.Holiday{"at": at.Holidays, "ch": ch.Holidays, "de": de.Holidays, "uk": gb.Holidays, "us": us.Holidays}

// Holidays says which days are a public holiday in one of the countries (at, ch, de, uk, us), by the day's date in its own location. The error names the
// country that is not known.
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

// hourOfWeek is 0 for Monday, midnight, local time. A holiday is like a Sunday.
func (r *Rules) hourOfWeek(minute int64) int {
	t := time.Unix(minute*60, 0).In(r.Location)
	day := (int(t.Weekday()) + 6) % 7
	if r.Holiday != nil && r.Holiday(t) {
		day = 6
	}
	return day*24 + t.Hour()
}

// planned returns the plan in which some of the minutes [from, to) lie, or nil.
func (s *state) planned(from, to int64) *brand.Planned {
	for i := range s.plans {
		if p := &s.plans[i]; p.From.Unix() < to*60 && p.To.Unix() > from*60 {
			return p
		}
	}
	return nil
}
