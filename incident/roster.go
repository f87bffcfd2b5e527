package incident

import (
	"slices"
	"time"
)

// Absence is why a person is not called.
type Absence string

// A person is on leave, or their working hours are over. "" is for who is on duty.
const (
	Away    Absence = "away"
	OffDuty Absence = "off_duty"
)

// Person is what the rules of an incident need to know of somebody, at the time of the command.
type Person struct {
	ID         string
	Department string
	Speaks     bool      // may speak for the company
	Absence    Absence   // now
	OnDuty     time.Time // when next on duty, within a week; zero for not at all
}

// Roster is the people of the company, as they are at the time of the command.
type Roster []Person

// find returns the person, or nil.
func (r Roster) find(id string) *Person {
	i := slices.IndexFunc(r, func(p Person) bool { return p.ID == id })
	if i < 0 || id == "" {
		return nil
	}
	return &r[i]
}

// maySpeak reports whether somebody may take the incident: who is named for it, was called for it, or may speak for the
// company. Where no people are configured, everybody may.
func (s *State) maySpeak(r Roster, person string) bool {
	if len(r) == 0 {
		return true
	}
	p := r.find(person)
	return p != nil && (p.Speaks || s.cast(person) || s.wasCalled(person))
}

// cast reports whether the person is named for the incident.
func (s *State) cast(person string) bool {
	return person != "" && (person == s.Owner || person == s.Deputy || person == s.Decider)
}

// MayTake reports whether the person may take the incident now.
func (s *State) MayTake(r Roster, person string) bool {
	switch {
	case !s.Open() || !s.maySpeak(r, person):
		return false
	case s.Taken.By == "":
		return true
	}
	return person != s.Taken.By && (person == s.Owner || person == s.Decider)
}

// HandOverTo are the people to whom the person may hand the incident over now.
func (s *State) HandOverTo(r Roster, person string) (out []string) {
	if !s.mayHandOver(person) {
		return nil
	}
	for _, p := range r {
		if p.ID != person && p.ID != s.Taken.By && p.Absence != Away && s.maySpeak(r, p.ID) {
			out = append(out, p.ID)
		}
	}
	return out
}

// mayHandOver reports whether the person may give away the incident: who has it, its owner, or its decider.
func (s *State) mayHandOver(person string) bool {
	return s.Open() && s.Taken.By != "" && (person == s.Taken.By || person == s.Owner || person == s.Decider)
}

// MayEdit reports whether the person may write the company's words: who speaks for it.
func (s *State) MayEdit(r Roster, person string) bool {
	return len(r) == 0 || person == s.Voice()
}

// MayApprove reports whether the person's word for the latest revision of a statement counts now: the voice's first;
// then, where two are needed, that of somebody of another department who may speak or decides.
func (s *State) MayApprove(r Roster, st *Statement, person string) bool {
	given := s.counted(r, st)
	if slices.ContainsFunc(given, func(a Approval) bool { return a.By == person }) {
		return false
	}
	if len(given) == 0 {
		return s.MayEdit(r, person)
	}
	return s.NeedsTwo() && !twoDepartments(given) && slices.Contains(s.seconds(r, given[0]), person)
}

// counted are the approvals of a statement's latest revision. Where two departments are needed, an approval without a
// department is left out if its person has one by now: they may approve again.
func (s *State) counted(r Roster, st *Statement) []Approval {
	if !s.NeedsTwo() {
		return st.Latest().Approvals
	}
	return slices.DeleteFunc(slices.Clone(st.Latest().Approvals), func(a Approval) bool {
		p := r.find(a.By)
		return a.Department == "" && p != nil && p.Department != ""
	})
}

// seconds are the people whose approval counts beside the first, whoever is on duty before others.
func (s *State) seconds(r Roster, first Approval) (out []string) {
	for _, absent := range []bool{false, true} {
		add := func(id string) {
			p := r.find(id)
			if p != nil && p.ID != first.By && differ(p.Department, first.Department) && (p.Absence != "") == absent &&
				!slices.Contains(out, id) {
				out = append(out, id)
			}
		}
		add(s.Decider)
		add(s.Owner)
		add(s.Deputy)
		for _, p := range r {
			if p.Speaks {
				add(p.ID)
			}
		}
	}
	return out
}

// CanBeApproved reports whether there are people for the approvals that a statement of the incident needs.
func (s *State) CanBeApproved(r Roster) bool {
	if !s.NeedsTwo() {
		return true
	}
	p := r.find(s.Voice())
	return p != nil && len(s.seconds(r, Approval{By: p.ID, Department: p.Department})) > 0
}
