package incident

import (
	"fmt"
	"time"

	"brandmelder/brand"
)

// Role is a person's part in an incident.
type Role string

// The roles of those who are called.
const (
	Owner   Role = "owner"   // the one-voice owner
	Deputy  Role = "deputy"  // called when the owner cannot come or does not answer
	Decider Role = "decider" // approves beside the voice
	Helper  Role = "expert"
	Team    Role = "team" // all who read any channel
)

// ReasonKind is why somebody is called.
type ReasonKind string

// The reasons of a call.
const (
	ReasonOpened      ReasonKind = "opened"
	ReasonUnanswered  ReasonKind = "unanswered"   // nobody took it in time
	ReasonTakeExpired ReasonKind = "take_expired" // who took it did nothing
	ReasonNobodyFree  ReasonKind = "nobody_free"  // nobody of the chain is on duty
	ReasonGrowing     ReasonKind = "growing"      // to Level
	ReasonFlaresUp    ReasonKind = "flares_up"    // it was calm
	ReasonCalm        ReasonKind = "calm"
	ReasonTaken       ReasonKind = "taken" // by Person
	ReasonHandedOver  ReasonKind = "handed_over"
	ReasonSecond      ReasonKind = "second" // a second approval is needed for Statement
	ReasonHelp        ReasonKind = "help"   // an expert's knowledge is asked for
	ReasonClosed      ReasonKind = "closed"
)

// Reason is why somebody is called, with the facts that go with it.
type Reason struct {
	Kind      ReasonKind  `json:"kind"`
	Level     brand.Level `json:"level,omitempty"`
	Person    string      `json:"person,omitempty"`
	Statement string      `json:"statement,omitempty"`
	Number    int         `json:"number,omitempty"` // tells calls of one kind apart
}

// Call is one message to one person over one channel, and the ledger of what became of it. It waits in the outbox until
// it was sent or given up. Decide leaves Channel empty; package alert makes one call for each channel of it.
type Call struct {
	ID       string `json:"id"` // the same matter for the same person over the same channel is the same call
	Version  int    `json:"version"`
	Incident string `json:"incident"`
	To       string `json:"to,omitempty"` // a person's ID; "" for the team
	Role     Role   `json:"role"`
	Reason   Reason `json:"reason"`
	Facts    Facts  `json:"facts"`
	Channel  string `json:"channel"`

	Due      time.Time `json:"due"` // not to be tried before
	Attempts int       `json:"attempts,omitempty"`
	Error    string    `json:"error,omitempty"` // of the last attempt

	Created   time.Time `json:"created"`
	Sent      time.Time `json:"sent,omitzero"`      // the channel took it
	Delivered time.Time `json:"delivered,omitzero"` // the channel says that it arrived
	Opened    time.Time `json:"opened,omitzero"`    // the person opened its link
	Answered  time.Time `json:"answered,omitzero"`  // the person took the incident, or answered
	GivenUp   time.Time `json:"given_up,omitzero"`
}

// Waiting reports whether the call is still to be sent.
func (c *Call) Waiting() bool { return c.Sent.IsZero() && c.GivenUp.IsZero() }

// On is the call over a channel.
func (c Call) On(channel string) Call {
	c.Channel = channel
	c.ID = brand.Hash(c.Incident, fmt.Sprint(c.Reason), string(c.Role), c.To, channel)
	return c
}

// Facts are what a message says of the incident as it was when the call was made.
type Facts struct {
	Kind   Kind              `json:"kind"`
	Level  brand.Level       `json:"level"`
	Topics []string          `json:"topics"`
	Terms  []string          `json:"terms,omitempty"`
	Drill  bool              `json:"drill,omitempty"`
	Began  time.Time         `json:"began"`
	Ended  time.Time         `json:"ended,omitzero"`  // when all is over
	Spike  brand.Spike       `json:"spike"`           // the worst, brief
	First  map[string]string `json:"first,omitempty"` // the next step, by language
}

// facts are those of the incident as it is.
func (s *State) facts() Facts {
	f := Facts{Kind: s.Kind, Level: s.Level, Topics: s.Topics, Terms: s.Terms, Drill: s.Drill, Began: s.Began, Spike: *s.Worst()}
	for _, st := range s.Steps {
		if st.DoneAt.IsZero() {
			f.First = st.Text
			break
		}
	}
	return f
}
