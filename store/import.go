package store

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
)

// oldIncident is an incident as versions before the events stored it: one document, whose timeline is English prose.
type oldIncident struct {
	ID         string           `json:"id"`
	Kind       incident.Kind    `json:"kind"`
	Level      brand.Level      `json:"level"`
	Began      time.Time        `json:"began"`
	Detected   time.Time        `json:"detected"`
	Closed     time.Time        `json:"closed"`
	Drill      bool             `json:"drill"`
	Topics     []string         `json:"topics"`
	Spikes     []brand.Spike    `json:"spikes"`
	Playbook   string           `json:"playbook"`
	Why        string           `json:"playbook_why"`
	Owner      string           `json:"owner"`
	Deputy     string           `json:"deputy"`
	Decider    string           `json:"decider"`
	Lang       string           `json:"lang"`
	AckBy      string           `json:"ack_by"`
	AckAt      time.Time        `json:"ack_at"`
	EscalateAt time.Time        `json:"escalate_at"`
	Escalated  int              `json:"escalated"`
	ToldLevel  brand.Level      `json:"told_level"`
	Verdict    incident.Verdict `json:"verdict"`
	Second     *struct {
		Model   string      `json:"model"`
		At      time.Time   `json:"at"`
		Level   brand.Level `json:"level"`
		Read    int         `json:"read"`
		Heard   [3]int      `json:"heard"`
		Ear     [3]int      `json:"ear"`
		Spent   string      `json:"spent"`
		Problem string      `json:"problem"`
	} `json:"second"`
	Experts []struct {
		Person string    `json:"person"`
		Name   string    `json:"name"`
		Asked  time.Time `json:"asked"`
	} `json:"experts"`
	Steps []struct {
		ID     string    `json:"id"`
		Text   string    `json:"text"`
		Role   string    `json:"role"`
		Due    time.Time `json:"due"`
		DoneAt time.Time `json:"done_at"`
		DoneBy string    `json:"done_by"`
	} `json:"steps"`
	Drafts []struct {
		ID        string              `json:"id"`
		Kind      string              `json:"kind"`
		Lang      string              `json:"lang"`
		Text      string              `json:"text"`
		From      string              `json:"from"`
		Note      string              `json:"note"`
		Edited    string              `json:"edited"`
		Flags     []incident.Flag     `json:"flags"`
		Approvals []incident.Approval `json:"approvals"`
	} `json:"drafts"`
	Timeline []oldLine `json:"timeline"`
}

// ImportIncident turns a document of an older version into an incident with one event, incident.Imported. Approvals are
// kept with their people; whether two departments are among them, the older version did not know.
func ImportIncident(id string, doc []byte) (Change, error) {
	var old oldIncident
	if err := json.Unmarshal(doc, &old); err != nil {
		return Change{}, err
	}
	if old.ID != id || len(old.Spikes) == 0 {
		return Change{}, fmt.Errorf("its document is no incident %.80q", id)
	}
	s := incident.State{
		Deputy: old.Deputy, Decider: old.Decider, Verdict: old.Verdict, Notified: old.ToldLevel,
		Plan: incident.Plan{Playbook: old.Playbook, Why: oldWhy(old.Why)},
		Summary: incident.Summary{
			ID: old.ID, Kind: old.Kind, Status: incident.Triage, Topics: old.Topics, Level: old.Level, Began: old.Began,
			Detected: old.Detected, Closed: old.Closed, Drill: old.Drill, Playbook: old.Playbook, Owner: old.Owner,
		},
	}
	for i := range old.Spikes {
		s.Spikes = append(s.Spikes, incident.Brief(old.Spikes[i]))
	}
	old.people(&s)
	old.work(&s)
	e := incident.Imported{State: s, From: incident.FromOlder, History: old.history(&s)}
	at := old.Detected
	if n := len(old.Timeline); n > 0 {
		at = old.Timeline[n-1].At
	}
	state, records, err := incident.State{}.Append(incident.Program, at, e)
	return Change{State: state, Events: records, Evidence: old.Spikes}, err
}

// people imports who was called and who took the incident. Anybody could take it; who is not named for it has no say in
// it any more, and the chain goes on.
func (old *oldIncident) people(s *incident.State) {
	s.Chain = incident.Chain{Rung: min(old.Escalated+1, teamRung), Next: old.EscalateAt}
	named := []string{old.Owner, old.Deputy, old.Decider}
	nobodyNamed := old.Owner == "" && old.Deputy == "" && old.Decider == ""
	if old.AckBy != "" && (nobodyNamed || slices.Contains(named, old.AckBy)) {
		s.Taken, s.Chain.Next = incident.Taking{By: old.AckBy, At: old.AckAt}, time.Time{}
	} else if old.AckBy != "" {
		s.Chain.Next = old.AckAt
	}
	if s.Chain.Rung == teamRung {
		s.Chain.Next = time.Time{}
	}
	if !old.Closed.IsZero() {
		s.Status, s.Outcome, s.Chain.Next = incident.Closed, incident.Resolved, time.Time{}
	}
	opened := incident.Called{
		Role: incident.Owner, Person: old.Owner, At: old.Detected, Rung: 1,
		Reason: incident.Reason{Kind: incident.ReasonOpened, Level: old.Level},
	}
	if old.Owner == "" {
		opened.Role = incident.Team
	}
	s.Chain.Called = []incident.Called{opened}
	for _, l := range old.Timeline {
		if m := oldEscalation.FindStringSubmatch(l.What); m != nil {
			s.Chain.Called = append(s.Chain.Called, old.escalated(m[1], l.At))
		}
	}
}

// teamRung is the rung of the chain behind all persons.
const teamRung = 4

