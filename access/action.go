package access

// Action is something that pages, API or commands do.
type Action string

// Actions.
const (
	ReadIncidents Action = "read incidents" // the start page and lists: of many incidents
	ReadIncident  Action = "read incident"
	ReadTopics    Action = "read topics"
	ReadSources   Action = "read sources"
	ReadPlaybooks Action = "read playbooks"
	ReadHealth    Action = "read health"
	ReadMetrics   Action = "read metrics"

	PushMentions    Action = "push mentions"
	CorrectMentions Action = "correct mentions"

	TakeIncident     Action = "take incident"
	HandOverIncident Action = "hand over incident"
	TickStep         Action = "tick step"
	EditStatement    Action = "edit statement"
	ApproveStatement Action = "approve statement"
	MarkPublished    Action = "mark published"
	AskExpert        Action = "ask expert"
	AnswerRequest    Action = "answer request"
	AddNote          Action = "add note"
	JudgeCall        Action = "judge call"
	CloseIncident    Action = "close incident"
	ReopenIncident   Action = "reopen incident"
	MergeIncidents   Action = "merge incidents"

	ReplayDeadLetters Action = "replay dead letters"
	ManageUsers       Action = "manage users"
	ManageTokens      Action = "manage tokens"
)

// reach is what an action touches; it decides what a link may do, which is for one incident.
type reach int

const (
	ofMany     reach = iota // several incidents, or something else than incidents: not through a link
	ofIncident              // one incident: through a link to it
	ofNone                  // no incident's content: through any link
)

// actions are all actions in the order of docs/roles.md.
var actions = []struct {
	Action
	reach reach
	what  string
}{
	{ReadIncidents, ofMany, "read the start page and the lists of incidents"},
	{ReadIncident, ofIncident, "read an incident with its evidence, statements and calls"},
	{ReadTopics, ofMany, "read the topics with their mentions and spikes"},
	{ReadSources, ofMany, "read the states of the sources and the dead letters"},
	{ReadPlaybooks, ofNone, "read the playbooks"},
	{ReadHealth, ofNone, "read whether detection works"},
	{ReadMetrics, ofMany, "read the metrics"},
	{PushMentions, ofMany, "push mentions to the API"},
	{CorrectMentions, ofMany, "correct what was detected of a mention"},
	{TakeIncident, ofIncident, "take an incident"},
	{HandOverIncident, ofIncident, "hand an incident over"},
	{TickStep, ofIncident, "tick a step of the playbook"},
	{EditStatement, ofIncident, "edit a statement"},
	{ApproveStatement, ofIncident, "approve a statement"},
	{MarkPublished, ofIncident, "mark a statement as published"},
	{AskExpert, ofIncident, "ask an expert for help"},
	{AnswerRequest, ofIncident, "answer a request for help"},
	{AddNote, ofIncident, "add a note to the timeline"},
	{JudgeCall, ofIncident, "say whether the call was right"},
	{CloseIncident, ofIncident, "close an incident"},
	{ReopenIncident, ofIncident, "reopen an incident"},
	{MergeIncidents, ofMany, "merge incidents"},
	{ReplayDeadLetters, ofMany, "replay or drop dead letters"},
	{ManageUsers, ofMany, "manage users"},
	{ManageTokens, ofMany, "manage API tokens"},
}

// reachOf is what the action touches; of an unknown one, more than a link may.
func reachOf(a Action) reach {
	for _, x := range actions {
		if x.Action == a {
			return x.reach
		}
	}
	return ofMany
}
