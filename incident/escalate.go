package incident

import (
	"slices"
	"time"

	"brandmelder/brand"
)

// Begin begins an incident and calls the first of its chain who is on duty.
type Begin struct {
	Opened
	Roster Roster
}

func (c Begin) decide(d *decision) error {
	if d.s.Version > 0 {
		return nil
	}
	d.emit(c.Opened)
	d.first(c.Roster)
	return nil
}

// first calls the first people for an incident that nobody has.
func (d *decision) first(r Roster) {
	why := Reason{Kind: ReasonOpened, Level: d.s.Level}
	if d.s.Kind == Opportunity {
		d.goodNews(r, why)
		return
	}
	d.escalate(r, why)
}

// goodNews calls one person in their working hours: it wakes nobody. Where nobody has any within a week, it stands on
// the pages alone.
func (d *decision) goodNews(r Roster, why Reason) {
	why.Number = d.s.Version
	if len(r) == 0 {
		d.emit(Called{Role: Team, Reason: why, At: d.now, Rung: lastRung})
		d.call("", Team, why)
		return
	}
	for i, rung := range d.s.rungs() {
		p := r.find(rung.person)
		switch {
		case p == nil:
		case p.OnDuty.IsZero():
			d.emit(Skipped{Role: rung.role, Person: p.ID, Absence: p.Absence, Rung: i + 1})
		default:
			d.emit(Called{Role: rung.role, Person: p.ID, Reason: why, At: d.now, Rung: i + 1})
			d.call(p.ID, rung.role, why)
			d.calls[len(d.calls)-1].Due = p.OnDuty
			return
		}
	}
}

// rung is one place of the escalation chain.
type rung struct {
	role   Role
	person string
}

// lastRung is the whole team.
const lastRung = 4

func (s *State) rungs() []rung {
	return []rung{{Owner, s.Owner}, {Deputy, s.Deputy}, {Decider, s.Decider}}
}

// escalate calls the next person of the chain who is on duty and was not called; behind the chain the whole team.
func (d *decision) escalate(r Roster, why Reason) {
	why.Number = d.s.Version
	for i, g := range d.s.rungs() {
		if i < d.s.Chain.Rung || g.person == "" || d.s.wasCalled(g.person) {
			continue
		}
		if p := r.find(g.person); p != nil && p.Absence != "" {
			if !slices.ContainsFunc(d.s.Chain.Skipped, func(k Skipped) bool { return k.Person == g.person }) {
				d.emit(Skipped{Role: g.role, Person: g.person, Absence: p.Absence, Rung: i + 1})
			}
			continue
		}
		d.emit(Called{Role: g.role, Person: g.person, Reason: why, At: d.now, Rung: i + 1, Next: d.now.Add(d.s.patience())})
		d.call(g.person, g.role, why)
		return
	}
	if len(d.s.Chain.Called) == 0 && len(d.s.Chain.Skipped) > 0 {
		d.emit(NobodyFree{})
		why.Kind = ReasonNobodyFree
	}
	next := time.Time{}
	if len(d.s.Chain.Called) == 0 { // nobody can be called by name: the team is called a second time
		next = d.now.Add(d.s.patience())
	}
	d.emit(Called{Role: Team, Reason: why, At: d.now, Rung: lastRung, Next: next})
	d.call("", Team, why)
}

// patience is how long the chain waits for an answer.
func (s *State) patience() time.Duration {
	if s.Plan.Acknowledge > 0 {
		return s.Plan.Acknowledge
	}
	return 15 * time.Minute
}

// Tick does what time asks for: the next person where nobody took it, the end of a taking that nothing followed, the
// closing of what has long been calm.
type Tick struct {
	Roster Roster
}

func (c Tick) decide(d *decision) error {
	s := &d.s
	if !s.Open() || s.Version == 0 {
		return nil
	}
	past := func(t time.Time) bool { return !t.IsZero() && !d.now.Before(t) }
	if s.Kind == Crisis && s.Taken.By != "" && s.Calm.IsZero() && past(s.Taken.ActBy) {
		d.emit(TakeExpired{Person: s.Taken.By})
		d.escalate(c.Roster, Reason{Kind: ReasonTakeExpired, Level: s.Level})
	} else if s.Kind == Crisis && s.Taken.By == "" && past(s.Chain.Next) {
		d.escalate(c.Roster, Reason{Kind: ReasonUnanswered, Level: s.Level})
	}
	if past(s.closes()) {
		d.end(ClosedAs{Outcome: Resolved})
	}
	return nil
}