// escalated is that the next in the chain was called.
func (old *oldIncident) escalated(role string, at time.Time) incident.Called {
	c := incident.Called{Role: incident.Role(role), At: at, Reason: incident.Reason{Kind: incident.ReasonUnanswered, Level: old.Level}}
	switch c.Role {
	case incident.Deputy:
		c.Person, c.Rung = old.Deputy, 2
	case incident.Decider:
		c.Person, c.Rung = old.Decider, 3
	default:
		c.Rung = teamRung
	}
	return c
}

// work imports the steps, the statements, and what experts and models said.
func (old *oldIncident) work(s *incident.State) {
	for _, x := range old.Experts {
		s.Experts = append(s.Experts, incident.Expert{Person: x.Person, Asked: x.Asked})
	}
	for _, st := range old.Steps {
		s.Steps = append(s.Steps, incident.Step{
			ID: st.ID, Text: map[string]string{old.Lang: st.Text}, Role: map[string]string{old.Lang: st.Role},
			Due: st.Due, DoneAt: st.DoneAt, DoneBy: st.DoneBy,
		})
	}
	model := func(name string) {
		if name != "" && name != incident.FromPlaybook && !slices.Contains(s.Models, name) {
			s.Models = append(s.Models, name)
		}
	}
	for _, d := range old.Drafts {
		st := incident.Statement{ID: d.ID, Kind: incident.Holding, Lang: d.Lang, From: d.From, Revisions: []incident.Revision{
			{Number: 1, Text: d.Text, By: d.Edited, At: old.edited(d.Kind, d.Lang), Flags: d.Flags, Approvals: d.Approvals},
		}}
		if q, ok := strings.CutPrefix(d.Kind, "reply: "); ok {
			st.Kind, st.Question = incident.Reply, q
		}
		s.Statements = append(s.Statements, st)
		model(d.From)
		if m := oldNoDraft.FindStringSubmatch(d.Note); m != nil {
			model(m[1])
		}
	}
	for _, l := range old.Timeline {
		if m := oldDrafted.FindStringSubmatch(l.What); m != nil {
			model(m[1])
		}
	}
	if x := old.Second; x != nil {
		s.Assessment = &incident.Assessment{
			Model: x.Model, Level: x.Level, Read: x.Read, Larger: x.Heard, Usual: x.Ear,
			Spent: x.Spent, Problem: x.Problem, At: x.At,
		}
	}
}

// edited is when a draft was last edited, or made.
func (old *oldIncident) edited(kind, lang string) time.Time {
	at := old.Detected
	for _, l := range old.Timeline {
		if strings.HasPrefix(l.What, fmt.Sprintf("edited %s (%s)", kind, lang)) {
			at = l.At
		}
	}
	return at
}

// oldCall is a call as versions before the ledger stored it.
type oldCall struct {
	ID       string    `json:"id"`
	Incident string    `json:"incident"`
	To       string    `json:"to"`
	Role     string    `json:"role"`
	Reason   string    `json:"reason"`
	Channel  string    `json:"channel"`
	At       time.Time `json:"at"`
	Due      time.Time `json:"due"`
	Attempts int       `json:"attempts"`
	Sent     time.Time `json:"sent"`
	GivenUp  bool      `json:"given_up"`
	Error    string    `json:"error"`
	Message  struct {
		Kind  incident.Kind `json:"kind"`
		Level brand.Level   `json:"level"`
		Topic string        `json:"topic"`
		Began time.Time     `json:"began"`
		Ended time.Time     `json:"ended"`
		Drill bool          `json:"drill"`
	} `json:"message"`
}

// ImportCall turns a call of an older version into today's, with its reason as far as it can be told. of is its
// incident as it was imported; nil where that could not be read.
func ImportCall(id string, doc []byte, of *incident.State) (incident.Call, error) {
	var old oldCall
	if err := json.Unmarshal(doc, &old); err != nil {
		return incident.Call{}, err
	}
	if old.ID != id {
		return incident.Call{}, fmt.Errorf("its document has the id %.80q, its place %.80q", old.ID, id)
	}
	c := incident.Call{
		ID: old.ID, Incident: old.Incident, To: old.To, Role: incident.Role(old.Role), Channel: old.Channel, Created: old.At,
		Due: old.Due, Attempts: old.Attempts, Sent: old.Sent, Error: old.Error, Reason: oldReason(old.Reason, old.Message.Level),
		Facts: incident.Facts{
			Kind: old.Message.Kind, Level: old.Message.Level, Topics: []string{old.Message.Topic},
			Began: old.Message.Began, Ended: old.Message.Ended, Drill: old.Message.Drill,
		},
	}
	if of != nil {
		c.Facts.Topics, c.Facts.Terms, c.Facts.Spike = of.Topics, of.Terms, *of.Worst()
	}
	if old.GivenUp {
		c.GivenUp = old.Due
	}
	return c, nil
}

// oldReason is why an older version called somebody.
func oldReason(text string, level brand.Level) incident.Reason {
	why := incident.Reason{Kind: incident.ReasonOpened, Level: level}
	for prefix, kind := range map[string]incident.ReasonKind{
		"growing": incident.ReasonGrowing, "nobody answered": incident.ReasonUnanswered, "flares up": incident.ReasonFlaresUp,
		"calm again": incident.ReasonCalm, "closed": incident.ReasonClosed, "a second word": incident.ReasonSecond,
		"your knowledge": incident.ReasonHelp,
	} {
		if strings.HasPrefix(text, prefix) {
			why.Kind = kind
		}
	}
	if m := oldSecond.FindStringSubmatch(text); m != nil {
		why.Statement = m[1]
	}
	return why
}

var oldSecond = regexp.MustCompile(`^a second word is needed for (\S+), edit \d+$`)
