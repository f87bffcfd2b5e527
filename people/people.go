package people

import (
	"fmt"
	"math"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/strictyaml"
)

// People is who may be called, by people.yaml.
type People struct {
	Persons     []Person
	Departments []Department
	doc         *strictyaml.Doc
}

type peopleFile struct {
	Timezone    string       `yaml:"timezone"`
	People      []personLine `yaml:"people"`
	Departments []struct {
		Name  string   `yaml:"name"`
		Goals []string `yaml:"goals"`
		Head  string   `yaml:"head"`
	} `yaml:"departments"`
}

type personLine struct {
	ID         string   `yaml:"id"`
	Name       string   `yaml:"name"`
	Role       string   `yaml:"role"`
	Department string   `yaml:"department"`
	Fields     []string `yaml:"fields"`
	Languages  []string `yaml:"languages"`
	Channels   []string `yaml:"channels"`
	Email      string   `yaml:"email"`
	Accounts   []string `yaml:"accounts"`
	Hours      []string `yaml:"hours"`
	Trainings  []string `yaml:"trainings"`
	Limits     struct {
		AsksPerMonth int `yaml:"asks_per_month"`
	} `yaml:"limits"`
	AwayUntil time.Time `yaml:"away_until"`
	OneVoice  bool      `yaml:"one_voice"`
}

// Parse reads people.yaml; name stands in its problems. The error is strictyaml.Problems.
func Parse(name string, data []byte) (*People, error) {
	var f peopleFile
	doc, problems := strictyaml.Decode(name, data, &f)
	bad := func(msg string, at ...any) { problems = append(problems, doc.Problem(msg, at...)) }
	loc := time.UTC
	if f.Timezone != "" {
		l, err := time.LoadLocation(f.Timezone)
		if err != nil {
			bad(fmt.Sprintf("timezone %q is not known; write it as in Europe/Berlin", f.Timezone), "timezone")
		} else {
			loc = l
		}
	}
	p := &People{doc: doc}
	seen := map[string]bool{}
	for i, l := range f.People {
		if !idForm.MatchString(l.ID) {
			bad(fmt.Sprintf("id %q: want small letters, digits and -, starting with a letter", l.ID), "people", i, "id")
		}
		if slices.Contains(reserved, l.ID) {
			bad(fmt.Sprintf("id %q: the events of incidents call somebody else so; choose another one", l.ID), "people", i, "id")
		}
		if seen[l.ID] {
			bad(fmt.Sprintf("two people have the id %q", l.ID), "people", i, "id")
		}
		seen[l.ID] = true
		if l.Name == "" {
			bad("name is missing", "people", i)
		}
		if l.Email != "" {
			if _, err := mail.ParseAddress(l.Email); err != nil {
				bad(fmt.Sprintf("email %q is not an address", l.Email), "people", i, "email")
			}
		}
		person := Person{
			ID: l.ID, Name: l.Name, Role: l.Role, Department: l.Department, Fields: l.Fields, Languages: l.Languages, Channels: l.Channels,
			Email: l.Email, Accounts: l.Accounts, Location: loc, Trainings: l.Trainings, AsksPerMonth: l.Limits.AsksPerMonth, AwayUntil: l.AwayUntil, OneVoiceReady: l.OneVoice,
		}
		for j, text := range l.Hours {
			h, err := parseHours(text)
			if err != nil {
				bad(err.Error(), "people", i, "hours", j)
				continue
			}
			person.Hours = append(person.Hours, h)
		}
		p.Persons = append(p.Persons, person)
	}
	for i, d := range f.Departments {
		if d.Head != "" && !seen[d.Head] {
			bad(fmt.Sprintf("head %q is nobody of people%s", d.Head, strictyaml.Suggest(d.Head, p.ids())), "departments", i, "head")
		}
		p.Departments = append(p.Departments, Department{Name: d.Name, Goals: d.Goals, Head: d.Head})
	}
	return p, problems.Err()
}

