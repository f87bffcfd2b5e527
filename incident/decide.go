package incident

import (
	"errors"
	"time"
)

// Command is what a person or the program wants to do.
type Command interface {
	decide(d *decision) error
}

// Why a command is refused. Callers ask for them with errors.Is.
var (
	ErrClosed       = errors.New("the incident is closed")
	ErrNotThere     = errors.New("the incident has no such thing")
	ErrNotYours     = errors.New("only a person who may speak for the company, or was called to, may take it")
	ErrTaken        = errors.New("somebody else has it; they can hand it over")
	ErrNotOneVoice  = errors.New("only who speaks for the company may do this")
	ErrOutdated     = errors.New("the text was edited since it was read")
	ErrUnconfirmed  = errors.New("a flag of the statement is not confirmed; confirm each, or take out what it names")
	ErrNotApproved  = errors.New("the statement is not approved")
	ErrLongText     = errors.New("the text is too long")
	ErrNotAvailable = errors.New("this person cannot come")
)

// decision is a command under way: the state as it is behind the events so far.
type decision struct {
	s      State
	by     Actor
	now    time.Time
	events []Event
	calls  []Call
}

// emit adds an event and applies it.
func (d *decision) emit(e Event) {
	d.events = append(d.events, e)
	r := Record{Seq: d.s.Version + 1, At: d.now, By: d.by, Event: e}
	d.s.apply(&r)
}

// call adds a call to a person, or with "" to the team.
func (d *decision) call(to string, role Role, why Reason) {
	c := Call{Incident: d.s.ID, To: to, Role: role, Reason: why, Facts: d.s.facts(), Created: d.now, Due: d.now}
	if why.Kind == ReasonCalm {
		c.Facts.Ended = d.s.Calm
	}
	if why.Kind == ReasonClosed {
		c.Facts.Ended = d.now
	}
	d.calls = append(d.calls, c)
}

// Decide returns the events by which a command of the actor changes the state, and the calls that go with them; nothing
// where it changes nothing. The error says why the command is refused.
func Decide(s State, by Actor, c Command, now time.Time) ([]Event, []Call, error) {
	d := &decision{s: s.clone(), by: by, now: now.UTC().Truncate(time.Millisecond)}
	if err := c.decide(d); err != nil {
		return nil, nil, err
	}
	return d.events, d.calls, nil
}
