package people

import (
	"slices"
	"time"
)

// Person is somebody of the company who may be called or asked.
type Person struct {
	ID            string
	Name          string
	Role          string
	Department    string
	Fields        []string // of knowledge
	Languages     []string // ISO 639-1
	Channels      []string // names of the configuration's channels, in the order to try
	Email         string
	Accounts      []string       // on networks, as in ingest.NewAuthors: what they write there is marked as one's own
	Hours         []Hours        // when at work; none means always reachable
	Location      *time.Location // of the hours
	Trainings     []string
	AsksPerMonth  int // how often an expert may be asked in 30 days; 0 means 4
	AwayUntil     time.Time
	OneVoiceReady bool // trained to speak for the company
}

// Hours is a span of a working day.
type Hours struct {
	Days     []time.Weekday
	From, To time.Duration // since midnight
}

// Reachable says whether the person works at that time.
func (p *Person) Reachable(at time.Time) bool {
	if at.Before(p.AwayUntil) {
		return false
	}
	if len(p.Hours) == 0 {
		return true
	}
	loc := p.Location
	if loc == nil {
		loc = time.UTC
	}
	t := at.In(loc)
	since := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	for _, h := range p.Hours {
		if slices.Contains(h.Days, t.Weekday()) && since >= h.From && since < h.To {
			return true
		}
	}
	return false
}

// NextOnDuty is when the person is next at work, to the hour: now, if they are. It is zero if that is not within a
// week.
func (p *Person) NextOnDuty(now time.Time) time.Time {
	if p.Reachable(now) {
		return now.UTC()
	}
	for t := now.Truncate(time.Hour).Add(time.Hour); t.Before(now.Add(7 * 24 * time.Hour)); t = t.Add(time.Hour) {
		if p.Reachable(t) {
			return t.UTC()
		}
	}
	return time.Time{}
}

// Department is a part of the company, with the goals that a crisis may touch.
type Department struct {
	Name  string
	Goals []string
	Head  string // a person's ID
}
