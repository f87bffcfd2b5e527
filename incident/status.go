package incident

// Kind says whether people are called to help or to enjoy.
type Kind string

// The kinds of an incident.
const (
	Crisis      Kind = "crisis"
	Opportunity Kind = "opportunity"
)

// Status is where an incident stands.
type Status string

// An incident goes from Triage through Open, Acknowledged and Responding to Watching and Closed. Nothing but people's
// work, or long calm, moves it on.
const (
	Triage       Status = "triage"       // the program opened it; nobody has taken or confirmed it
	Open         Status = "open"         // somebody confirmed that it is a matter; nobody has it now
	Acknowledged Status = "acknowledged" // somebody took it
	Responding   Status = "responding"   // who took it has acted
	Watching     Status = "watching"     // all spikes have ended
	Closed       Status = "closed"
)

// Outcome is why an incident was closed.
type Outcome string

// The outcomes of an incident.
const (
	Resolved   Outcome = "resolved"
	FalseAlarm Outcome = "false_alarm"
	Merged     Outcome = "merged" // into another incident
)

// Verdict is what people say of a call, when they know.
type Verdict string

// A call was right, or it was for nothing.
const (
	Right Verdict = "right"
	Wrong Verdict = "wrong"
)
