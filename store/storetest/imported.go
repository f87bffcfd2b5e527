package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/store"
)

// Imported fails where a store that commit 5a11e2e wrote has lost something of its incidents. The stores' testdata hold
// it: a program on that commit worked a desk with five incidents.
func Imported(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	same(t, list(t, ctx, s, false), []string{"4b0cb77dbd0f1635", "00d596eb4f096af5", "1a34d98586ec8f67", "7e08b0a6697d7a07", "3f162722e084b976"})
	same(t, list(t, ctx, s, true), []string{"4b0cb77dbd0f1635", "00d596eb4f096af5", "1a34d98586ec8f67"})
	for _, id := range list(t, ctx, s, false) {
		in := get[store.StoredIncident](t)(s.StoredIncident(ctx, id))
		must(t, in.Verify())
		same(t, len(in.Events), 1)
	}
	importedWork(t, s)
	importedChains(t, s)
	importedCalls(t, s)
	same(t, get[map[string]int](t)(s.AskedSince(ctx, importedAt(0, 0))), map[string]int{"dora": 1})
	var feedback []string
	for _, f := range get[[]brand.Feedback](t)(s.Feedback(ctx)) {
		feedback = append(feedback, fmt.Sprint(f.Spike, " ", f.Right))
	}
	slices.Sort(feedback)
	same(t, feedback, []string{"acme true", "service true", "shop false"})
}

// importedAt is a time of the morning of 16 March 2026, on which nearly all happened.
func importedAt(hour, minute int) time.Time {
	return time.Date(2026, 3, 16, hour, minute, 0, 0, time.UTC)
}

// importedWork looks at the incident that Anna took and worked on.
func importedWork(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	in := get[incident.State](t)(s.Incident(ctx, "1a34d98586ec8f67"))
	same(t, in.Status, incident.Responding)
	same(t, in.Taken, incident.Taking{By: "anna", At: importedAt(6, 0)})
	same(t, []any{in.Level, in.Notified, in.Verdict, in.Playbook}, []any{brand.Storm, brand.Storm, incident.Right, "recall"})
	same(t, in.Plan.Why, []brand.Fact{{Kind: "kind_volume"}, {Kind: "people_write", Words: []string{"smoke"}}})
	same(t, in.Topics, []string{"acme", "acme-service"})
	same(t, in.Due, time.Time{})
	done := in.Steps[0]
	same(t, []any{done.DoneAt, done.DoneBy, in.Steps[1].DoneBy}, []any{importedAt(6, 1), "anna", ""})
	same(t, in.Experts[0], incident.Expert{Person: "dora", Asked: importedAt(6, 1)})
	same(t, in.Models, []string{"gpt-oss"})
	same(t, *in.Assessment, incident.Assessment{
		Model: "gpt-oss", Level: brand.Storm, Read: 40, Larger: [3]int{30, 7, 3}, Usual: [3]int{25, 10, 5}, Spent: "calls", At: importedAt(6, 3),
	})
	same(t, *in.Statement("d1").Latest(), incident.Revision{
		Number: 1, Text: "We check the handles. Questions: 0800 1234567.", By: "anna", At: importedAt(6, 3),
		Flags:     []incident.Flag{{Kind: incident.FlagPhone, Text: "0800 1234567", By: "anna", At: importedAt(6, 3)}},
		Approvals: []incident.Approval{{By: "anna", At: importedAt(6, 3)}, {By: "gil", At: importedAt(6, 3)}},
	})
	drafted := in.Statement("d9")
	same(t, []any{drafted.From, drafted.Latest().Text, len(drafted.Latest().Approvals)}, []any{"gpt-oss", "We know of the handles. We check them.", 0})
	if reply := in.Statement("d2"); reply.Kind != incident.Reply || reply.Question == "" || reply.Edited() {
		t.Errorf("the answer of the playbook is %+v", reply)
	}
	evidence := get[[]brand.Spike](t)(s.Evidence(ctx, in.ID))
	same(t, []string{evidence[0].ID, evidence[0].Evidence.Samples[0].Text, evidence[1].ID}, []string{"acme", "First they say handle", "service"})
	same(t, evidence[0].Series[0].Voices, 40.0)

	var history []string
	imported := get[[]incident.Record](t)(s.Events(ctx, in.ID))[0].Event.(incident.Imported)
	for _, r := range imported.History {
		history = append(history, fmt.Sprintf("%s %s %s", r.At.Format("15:04"), r.By.ID, happened(r.Event)))
	}
	same(t, history, []string{
		"06:00 brandmelder opened at 4", "06:00 anna taken", "06:01 anna done s1", "06:01 anna done s2", "06:01 anna undone s2",
		"06:01 anna asked dora", "06:02 brandmelder level 5", "06:03 brandmelder joined volume acme-service",
		"06:03 anna edited d1 false", "06:03 anna acted confirmed", "06:03 anna approved d1", "06:03 gil approved d1",
		"06:03 anna judged right", "06:03 brandmelder drafted d9", "06:03 brandmelder imported memory",
		"06:03 anna acted confirmed", "06:03 anna acted approved", "06:03 anna edited d9 true",
	})
}

