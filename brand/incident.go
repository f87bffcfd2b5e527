package brand

import (
	"errors"
	"time"
)

// IncidentKind says whether people are called to help or to enjoy.
type IncidentKind string

// The kinds of an incident.
const (
	Crisis      IncidentKind = "crisis"
	Opportunity IncidentKind = "opportunity"
)

// ErrNotOneVoice is returned when somebody who may not speak for the company in this incident tries to.
var ErrNotOneVoice = errors.New("only the one-voice owner may do this")

// Incident is a matter that people look after: one storm, whatever number of topics it touches.
type Incident struct {
	ID       string       `json:"id"`
	Version  int          `json:"version"` // for optimistic saving: one more with each save
	Kind     IncidentKind `json:"kind"`
	Topics   []string     `json:"topics"`
	Title    string       `json:"title"`
	Level    Level        `json:"level"` // highest so far
	Began    time.Time    `json:"began"`
	Detected time.Time    `json:"detected"`
	Updated  time.Time    `json:"updated"`
	Closed   time.Time    `json:"closed,omitzero"`
	Drill    bool         `json:"drill,omitempty"`

	Spikes []Spike `json:"spikes"` // the last telling of each, in order of their beginning

	Playbook    string `json:"playbook"`
	PlaybookWhy string `json:"playbook_why"`
	Owner       string `json:"owner"` // ID of the one-voice owner
	Deputy      string `json:"deputy,omitempty"`
	Decider     string `json:"decider,omitempty"` // the second person that approves at the highest levels
	Lang        string `json:"lang"`

	AckBy      string    `json:"ack_by,omitempty"`
	AckAt      time.Time `json:"ack_at,omitzero"`
	EscalateAt time.Time `json:"escalate_at,omitzero"` // when the next person is called, if nobody answers
	Escalated  int       `json:"escalated"`
	ToldLevel  Level     `json:"told_level"` // the level people were last told
	Verdict    Verdict   `json:"verdict,omitempty"`

	Second *SecondHearing `json:"second,omitempty"`

	Experts  []Suggestion `json:"experts"`
	Steps    []Step       `json:"steps"`
	Drafts   []Draft      `json:"drafts"`
	Timeline []Event      `json:"timeline"` // append-only
}

// SecondHearing is how a larger model hears some of a storm's mentions, beside how the ear heard the same. People read it; nothing is judged by it.
type SecondHearing struct {
	Model   string    `json:"model"`
	At      time.Time `json:"at"`
	Level   Level     `json:"level"`             // of the incident then
	Read    int       `json:"read"`              // mentions
	Heard   [3]int    `json:"heard"`             // of them, by the model: negative, neutral, positive
	Ear     [3]int    `json:"ear"`               // of the same, by the ear
	Spent   Spent     `json:"spent,omitempty"`   // the budget that left the rest unheard
	Problem string    `json:"problem,omitempty"` // what went wrong, in English, as technical as it was
}

// Spent is a budget of a larger model that has nothing left.
type Spent string

// The budgets: calls a day, money a month.
const (
	SpentCalls Spent = "calls"
	SpentMoney Spent = "money"
)

// Verdict is what people say of a call, when they know.
type Verdict string

// A call was right, or it was for nothing.
const (
	Right Verdict = "right"
	Wrong Verdict = "wrong"
)

// Open says whether the incident still needs people.
func (in *Incident) Open() bool { return in.Closed.IsZero() }

// Note adds to the timeline.
func (in *Incident) Note(at time.Time, by, what string) {
	in.Timeline = append(in.Timeline, Event{At: at.UTC(), By: by, What: what})
	in.Updated = at.UTC()
}

// Event is one line of an incident's timeline.
type Event struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"` // a person's ID, or "brandmelder"
	What string    `json:"what"`
}

// Step is one step of the playbook, with its deadline.
type Step struct {
	ID     string    `json:"id"`
	Text   string    `json:"text"` // Markdown
	Role   string    `json:"role"`
	Due    time.Time `json:"due"`
	DoneAt time.Time `json:"done_at,omitzero"`
	DoneBy string    `json:"done_by,omitempty"`
}

// Suggestion is an employee who could help, and why.
type Suggestion struct {
	Person string    `json:"person"`
	Name   string    `json:"name"`
	Why    []string  `json:"why"`
	Asked  time.Time `json:"asked,omitzero"`
}

// Draft is a text that may become an official statement, by a person's word and never otherwise.
type Draft struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind"` // holding statement, reply, internal
	Lang      string     `json:"lang"`
	Text      string     `json:"text"`
	From      string     `json:"from"`           // "playbook" or the name of the model
	Note      string     `json:"note,omitempty"` // why it is not what was asked for
	Edited    string     `json:"edited,omitempty"`
	Flags     []Flag     `json:"flags,omitempty"` // what only this draft says, and who confirmed it
	Approvals []Approval `json:"approvals,omitempty"`
}

// Approval is one person's word for a draft as it stands. An edit takes it back.
type Approval struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// Call is one message to one person over one channel. It stays in the outbox until it was sent or given up.
type Call struct {
	ID       string    `json:"id"` // the same matter for the same person is the same call
	Incident string    `json:"incident"`
	To       string    `json:"to"`   // a person's ID
	Role     string    `json:"role"` // owner, deputy, decider, expert, team
	Reason   string    `json:"reason"`
	Channel  string    `json:"channel"`
	At       time.Time `json:"at"`
	Due      time.Time `json:"due"` // not to be tried before
	Attempts int       `json:"attempts"`
	Sent     time.Time `json:"sent,omitzero"`
	GivenUp  bool      `json:"given_up,omitempty"`
	Error    string    `json:"error,omitempty"`
	Message  Message   `json:"message"`
}

// Message is what a call says, in the order in which a woken person needs it.
type Message struct {
	Incident string       `json:"incident"`
	Kind     IncidentKind `json:"kind"`
	Level    Level        `json:"level"`
	Lang     string       `json:"lang"`
	Title    string       `json:"title"` // what
	Bad      string       `json:"bad"`   // how bad
	Since    string       `json:"since"`
	Why      string       `json:"why"`
	First    string       `json:"first"` // what first
	Link     string       `json:"link,omitempty"`
	Topic    string       `json:"topic"`
	Began    time.Time    `json:"began"`
	Ended    time.Time    `json:"ended,omitzero"` // set when all is over
	Drill    bool         `json:"drill,omitempty"`
}

// Voice is who speaks for the company in this incident: the owner, or the deputy who took it.
func (in *Incident) Voice() string {
	if in.AckBy != "" && in.AckBy == in.Deputy {
		return in.Deputy
	}
	return in.Owner
}
