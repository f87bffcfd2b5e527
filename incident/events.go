package incident

import (
	"slices"
	"time"

	"brandmelder/brand"
)

// Opened begins an incident.
type Opened struct {
	ID         string      `json:"id"`
	Kind       Kind        `json:"kind"`
	Drill      bool        `json:"drill,omitempty"`
	Spike      brand.Spike `json:"spike"` // brief
	Plan       Plan        `json:"plan"`
	Owner      string      `json:"owner,omitempty"`
	Deputy     string      `json:"deputy,omitempty"`
	Decider    string      `json:"decider,omitempty"`
	Steps      []Step      `json:"steps,omitempty"`
	Statements []Statement `json:"statements,omitempty"`
	Experts    []Expert    `json:"experts,omitempty"`
}

func (e Opened) apply(s *State, _ *Record) {
	s.ID, s.Kind, s.Drill, s.Status = e.ID, e.Kind, e.Drill, Triage
	s.Plan, s.Playbook, s.Owner, s.Deputy, s.Decider = e.Plan, e.Plan.Playbook, e.Owner, e.Deputy, e.Decider
	s.Steps, s.Statements, s.Experts = e.Steps, e.Statements, e.Experts
	s.Level, s.Began, s.Detected, s.Notified = e.Spike.Level, e.Spike.Began, e.Spike.Detected, e.Spike.Level
	s.Topics, s.Spikes = []string{e.Spike.Topic}, []brand.Spike{e.Spike}
}

// SpikeJoined is a further spike of the same matter.
type SpikeJoined struct {
	Spike brand.Spike `json:"spike"` // brief
}

func (e SpikeJoined) apply(s *State, _ *Record) {
	s.Spikes = append(s.Spikes, e.Spike)
	if !slices.Contains(s.Topics, e.Spike.Topic) {
		s.Topics = append(s.Topics, e.Spike.Topic)
	}
	if e.Spike.Began.Before(s.Began) {
		s.Began = e.Spike.Began
	}
}

// SpikeChanged is a new report of a spike that is there.
type SpikeChanged struct {
	Spike brand.Spike `json:"spike"` // brief
}

func (e SpikeChanged) apply(s *State, _ *Record) {
	for i := range s.Spikes {
		if s.Spikes[i].ID == e.Spike.ID {
			s.Spikes[i] = e.Spike
		}
	}
	if e.Spike.Began.Before(s.Began) {
		s.Began = e.Spike.Began
	}
}

// LevelRaised is that the incident got worse.
type LevelRaised struct {
	Level brand.Level `json:"level"`
}

func (e LevelRaised) apply(s *State, _ *Record) { s.Level = e.Level }

// SpikeEnded is that a topic is calm again.
type SpikeEnded struct {
	Topic string    `json:"topic"`
	At    time.Time `json:"at"`
}

func (SpikeEnded) apply(*State, *Record) {}

// Called is that a person, or the whole team, is called.
type Called struct {
	Role   Role      `json:"role"`
	Person string    `json:"person,omitempty"` // "" for the team
	Reason Reason    `json:"reason"`
	At     time.Time `json:"at"`
	Rung   int       `json:"rung,omitempty"` // of the chain from here on; 0 for a call beside the chain
	Next   time.Time `json:"next,omitzero"`  // when the next person is called, if nobody takes it
}

func (e Called) apply(s *State, _ *Record) {
	s.Notified = max(s.Notified, e.Reason.Level)
	if e.Rung == 0 {
		return
	}
	s.Chain.Rung, s.Chain.Next = e.Rung, e.Next
	s.Chain.Called = append(s.Chain.Called, e)
}

// Skipped is that a person of the chain is not called, because they cannot come.
type Skipped struct {
	Role    Role    `json:"role"`
	Person  string  `json:"person"`
	Absence Absence `json:"absence"`
	Rung    int     `json:"rung"` // of the chain from here on
}

func (e Skipped) apply(s *State, _ *Record) {
	s.Chain.Rung = e.Rung
	s.Chain.Skipped = append(s.Chain.Skipped, e)
}

// NobodyFree is that nobody of the chain is on duty. The whole team is called at once.
type NobodyFree struct{}

func (NobodyFree) apply(s *State, _ *Record) { s.Chain.NobodyFree = true }

// CallFailed is that a channel did not reach somebody, after all tries.
type CallFailed struct {
	Person  string `json:"person,omitempty"` // "" for the team
	Channel string `json:"channel"`
	Error   string `json:"error"`          // as technical as it was
	Next    string `json:"next,omitempty"` // the channel that is tried now
}

func (CallFailed) apply(*State, *Record) {}