// happened is an event in a few words.
func happened(e incident.Event) string {
	switch e := e.(type) {
	case incident.Opened:
		return fmt.Sprint("opened at ", int(e.Spike.Level))
	case incident.StepDone:
		return "done " + e.Step
	case incident.StepUndone:
		return "undone " + e.Step
	case incident.ExpertAsked:
		return "asked " + e.Person
	case incident.LevelRaised:
		return fmt.Sprint("level ", int(e.Level))
	case incident.SpikeJoined:
		return fmt.Sprint("joined ", e.Spike.Kind, " ", e.Spike.Topic)
	case incident.SpikeEnded:
		return "ended " + e.Topic + " " + e.At.Format("15:04")
	case incident.StatementEdited:
		return fmt.Sprint("edited ", e.Statement, " ", e.Unapprove)
	case incident.StatementApproved:
		return "approved " + e.Statement
	case incident.StatementDrafted:
		return "drafted " + e.Statement.ID
	case incident.Judged:
		return "judged " + string(e.Verdict)
	case incident.Called:
		return fmt.Sprint("called ", e.Role, " ", e.Person, " ", e.Reason.Kind)
	case incident.CallFailed:
		return fmt.Sprint("failed ", e.Person, " ", e.Channel, " ", e.Error, " ", e.Next)
	case incident.Acted:
		return "acted " + e.What
	case incident.Imported:
		return "imported " + e.From
	}
	return incident.KindOf(e)
}

// importedChains looks at the incidents that nobody took, and at those that are over.
func importedChains(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	open := get[incident.State](t)(s.Incident(ctx, "00d596eb4f096af5")) // deputy and decider were called
	var called []string
	for _, c := range open.Chain.Called {
		called = append(called, fmt.Sprint(c.At.Format("15:04"), " ", c.Role, " ", c.Person, " ", c.Rung, " ", c.Reason.Kind))
	}
	same(t, called, []string{"06:04 owner anna 1 opened", "06:20 deputy ben 2 unanswered", "06:36 decider gil 3 unanswered"})
	same(t, []any{open.Status, open.Chain.Rung, open.Chain.Next, open.Due}, []any{incident.Triage, 3, importedAt(6, 49), importedAt(6, 49)})
	same(t, open.Statement("d1").Latest().By, "anna")
	same(t, open.Plan.Why, []brand.Fact{{Kind: "no_plan"}})
	var history []string
	for _, r := range get[[]incident.Record](t)(s.Events(ctx, open.ID))[0].Event.(incident.Imported).History {
		history = append(history, happened(r.Event))
	}
	same(t, history, []string{
		"opened at 3", "called deputy ben unanswered", "failed ben second 503 busy: trying again is useless first",
		"called decider gil unanswered", "edited d1 false",
	})
	closed := get[incident.State](t)(s.Incident(ctx, "7e08b0a6697d7a07"))
	same(t, []any{closed.Status, closed.Outcome, closed.Closed, closed.Verdict}, []any{incident.Closed, incident.Resolved, importedAt(5, 0), incident.Wrong})
	calm := get[incident.State](t)(s.Incident(ctx, "3f162722e084b976"))
	same(t, []any{calm.Status, calm.Closed, calm.Calm}, []any{incident.Closed, importedAt(4, 0), importedAt(3, 0).AddDate(0, 0, -2)})
	good := get[incident.State](t)(s.Incident(ctx, "4b0cb77dbd0f1635"))
	same(t, []any{good.Kind, good.Owner, good.Deputy}, []any{incident.Opportunity, "ben", "anna"})
}

// importedCalls looks at the ledger.
func importedCalls(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	var calls []string
	for _, id := range []string{"00d596eb4f096af5", "1a34d98586ec8f67"} {
		for _, c := range get[[]incident.Call](t)(s.CallsOf(ctx, id)) {
			fate := "waiting"
			if !c.Sent.IsZero() {
				fate = "sent"
			} else if !c.GivenUp.IsZero() {
				fate = "given up: " + c.Error
			}
			calls = append(calls, fmt.Sprint(c.To, " ", c.Role, " ", c.Reason.Kind, " ", int(c.Reason.Level), " ", c.Reason.Statement, " ", c.Channel, " ", fate))
		}
	}
	slices.Sort(calls)
	same(t, calls, []string{
		"anna owner growing 5  first sent", "anna owner opened 3  first sent", "anna owner opened 4  first sent",
		"ben deputy unanswered 3  first sent", "ben deputy unanswered 3  second given up: 503 busy: trying again is useless",
		"dora expert help 4  first sent", "gil decider growing 5  first sent",
		"gil decider second 5 d1 first sent", "gil decider second 5 d9 first sent", "gil decider unanswered 3  first sent",
	})
	due := get[[]incident.Call](t)(s.DueCalls(ctx, importedAt(9, 0), 10))
	same(t, len(due), 1)
	same(t, []any{due[0].To, due[0].Channel, due[0].Facts.Kind, due[0].Facts.Spike.Observed}, []any{"ben", "first", incident.Opportunity, 60.0})
	same(t, len(get[[]store.DeadLetter](t)(s.ListDeadLetters(ctx, 100))), 3) // those of before
}

// Equal reports whether two dumps of a store are the same; the test fails with their difference if not.
func Equal(t *testing.T, want, got []string) bool {
	t.Helper()
	same(t, got, want)
	return slices.Equal(want, got)
}
