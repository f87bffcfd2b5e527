package brand

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