// Taken is that the actor takes the incident and speaks for the company.
type Taken struct {
	ActBy time.Time `json:"act_by,omitzero"` // when it is free again, if nothing follows
}

func (e Taken) apply(s *State, r *Record) { s.take(r.By.ID, r.At, e.ActBy) }

// HandedOver is that somebody else has the incident now.
type HandedOver struct {
	To    string    `json:"to"`
	ActBy time.Time `json:"act_by,omitzero"`
}

func (e HandedOver) apply(s *State, r *Record) { s.take(e.To, r.At, e.ActBy) }

func (s *State) take(person string, at, actBy time.Time) {
	s.Taken = Taking{By: person, At: at, ActBy: actBy}
	s.Chain.Next = time.Time{}
}

// TakeExpired is that nothing followed after somebody took the incident. The chain goes on.
type TakeExpired struct {
	Person string `json:"person"`
}

func (TakeExpired) apply(s *State, _ *Record) { s.Taken = Taking{} }

// acted is that who took the incident did something with it.
func (s *State) acted(r *Record) {
	if r.By.ID == s.Taken.By {
		s.Taken.ActBy = time.Time{}
	}
}

// StepDone is that a step of the playbook is done.
type StepDone struct {
	Step string `json:"step"`
}

func (e StepDone) apply(s *State, r *Record) {
	s.step(e.Step, r.At, r.By.ID)
	s.acted(r)
}

// StepUndone is that a step is not done after all.
type StepUndone struct {
	Step string `json:"step"`
}

func (e StepUndone) apply(s *State, r *Record) {
	s.step(e.Step, time.Time{}, "")
	s.acted(r)
}

func (s *State) step(id string, at time.Time, by string) {
	for i := range s.Steps {
		if s.Steps[i].ID == id {
			s.Steps[i].DoneAt, s.Steps[i].DoneBy = at, by
		}
	}
}

// StatementDrafted is that a language model drafted a statement.
type StatementDrafted struct {
	Statement Statement `json:"statement"`
}

func (e StatementDrafted) apply(s *State, _ *Record) {
	s.Statements = append(s.Statements, e.Statement)
	s.asked(e.Statement.From)
}

// DraftingFailed is that a language model gave no statement.
type DraftingFailed struct {
	Model   string `json:"model"`
	Problem string `json:"problem"` // as technical as it was
}

func (e DraftingFailed) apply(s *State, _ *Record) { s.asked(e.Model) }

func (s *State) asked(model string) {
	if !slices.Contains(s.Models, model) {
		s.Models = append(s.Models, model)
	}
}

// StatementEdited is a new revision of a statement.
type StatementEdited struct {
	Statement string `json:"statement"`
	Text      string `json:"text"`
	Flags     []Flag `json:"flags,omitempty"`
	Unapprove bool   `json:"unapprove,omitempty"` // the revision before had approvals, which do not count any more
}

func (e StatementEdited) apply(s *State, r *Record) {
	if st := s.Statement(e.Statement); st != nil {
		n := st.Latest().Number + 1
		st.Revisions = append(st.Revisions, Revision{Number: n, Text: e.Text, By: r.By.ID, At: r.At, Flags: e.Flags})
	}
	s.acted(r)
}

// StatementApproved is a person's word for a revision, with the flags that they confirmed by it.
type StatementApproved struct {
	Statement  string `json:"statement"`
	Revision   int    `json:"revision"`
	Department string `json:"department,omitempty"` // of the actor
	Flags      []Flag `json:"flags,omitempty"`      // of the revision, all confirmed
}

func (e StatementApproved) apply(s *State, r *Record) {
	if st := s.Statement(e.Statement); st != nil && e.Revision >= 1 && e.Revision <= len(st.Revisions) {
		rev := &st.Revisions[e.Revision-1]
		rev.Flags = e.Flags
		rev.Approvals = append(rev.Approvals, Approval{By: r.By.ID, Department: e.Department, At: r.At})
	}
	s.acted(r)
}

// StatementPublished is that people published an approved revision.
type StatementPublished struct {
	Statement string `json:"statement"`
	Revision  int    `json:"revision"`
	Where     string `json:"where,omitempty"`
}

func (e StatementPublished) apply(s *State, r *Record) {
	if st := s.Statement(e.Statement); st != nil {
		st.Published = append(st.Published, Publication{Revision: e.Revision, By: r.By.ID, At: r.At, Where: e.Where})
	}
	s.acted(r)
}

// ExpertAsked is that an employee is asked for help.
type ExpertAsked struct {
	Person string `json:"person"`
}

func (e ExpertAsked) apply(s *State, r *Record) {
	s.expert(e.Person, func(x *Expert) { x.Asked = r.At })
	s.acted(r)
}