// ReceiveSpike takes in a report of a spike that belongs to the incident.
type ReceiveSpike struct {
	Spike  brand.Spike // brief
	Roster Roster
}

func (c ReceiveSpike) decide(d *decision) error {
	s, sp := &d.s, c.Spike
	if !s.Open() {
		return ErrClosed
	}
	wasCalm := !s.Calm.IsZero()
	i := slices.IndexFunc(s.Spikes, func(o brand.Spike) bool { return o.ID == sp.ID })
	ended := sp.State == brand.Ended
	switch {
	case i >= 0 && !sp.Updated.After(s.Spikes[i].Updated) && sp.State == s.Spikes[i].State:
		return nil // received before a crash
	case i >= 0:
		ended = ended && s.Spikes[i].State != brand.Ended
		d.emit(SpikeChanged{sp})
	case sp.State == brand.Ended && sp.Level < brand.LightBreeze:
		return nil
	default:
		d.emit(SpikeJoined{sp})
	}
	if sp.Level > s.Level {
		d.emit(LevelRaised{sp.Level})
	}
	if ended {
		d.emit(SpikeEnded{Topic: sp.Topic, At: sp.Ended})
	}
	if s.Kind == Crisis {
		d.news(c.Roster, wasCalm, i < 0)
	}
	return nil
}

// news calls those who are in it when it got worse, flares up, or is over. Each is called for a level once.
func (d *decision) news(r Roster, wasCalm, joined bool) {
	s := &d.s
	n := len(s.Spikes)
	grew := s.Level > s.Notified
	if grew {
		why := Reason{Kind: ReasonGrowing, Level: s.Level}
		d.involve(why)
		if p := r.find(s.Decider); s.Level >= twoFrom && p != nil && p.Absence == "" && s.onCall() != s.Decider {
			d.beside(s.Decider, Decider, why)
		}
	}
	switch {
	case !s.Calm.IsZero():
		d.involve(Reason{Kind: ReasonCalm, Number: n})
	case !grew && wasCalm && joined:
		d.involve(Reason{Kind: ReasonFlaresUp, Number: n})
	}
}

// beside calls somebody without a step in the chain.
func (d *decision) beside(person string, role Role, why Reason) {
	d.emit(Called{Role: role, Person: person, Reason: why, At: d.now})
	d.call(person, role, why)
}

// onCall is who has it, else who was called last; "" for the team.
func (s *State) onCall() string {
	if s.Taken.By != "" {
		return s.Taken.By
	}
	if n := len(s.Chain.Called); n > 0 {
		return s.Chain.Called[n-1].Person
	}
	return s.Owner
}

// involve calls who is on call.
func (d *decision) involve(why Reason) {
	to := d.s.onCall()
	d.beside(to, d.s.roleOf(to), why)
}

// roleOf is the person's part in the incident.
func (s *State) roleOf(person string) Role {
	switch person {
	case "":
		return Team
	case s.Owner:
		return Owner
	case s.Decider:
		return Decider
	case s.Deputy:
		return Deputy
	}
	if slices.ContainsFunc(s.Experts, func(x Expert) bool { return x.Person == person }) {
		return Helper
	}
	return Deputy
}

// RoleOf is the person's part in the incident, "" where they have none.
func (s *State) RoleOf(person string) Role {
	if s.cast(person) || s.wasCalled(person) || s.Taken.By == person && person != "" {
		return s.roleOf(person)
	}
	if slices.ContainsFunc(s.Experts, func(x Expert) bool { return x.Person == person && !x.Asked.IsZero() }) {
		return Helper
	}
	return ""
}

// actBy is until when who takes it now has to act.
func (d *decision) actBy() time.Time {
	if d.s.Plan.Act > 0 {
		return d.now.Add(d.s.Plan.Act)
	}
	return d.now.Add(30 * time.Minute)
}
