package incident

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Take is that the actor takes the incident: nobody else is called for want of an answer, and the actor speaks for the
// company. Who is named as owner or decider may take it over from somebody else. All who were called are notified.
type Take struct {
	Roster Roster
}

func (c Take) decide(d *decision) error {
	s := &d.s
	switch {
	case !s.Open():
		return ErrClosed
	case s.Taken.By == d.by.ID:
		return nil
	case !s.maySpeak(c.Roster, d.by.ID):
		return ErrNotYours
	case !s.MayTake(c.Roster, d.by.ID):
		return ErrTaken
	}
	d.emit(Taken{ActBy: d.actBy()})
	d.announce(Reason{Kind: ReasonTaken, Person: d.by.ID})
	return nil
}

// HandOver is that who has the incident gives it to somebody who may speak for the company. That person is called.
type HandOver struct {
	To     string
	Roster Roster
}

func (c HandOver) decide(d *decision) error {
	s := &d.s
	p := c.Roster.find(c.To)
	switch {
	case !s.Open():
		return ErrClosed
	case !s.mayHandOver(d.by.ID):
		return ErrTaken
	case c.To == s.Taken.By:
		return nil
	case p == nil || !s.maySpeak(c.Roster, c.To):
		return ErrNotYours
	case p.Absence == Away:
		return fmt.Errorf("hand over to %s: %w", c.To, ErrNotAvailable)
	}
	d.emit(HandedOver{To: c.To, ActBy: d.actBy()})
	why := Reason{Kind: ReasonHandedOver, Person: c.To, Number: s.Version}
	d.beside(c.To, s.roleOf(c.To), why)
	d.announce(why)
	return nil
}

// announce notifies all who were called, but for the actor and who the reason is about.
func (d *decision) announce(why Reason) {
	why.Number = d.s.Version
	seen := map[string]bool{d.by.ID: true, why.Person: true, "": true}
	for _, c := range d.s.Chain.Called {
		if !seen[c.Person] {
			seen[c.Person] = true
			d.call(c.Person, c.Role, why)
		}
	}
	for _, x := range d.s.Experts {
		if !x.Asked.IsZero() && !seen[x.Person] {
			seen[x.Person] = true
			d.call(x.Person, Helper, why)
		}
	}
}

// Check marks a step of the playbook as done, or as not done.
type Check struct {
	Step string
	Done bool
}

func (c Check) decide(d *decision) error {
	i := slices.IndexFunc(d.s.Steps, func(st Step) bool { return st.ID == c.Step })
	switch {
	case i < 0:
		return fmt.Errorf("step %s: %w", c.Step, ErrNotThere)
	case c.Done && d.s.Steps[i].DoneAt.IsZero():
		d.emit(StepDone{c.Step})
	case !c.Done && !d.s.Steps[i].DoneAt.IsZero():
		d.emit(StepUndone{c.Step})
	}
	return nil
}

// Limits of what a person writes, in characters.
const (
	MaxStatement = 20_000 // ten printed pages
	maxNote      = 4_000
)

// Edit is a new revision of a statement by who speaks for the company. Revision is the one that the actor read. Flags
// are those of the new text; what was confirmed before and is still there stays confirmed, but that every word of a
// model's text is read.
type Edit struct {
	Statement string
	Revision  int
	Text      string
	Flags     []Flag
	Roster    Roster
}

func (c Edit) decide(d *decision) error {
	st, err := d.revision(c.Statement, c.Revision)
	text := strings.TrimSpace(c.Text)
	switch {
	case err != nil:
		return err
	case !d.s.MayEdit(c.Roster, d.by.ID):
		return ErrNotOneVoice
	case utf8.RuneCountInString(text) > MaxStatement:
		return fmt.Errorf("statement %s: more than %d characters: %w", c.Statement, MaxStatement, ErrLongText)
	case text == "" || text == st.Latest().Text:
		return nil
	}
	old := slices.DeleteFunc(slices.Clone(st.Latest().Flags), func(f Flag) bool { return f.Kind == FlagModel })
	d.emit(StatementEdited{
		Statement: st.ID, Text: text, Flags: confirmed(c.Flags, old), Unapprove: len(st.Latest().Approvals) > 0,
	})
	return nil
}