// ExpertAnswered is that an expert helps, or cannot.
type ExpertAnswered struct {
	Accepts bool `json:"accepts"`
}

func (e ExpertAnswered) apply(s *State, r *Record) {
	s.expert(r.By.ID, func(x *Expert) { x.Answered, x.Accepts = r.At, e.Accepts })
}

func (s *State) expert(person string, f func(*Expert)) {
	for i := range s.Experts {
		if s.Experts[i].Person == person {
			f(&s.Experts[i])
		}
	}
}

// Noted is what a person adds to the timeline.
type Noted struct {
	Text string `json:"text"`
}

func (e Noted) apply(s *State, r *Record) { s.acted(r) }

// Judged is what a person says of the call.
type Judged struct {
	Verdict Verdict `json:"verdict"`
}

func (e Judged) apply(s *State, _ *Record) { s.Verdict = e.Verdict }

// Assessed is what a larger model reads in the storm.
type Assessed struct {
	Assessment Assessment `json:"assessment"`
}

func (e Assessed) apply(s *State, _ *Record) { s.Assessment = &e.Assessment }

// ClosedAs ends the incident.
type ClosedAs struct {
	Outcome Outcome `json:"outcome"`
	Into    string  `json:"into,omitempty"` // the incident that it was merged into
}

func (e ClosedAs) apply(s *State, r *Record) {
	s.Status, s.Outcome, s.MergedInto, s.Closed = Closed, e.Outcome, e.Into, r.At
	s.Chain.Next = time.Time{}
}

// Reopened is that a closed incident needs people again.
type Reopened struct{}

func (Reopened) apply(s *State, r *Record) {
	s.Status, s.Outcome, s.MergedInto, s.Closed = Open, "", "", time.Time{}
	s.Chain, s.Taken, s.Reopened = Chain{}, Taking{}, r.At
}

// Acted is that somebody worked on the incident. It stands in the history of imported incidents alone, whose versions
// did not store what exactly it was.
type Acted struct {
	What string `json:"what"` // done, not, edited, approved, asked, confirmed
}

func (Acted) apply(*State, *Record) {}

// Where an Imported incident is from.
const (
	FromOlder  = "older version"
	FromMemory = "memory"
)

// Imported is an incident without events of its own: an older version stored it, or the store lost its events and the
// state was saved again from memory.
type Imported struct {
	State   State    `json:"state"`
	From    string   `json:"from"`              // FromOlder or FromMemory
	History []Record `json:"history,omitempty"` // what the older version's timeline says, for people
}

func (e Imported) apply(s *State, _ *Record) { *s = e.State.clone() }

// settle sets what follows from the rest of the state.
func (s *State) settle() {
	s.TakenBy, s.Speaks = s.Taken.By, s.Voice()
	s.Calm = time.Time{}
	if len(s.Spikes) > 0 && !slices.ContainsFunc(s.Spikes, func(sp brand.Spike) bool { return sp.State != brand.Ended }) {
		for i := range s.Spikes {
			if s.Spikes[i].Ended.After(s.Calm) {
				s.Calm = s.Spikes[i].Ended
			}
		}
	}
	s.Terms = nil
	if worst := s.Worst(); len(worst.Evidence.Terms) > 0 {
		for _, t := range worst.Evidence.Terms[:min(len(worst.Evidence.Terms), 3)] {
			s.Terms = append(s.Terms, t.Text)
		}
	}
	if s.Status != Closed {
		s.Status = s.stage()
	}
	s.Due = s.due()
}

// stage is the status of an incident that is not closed.
func (s *State) stage() Status {
	switch {
	case !s.Calm.IsZero():
		return Watching
	case s.Taken.By != "" && s.Taken.ActBy.IsZero():
		return Responding
	case s.Taken.By != "":
		return Acknowledged
	case s.Verdict == Right || s.Status == Open:
		return Open
	}
	return Triage
}

// due is when Tick has something to do, if nothing happens before; zero for never.
func (s *State) due() (at time.Time) {
	if s.Status == Closed {
		return at
	}
	earlier := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if s.Kind == Crisis {
		earlier(s.Chain.Next)
		if s.Calm.IsZero() {
			earlier(s.Taken.ActBy)
		}
	}
	earlier(s.closes())
	return at
}

// closes is when the incident is closed for long calm; zero while it is not calm.
func (s *State) closes() time.Time {
	switch {
	case s.Calm.IsZero():
		return time.Time{}
	case s.Reopened.After(s.Calm):
		return s.Reopened.Add(s.calmFor())
	}
	return s.Calm.Add(s.calmFor())
}

func (s *State) calmFor() time.Duration {
	if s.Kind == Opportunity {
		return 24 * time.Hour
	}
	return 48 * time.Hour
}
