package brand

import "time"

// Role says whose topic it is.
type Role string

// The roles of a topic. Only an own topic makes a crisis; the others are told on the pages.
const (
	Own        Role = "own"
	Competitor Role = "competitor"
	Industry   Role = "industry"
)

// Topic is something the company listens for.
type Topic struct {
	Name          string
	Query         string   // in the language of room query
	AlarmsPerWeek float64  // how often the detector may be wrong, alarms a week; > 0
	Fields        []string // fields of knowledge that experts are looked for in
	Role          Role
}

// DefaultAlarmsPerWeek is one false alarm a month.
const DefaultAlarmsPerWeek = 0.25

// Planned is a time in which a topic is expected to be loud: a launch, a campaign, a match. However loud it then is,
// nobody is called for it; but what is meant worse than usual is told as always.
type Planned struct {
	Topics   []string // names; none means all
	From, To time.Time
	Why      string
}