// confirmed are the flags with who confirmed the same before.
func confirmed(flags, before []Flag) []Flag {
	out := slices.Clone(flags)
	for i := range out {
		for _, f := range before {
			if f.By != "" && f.Key() == out[i].Key() {
				out[i].By, out[i].At = f.By, f.At
			}
		}
	}
	return out
}

// revision returns the open incident's statement, if its latest revision is the one that the actor read.
func (d *decision) revision(statement string, number int) (*Statement, error) {
	st := d.s.Statement(statement)
	switch {
	case st == nil:
		return nil, fmt.Errorf("statement %s: %w", statement, ErrNotThere)
	case !d.s.Open():
		return nil, ErrClosed
	case st.Latest().Number != number:
		return nil, ErrOutdated
	}
	return st, nil
}

// Approve is the actor's word for the revision that they read: first that of who speaks for the company; where two are
// needed, then that of somebody of another department, who is called for it. Flags are those of the text; Confirm holds
// the keys of the flags that the actor confirms. While one is left that nobody confirmed, nothing is approved.
type Approve struct {
	Statement string
	Revision  int
	Flags     []Flag
	Confirm   []string
	Roster    Roster
}

func (c Approve) decide(d *decision) error {
	s := &d.s
	st, err := d.revision(c.Statement, c.Revision)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(s.counted(c.Roster, st), func(a Approval) bool { return a.By == d.by.ID }) {
		return nil
	}
	if !s.MayApprove(c.Roster, st, d.by.ID) {
		return ErrNotOneVoice
	}
	flags := confirmed(c.Flags, st.Latest().Flags)
	for i := range flags {
		switch {
		case flags[i].By != "":
		case !slices.Contains(c.Confirm, flags[i].Key()):
			return ErrUnconfirmed
		default:
			flags[i].By, flags[i].At = d.by.ID, d.now
		}
	}
	department := ""
	if p := c.Roster.find(d.by.ID); p != nil {
		department = p.Department
	}
	d.emit(StatementApproved{Statement: st.ID, Revision: c.Revision, Department: department, Flags: flags})
	if st = s.Statement(c.Statement); !s.Approved(st) {
		if seconds := s.seconds(c.Roster, s.counted(c.Roster, st)[0]); len(seconds) > 0 {
			d.beside(seconds[0], s.roleOf(seconds[0]), Reason{Kind: ReasonSecond, Statement: st.ID, Number: c.Revision})
		}
	}
	return nil
}

// Publish is that people published an approved revision. brandmelder publishes nothing itself.
type Publish struct {
	Statement string
	Revision  int
	Where     string
}

func (c Publish) decide(d *decision) error {
	st, err := d.revision(c.Statement, c.Revision)
	switch {
	case err != nil:
		return err
	case !d.s.Approved(st):
		return ErrNotApproved
	case utf8.RuneCountInString(c.Where) > maxNote:
		return ErrLongText
	case slices.ContainsFunc(st.Published, func(p Publication) bool { return p.Revision == c.Revision && p.Where == c.Where }):
		return nil
	}
	d.emit(StatementPublished{Statement: st.ID, Revision: c.Revision, Where: c.Where})
	return nil
}

// Draft is a language model's statements, or why it gave none.
type Draft struct {
	Model      string
	Statements []Statement
	Problem    string
}

func (c Draft) decide(d *decision) error {
	if !d.s.Open() || slices.Contains(d.s.Models, c.Model) {
		return nil
	}
	if c.Problem != "" {
		d.emit(DraftingFailed{Model: c.Model, Problem: c.Problem})
	}
	for _, st := range c.Statements {
		if d.s.Statement(st.ID) == nil {
			d.emit(StatementDrafted{st})
		}
	}
	return nil
}