var (
	dayNames    = []string{"so", "mo", "di", "mi", "do", "fr", "sa"}
	englishDays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// parseHours reads "Mon-Fri 09:00-17:00", "Sa 10:00-14:00", English or German.
func parseHours(text string) (h Hours, err error) {
	wrong := fmt.Errorf("hours %q: want days and times as in Mon-Fri 09:00-17:00", text)
	days, times, ok := strings.Cut(text, " ")
	from, to, ok2 := strings.Cut(times, "-")
	if !ok || !ok2 {
		return h, wrong
	}
	first, last, isRange := strings.Cut(days, "-")
	if !isRange {
		last = first
	}
	a, b := day(first), day(last)
	if a < 0 || b < 0 {
		return h, wrong
	}
	for d := a; ; d = (d + 1) % 7 {
		h.Days = append(h.Days, time.Weekday(d))
		if d == b {
			break
		}
	}
	clock := func(s string) (time.Duration, bool) {
		if s == "24:00" {
			return 24 * time.Hour, true
		}
		t, err := time.Parse("15:04", s)
		return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, err == nil
	}
	var okFrom, okTo bool
	h.From, okFrom = clock(from)
	h.To, okTo = clock(to)
	if !okFrom || !okTo || h.To <= h.From {
		return h, wrong
	}
	return h, nil
}

func day(s string) int {
	s = strings.ToLower(strings.TrimSuffix(s, "."))
	if i := slices.Index(dayNames, s); i >= 0 {
		return i
	}
	return slices.Index(englishDays, s)
}

func (p *People) ids() (out []string) {
	for _, q := range p.Persons {
		out = append(out, q.ID)
	}
	return out
}

// Person returns the one of that id, or nil.
func (p *People) Person(id string) *Person {
	if p == nil {
		return nil
	}
	for i := range p.Persons {
		if p.Persons[i].ID == id {
			return &p.Persons[i]
		}
	}
	return nil
}

// InRole returns the person of that id or role, or nil.
func (p *People) InRole(name string) *Person {
	if q := p.Person(name); q != nil || p == nil || name == "" {
		return q
	}
	for i := range p.Persons {
		if strings.EqualFold(p.Persons[i].Role, name) {
			return &p.Persons[i]
		}
	}
	return nil
}

// Parts are the people that a playbook names, by their IDs or roles.
type Parts struct {
	Owner, Deputy, Decides string
}

// Voices returns the one-voice owner, the deputy and the person who decides, of those that a playbook names in its
// languages: where the company has nobody of that role, people who are marked one_voice, and the deputy decides. Each
// may be nil; owner and deputy are never the same, nor owner and decider.
func (p *People) Voices(named ...Parts) (owner, deputy, decider *Person) {
	if p == nil {
		return nil, nil, nil
	}
	for _, b := range named {
		owner, deputy, decider = either(owner, p.InRole(b.Owner)), either(deputy, p.InRole(b.Deputy)), either(decider, p.InRole(b.Decides))
	}
	for i := range p.Persons {
		q := &p.Persons[i]
		switch {
		case !q.OneVoiceReady:
		case owner == nil && q != deputy:
			owner = q
		case deputy == nil && q != owner:
			deputy = q
		}
	}
	if owner == nil {
		owner, deputy = deputy, nil
	}
	if owner == deputy {
		deputy = nil
	}
	if decider == nil || decider == owner {
		decider = deputy
	}
	return owner, deputy, decider
}

func either(a, b *Person) *Person {
	if a != nil {
		return a
	}
	return b
}

// Need is what experts are looked for.
type Need struct {
	Fields    []string // of knowledge
	Languages []string
	At        time.Time
	Asked     map[string]int // how often each person was asked in the last 30 days
	Not       []string       // ids of people who have another part in this
}

const (
	minExperts   = 2
	maxExperts   = 5
	defaultAsks  = 4
	fieldWeight  = 3.0
	askedPenalty = 0.5
)

// Suggestion is an employee who could help, and why.
type Suggestion struct {
	Person string
	Why    []brand.Fact
}

// Experts suggests up to five people who know the matter, best first, each with the reasons. Who was asked too often is
// left in peace; who is off work comes after those who are there.
func (p *People) Experts(n Need) []Suggestion {
	if p == nil {
		return nil
	}
	type candidate struct {
		s     Suggestion
		score float64
		fits  bool
	}
	var cs []candidate
	for _, q := range p.Persons {
		limit := q.AsksPerMonth
		if limit == 0 {
			limit = defaultAsks
		}
		asked := n.Asked[q.ID]
		if slices.Contains(n.Not, q.ID) || asked >= limit || n.At.Before(q.AwayUntil) {
			continue
		}
		c := candidate{s: Suggestion{Person: q.ID}}
		why := func(kind string, words ...string) { c.s.Why = append(c.s.Why, brand.Fact{Kind: kind, Words: words}) }
		var fields []string
		for _, f := range q.Fields {
			if slices.ContainsFunc(n.Fields, func(w string) bool { return strings.EqualFold(w, f) }) {
				fields = append(fields, f)
			}
		}
		if len(fields) > 0 {
			c.fits = true
			c.score += fieldWeight * math.Sqrt(float64(len(fields)))
			why("knows", fields...)
		}
		var langs []string
		for _, l := range q.Languages {
			if slices.Contains(n.Languages, l) {
				langs = append(langs, l)
			}
		}
		if len(langs) > 0 {
			c.score += 0.5 * float64(len(langs))
			why("speaks", langs...)
		}
		if q.Reachable(n.At) {
			c.score++
			why("at_work")
		} else {
			why("off_work")
		}
		if len(q.Trainings) > 0 {
			c.score += 0.5
			why("trained", q.Trainings...)
		}
		if asked == 0 {
			why("not_asked")
		} else {
			c.score -= askedPenalty * float64(asked)
			c.s.Why = append(c.s.Why, brand.Fact{Kind: "asked", N: float64(asked)})
		}
		cs = append(cs, c)
	}
	slices.SortStableFunc(cs, func(a, b candidate) int {
		switch {
		case a.fits != b.fits && a.fits:
			return -1
		case a.fits != b.fits:
			return 1
		case a.score != b.score && a.score > b.score:
			return -1
		case a.score != b.score:
			return 1
		}
		return strings.Compare(a.s.Person, b.s.Person)
	})
	var out []Suggestion
	for _, c := range cs {
		if len(out) == maxExperts || len(out) >= minExperts && !c.fits {
			break
		}
		out = append(out, c.s)
	}
	return out
}

// Wanted is a playbook's wish for a one-voice owner.
type Wanted struct {
	Playbook string
	File     string
	Owner    string // an ID or role
	Builtin  bool   // one of the embedded playbooks, whose roles need not be there
}

// Check returns which people playbooks name that are not there, with their places. Roles of the embedded playbooks that
// nobody has are no mistake, as long as somebody is marked one_voice.
func (p *People) Check(wanted []Wanted) error {
	var problems strictyaml.Problems
	builtin := slices.ContainsFunc(wanted, func(w Wanted) bool { return w.Builtin })
	if builtin && !slices.ContainsFunc(p.Persons, func(q Person) bool { return q.OneVoiceReady }) {
		problems = append(problems, p.doc.Problem("nobody here is marked one_voice: true; say who may speak for the company", "people"))
	}
	for _, w := range wanted {
		if !w.Builtin && p.InRole(w.Owner) == nil {
			msg := fmt.Sprintf("plan %s (%s) wants %q as its one-voice owner, and nobody has that id or role%s", w.Playbook, w.File, w.Owner, strictyaml.Suggest(w.Owner, append(p.ids(), p.roles()...)))
			problems = append(problems, p.doc.Problem(msg, "people"))
		}
	}
	return problems.Err()
}

// CheckChannels says which people name channels that are not configured.
func (p *People) CheckChannels(names []string) error {
	var problems strictyaml.Problems
	for i, q := range p.Persons {
		for j, ch := range q.Channels {
			if !slices.Contains(names, ch) {
				problems = append(problems, p.doc.Problem(fmt.Sprintf("channel %q is not configured%s", ch, strictyaml.Suggest(ch, names)), "people", i, "channels", j))
			}
		}
	}
	return problems.Err()
}

func (p *People) roles() (out []string) {
	for _, q := range p.Persons {
		if q.Role != "" {
			out = append(out, q.Role)
		}
	}
	return out
}

var idForm = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// reserved are the IDs of actors that are no people: the program, and somebody who cannot be told apart.
var reserved = []string{"brandmelder", "desk"}
