package access

import "slices"

// Role is what somebody is to brandmelder. A user may have several.
type Role string

// Roles.
const (
	Viewer    Role = "viewer"    // reads along
	Expert    Role = "expert"    // knows the matter, and is asked for help
	Responder Role = "responder" // works on incidents
	Owner     Role = "owner"     // speaks for the company
	Manager   Role = "manager"   // reviews statements and how the playbook is followed
	Admin     Role = "admin"     // runs brandmelder
)

// Roles are all roles.
var Roles = []Role{Viewer, Expert, Responder, Owner, Manager, Admin}

// Scope is a set of actions that an API token allows.
type Scope string

// Scopes. No scope approves a statement: that takes a person who signed in, or who comes by the link of a call.
const (
	ScopeRead    Scope = "read"
	ScopePush    Scope = "push"
	ScopeMetrics Scope = "metrics"
	ScopeRespond Scope = "respond"
)

// Scopes are all scopes.
var Scopes = []Scope{ScopeRead, ScopePush, ScopeMetrics, ScopeRespond}

var (
	reading = []Action{ReadIncidents, ReadIncident, ReadTopics, ReadSources, ReadPlaybooks, ReadHealth}
	helping = []Action{AnswerRequest, AddNote}
	working = []Action{
		CorrectMentions, TakeIncident, HandOverIncident, TickStep, AskExpert, AddNote, JudgeCall,
		CloseIncident, ReopenIncident, MergeIncidents,
	}
	speaking  = []Action{EditStatement, ApproveStatement, MarkPublished}
	reviewing = []Action{
		CorrectMentions, HandOverIncident, TickStep, EditStatement, ApproveStatement, AskExpert, AddNote, JudgeCall,
		CloseIncident, ReopenIncident, MergeIncidents,
	}
	running = []Action{
		ReadMetrics, PushMentions, CorrectMentions, TickStep, AskExpert, AddNote, JudgeCall, CloseIncident, ReopenIncident,
		MergeIncidents, ReplayDeadLetters, ManageUsers, ManageTokens,
	}
)

// roleActions is the table: what each role may attempt.
var roleActions = map[Role][]Action{
	Viewer:    reading,
	Expert:    slices.Concat(reading, helping),
	Responder: slices.Concat(reading, helping, working, []Action{EditStatement}),
	Owner:     slices.Concat(reading, helping, working, speaking),
	Manager:   slices.Concat(reading, reviewing),
	Admin:     slices.Concat(reading, running),
}

// scopeActions is the table's part for API tokens.
var scopeActions = map[Scope][]Action{
	ScopeRead:    reading,
	ScopePush:    {PushMentions},
	ScopeMetrics: {ReadMetrics},
	ScopeRespond: slices.Concat(reading, working),
}

// linkRoles are the roles that a link can carry.
var linkRoles = []Role{Viewer, Expert, Responder, Owner, Manager}

// May reports whether the role may attempt the action.
func (r Role) May(a Action) bool { return slices.Contains(roleActions[r], a) }

// May reports whether the scope allows the action.
func (s Scope) May(a Action) bool { return slices.Contains(scopeActions[s], a) }

// Valid reports whether there is such a role.
func (r Role) Valid() bool { _, ok := roleActions[r]; return ok }

// Valid reports whether there is such a scope.
func (s Scope) Valid() bool { _, ok := scopeActions[s]; return ok }

// Actions are all actions, in the order of docs/roles.md.
func Actions() (out []Action) {
	for _, a := range actions {
		out = append(out, a.Action)
	}
	return out
}