// Assess keeps what a larger model reads in the storm.
type Assess struct {
	Assessment Assessment
}

func (c Assess) decide(d *decision) error {
	if d.s.Open() {
		d.emit(Assessed(c))
	}
	return nil
}

// Ask calls an expert that was suggested. Each is asked once.
type Ask struct {
	Expert string
}

func (c Ask) decide(d *decision) error {
	i := slices.IndexFunc(d.s.Experts, func(x Expert) bool { return x.Person == c.Expert })
	switch {
	case !d.s.Open():
		return ErrClosed
	case i < 0:
		return fmt.Errorf("expert %s: %w", c.Expert, ErrNotThere)
	case !d.s.Experts[i].Asked.IsZero():
		return nil
	}
	d.emit(ExpertAsked{c.Expert})
	d.call(c.Expert, Helper, Reason{Kind: ReasonHelp})
	return nil
}

// Answer is whether an expert who was asked helps.
type Answer struct {
	Accepts bool
}

func (c Answer) decide(d *decision) error {
	i := slices.IndexFunc(d.s.Experts, func(x Expert) bool { return x.Person == d.by.ID })
	switch {
	case i < 0 || d.s.Experts[i].Asked.IsZero():
		return fmt.Errorf("request to %s: %w", d.by.ID, ErrNotThere)
	case !d.s.Experts[i].Answered.IsZero() && d.s.Experts[i].Accepts == c.Accepts:
		return nil
	}
	d.emit(ExpertAnswered(c))
	return nil
}

// Note adds a person's words to the timeline.
type Note struct {
	Text string
}

func (c Note) decide(d *decision) error {
	text := strings.TrimSpace(c.Text)
	if utf8.RuneCountInString(text) > maxNote {
		return fmt.Errorf("note: more than %d characters: %w", maxNote, ErrLongText)
	}
	if text != "" {
		d.emit(Noted{text})
	}
	return nil
}

// Judge is what a person says of the call: it was right, or for nothing. Who said it last is right.
type Judge struct {
	Verdict Verdict
}

func (c Judge) decide(d *decision) error {
	if d.s.Verdict != c.Verdict && !d.s.Drill {
		d.emit(Judged(c))
	}
	return nil
}

// Close ends the incident. Into is the other incident where the outcome is Merged.
type Close struct {
	Outcome Outcome
	Into    string
}

func (c Close) decide(d *decision) error {
	switch {
	case !d.s.Open():
		return nil
	case (c.Outcome == Merged) != (c.Into != "") || c.Into == d.s.ID:
		return fmt.Errorf("merge into %q: %w", c.Into, ErrNotThere)
	}
	if c.Outcome == FalseAlarm && d.s.Verdict != Wrong && !d.s.Drill {
		d.emit(Judged{Wrong})
	}
	d.end(ClosedAs(c))
	return nil
}

// end closes the incident and calls the team, so that channels which show it take it down.
func (d *decision) end(e ClosedAs) {
	d.emit(e)
	d.call("", Team, Reason{Kind: ReasonClosed, Number: d.s.Version})
}

// Reopen is that a closed incident needs people again. The actor takes it, or the chain goes on from the beginning.
type Reopen struct {
	Roster Roster
}

func (c Reopen) decide(d *decision) error {
	if d.s.Open() {
		return nil
	}
	d.emit(Reopened{})
	if d.s.maySpeak(c.Roster, d.by.ID) {
		d.emit(Taken{ActBy: d.actBy()})
	} else {
		d.first(c.Roster)
	}
	return nil
}

// Fail is that a channel did not reach somebody.
type Fail struct {
	CallFailed
}

func (c Fail) decide(d *decision) error {
	d.emit(c.CallFailed)
	return nil
}
