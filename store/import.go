package store

import (
	"encoding/json"
	"fmt"
	"regexp"
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
		Edited    string              `json:"edited"`
		Flags     []incident.Flag     `json:"flags"`
		Approvals []incident.Approval `json:"approvals"`
	} `json:"drafts"`
	Timeline []struct {
		At   time.Time `json:"at"`
		By   string    `json:"by"`
		What string    `json:"what"`
	} `json:"timeline"`
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
		Plan: incident.Plan{Playbook: old.Playbook},
		Summary: incident.Summary{
			ID: old.ID, Kind: old.Kind, Status: incident.Triage, Topics: old.Topics, Level: old.Level, Began: old.Began,
			Detected: old.Detected, Closed: old.Closed, Drill: old.Drill, Playbook: old.Playbook, Owner: old.Owner,
		},
		Taken: incident.Taking{By: old.AckBy, At: old.AckAt},
		Chain: incident.Chain{Rung: min(old.Escalated+1, 4), Next: old.EscalateAt},
	}
	if old.AckBy != "" {
		s.Chain.Next = time.Time{}
	}
	if !old.Closed.IsZero() {
		s.Status, s.Outcome, s.Chain.Next = incident.Closed, incident.Resolved, time.Time{}
	}
	for i, p := range []string{old.Owner, old.Deputy, old.Decider} {
		if i < s.Chain.Rung && p != "" {
			role := []incident.Role{incident.Owner, incident.Deputy, incident.Decider}[i]
			s.Chain.Called = append(s.Chain.Called, incident.Called{Role: role, Person: p, At: old.Detected, Rung: i + 1,
				Reason: incident.Reason{Kind: incident.ReasonOpened, Level: old.Level}})
		}
	}
	for i := range old.Spikes {
		s.Spikes = append(s.Spikes, incident.Brief(old.Spikes[i]))
	}
	for _, x := range old.Experts {
		s.Experts = append(s.Experts, incident.Expert{Person: x.Person, Asked: x.Asked})
	}
	for _, st := range old.Steps {
		s.Steps = append(s.Steps, incident.Step{ID: st.ID, Text: map[string]string{old.Lang: st.Text}, Role: map[string]string{old.Lang: st.Role},
			Due: st.Due, DoneAt: st.DoneAt, DoneBy: st.DoneBy})
	}
	for _, d := range old.Drafts {
		st := incident.Statement{ID: d.ID, Kind: incident.Holding, Lang: d.Lang, From: d.From, Revisions: []incident.Revision{
			{Number: 1, Text: d.Text, By: d.Edited, At: old.Detected, Flags: d.Flags, Approvals: d.Approvals},
		}}
		if q, ok := strings.CutPrefix(d.Kind, "reply: "); ok {
			st.Kind, st.Question = incident.Reply, q
		}
		if d.From != incident.FromPlaybook {
			s.Models = append(s.Models, d.From)
		}
		s.Statements = append(s.Statements, st)
	}
	if x := old.Second; x != nil {
		s.Assessment = &incident.Assessment{Model: x.Model, Level: x.Level, Read: x.Read, Larger: x.Heard, Usual: x.Ear,
			Spent: x.Spent, Problem: x.Problem, At: x.At}
	}
	e := incident.Imported{State: s, From: incident.FromOlder}
	at := old.Detected
	for _, l := range old.Timeline {
		at = l.At
		if ev := importEvent(l.What); ev != nil {
			e.History = append(e.History, incident.Record{At: l.At, By: incident.Actor{ID: l.By}, Event: ev})
		}
	}
	state, records, err := incident.State{}.Append(incident.Program, at, e)
	c := Change{State: state, Events: records, Evidence: old.Spikes}
	return c, err
}

// importEvent is the event that a line of an old timeline stands for, as far as it can be told; nil for lines that say
// what the program did of itself.
func importEvent(what string) incident.Event {
	for _, l := range oldLines {
		if m := l.form.FindStringSubmatch(what); m != nil {
			return l.event(m)
		}
	}
	return nil
}

var oldLines = []struct {
	form  *regexp.Regexp
	event func(m []string) incident.Event
}{
	{regexp.MustCompile(`^took it$`), func([]string) incident.Event { return incident.Taken{} }},
	{regexp.MustCompile(`^closed it$`), func([]string) incident.Event { return incident.ClosedAs{Outcome: incident.Resolved} }},
	{regexp.MustCompile(`^closed: long calm$`), func([]string) incident.Event { return incident.ClosedAs{Outcome: incident.Resolved} }},
	{regexp.MustCompile(`^level rises to ([0-6])`), func(m []string) incident.Event {
		return incident.LevelRaised{Level: brand.Level(m[1][0] - '0')}
	}},
	{regexp.MustCompile(`^says the call was (right|wrong)$`), func(m []string) incident.Event {
		return incident.Judged{Verdict: incident.Verdict(m[1])}
	}},
	{regexp.MustCompile(`^(done|not done after all|edited|approved|asked|confirmed)\b`), func(m []string) incident.Event {
		return incident.Acted{What: strings.Fields(m[1])[0]}
	}},
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

// ImportCall turns a call of an older version into today's, with its reason as far as it can be told.
func ImportCall(id string, doc []byte) (incident.Call, error) {
	var old oldCall
	if err := json.Unmarshal(doc, &old); err != nil {
		return incident.Call{}, err
	}
	if old.ID != id {
		return incident.Call{}, fmt.Errorf("its document has the id %.80q, its place %.80q", old.ID, id)
	}
	c := incident.Call{
		ID: old.ID, Incident: old.Incident, To: old.To, Role: incident.Role(old.Role), Channel: old.Channel, Created: old.At,
		Due: old.Due, Attempts: old.Attempts, Sent: old.Sent, Error: old.Error,
		Reason: incident.Reason{Kind: oldReason(old.Reason), Level: old.Message.Level},
		Facts: incident.Facts{Kind: old.Message.Kind, Level: old.Message.Level, Topics: []string{old.Message.Topic},
			Began: old.Message.Began, Ended: old.Message.Ended, Drill: old.Message.Drill},
	}
	if old.GivenUp {
		c.GivenUp = old.Due
	}
	return c, nil
}

func oldReason(text string) incident.ReasonKind {
	for prefix, kind := range map[string]incident.ReasonKind{
		"growing": incident.ReasonGrowing, "nobody answered": incident.ReasonUnanswered, "flares up": incident.ReasonFlaresUp,
		"calm again": incident.ReasonCalm, "closed": incident.ReasonClosed, "a second word": incident.ReasonSecond,
		"your knowledge": incident.ReasonHelp,
	} {
		if strings.HasPrefix(text, prefix) {
			return kind
		}
	}
	return incident.ReasonOpened
}
