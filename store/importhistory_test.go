package store

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"

	"github.com/google/go-cmp/cmp"
)

// imported imports an incident whose timeline has the lines.
func imported(t *testing.T, change func(doc map[string]any), lines ...string) incident.Imported {
	t.Helper()
	at := time.Date(2026, 3, 14, 2, 0, 0, 0, time.UTC)
	doc := map[string]any{
		"id": "i1", "kind": "crisis", "level": 3, "topics": []string{"acme"}, "detected": at, "began": at, "lang": "en",
		"playbook": "recall", "owner": "anna", "deputy": "ben", "decider": "gil",
		"spikes": []brand.Spike{{ID: "s1", Topic: "acme", State: brand.Ended, Ended: at.Add(-time.Minute)}},
		"steps":  []map[string]any{{"id": "s1", "text": "**Stop** sales"}},
		"drafts": []map[string]any{{
			"id": "d1", "kind": "reply: Is it (very) bad?", "lang": "en", "text": "No.", "from": "playbook",
			"note": "This is the playbook's text: gpt oss gave no draft (no (good) answer).",
		}},
	}
	var timeline []map[string]any
	for _, l := range lines {
		timeline = append(timeline, map[string]any{"at": at, "by": "anna", "what": l})
	}
	doc["timeline"] = timeline
	if change != nil {
		change(doc)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ImportIncident("i1", text)
	if err != nil {
		t.Fatal(err)
	}
	return c.Events[0].Event.(incident.Imported)
}

// All lines that commit 5a11e2e could write become events, or are left out on purpose.
func TestEveryLineOfAnOlderTimelineIsKnown(t *testing.T) {
	at := time.Date(2026, 3, 14, 2, 0, 0, 0, time.UTC)
	for line, want := range map[string]incident.Event{
		"opened: acme: handle (odd), x (6 hurricane)": incident.Opened{
			ID: "i1", Kind: incident.Crisis, Owner: "anna", Deputy: "ben", Decider: "gil", Plan: incident.Plan{Playbook: "recall"},
			Spike: brand.Spike{Topic: "acme", Level: 6, Began: at, Detected: at},
		},
		"playbook recall: people say smoke":                                   nil,
		"nobody can be called (growing to level 5): no channel is configured": nil,
		"joined by a spike of tone on acme service":                           incident.SpikeJoined{Spike: brand.Spike{Kind: brand.Tone, Topic: "acme service"}},
		"level rises to 5 storm":                                              incident.LevelRaised{Level: 5},
		"calm again on acme since 14 Mar 2026, 01:59":                         incident.SpikeEnded{Topic: "acme", At: at.Add(-time.Minute)},
		"calm again on acme shop since 14 Mar 2026, 01:59":                    incident.SpikeEnded{Topic: "acme shop", At: at},
		"nobody answered: calling the team": incident.Called{
			Role: incident.Team, At: at, Rung: 4, Reason: incident.Reason{Kind: incident.ReasonUnanswered, Level: 3},
		},
		"could not reach the team by chat: 503: busy":                            incident.CallFailed{Channel: "chat", Error: "503: busy"},
		"could not reach ben by chat: no answer; trying again later; trying sms": incident.CallFailed{Person: "ben", Channel: "chat", Error: "no answer; trying again later", Next: "sms"},
		"the store was emptied; the incident was saved again from memory":        incident.Imported{From: incident.FromMemory},
		"drafts by gpt oss are in":                                               incident.DraftingFailed{Model: "gpt oss", Problem: "no (good) answer"},
		"took it":                                                                incident.Taken{},
		"closed it":                                                              incident.ClosedAs{Outcome: incident.Resolved},
		"closed: long calm":                                                      incident.ClosedAs{Outcome: incident.Resolved},
		"says the call was right":                                                incident.Judged{Verdict: incident.Right},
		"done: Stop sales":                                                       incident.StepDone{Step: "s1"},
		"not done after all: Stop sales":                                         incident.StepUndone{Step: "s1"},
		"done: a step that is gone":                                              incident.Acted{What: "done"},
		"not done after all: it":                                                 incident.Acted{What: "not"},
		"edited reply: Is it (very) bad? (en)":                                   incident.StatementEdited{Statement: "d1"},
		"edited reply: Is it (very) bad? (en); approvals are taken back":         incident.StatementEdited{Statement: "d1", Unapprove: true},
		"edited holding statement (de)":                                          incident.Acted{What: "edited"},
		"approved reply: Is it (very) bad? (en)":                                 incident.StatementApproved{Statement: "d1", Revision: 1},
		"confirmed in reply: Is it (very) bad? (en) the phone: 0800":             incident.Acted{What: "confirmed"},
		"confirmed in holding statement (en) that every word is read; the model gpt-oss wrote it": incident.Acted{What: "confirmed"},
		"asked Dora for help": incident.Acted{What: "asked"},
	} {
		var got incident.Event
		if h := imported(t, nil, line).History; len(h) > 0 {
			got = h[0].Event
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(incident.Record{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	}
}

// In the older version anybody could take an incident. Who is not named for it does not speak for the company after the
// import: the chain goes on.
func TestOnlyWhoIsNamedForAnIncidentKeepsIt(t *testing.T) {
	at := time.Date(2026, 3, 14, 2, 5, 0, 0, time.UTC)
	for who, want := range map[string]string{"anna": "anna", "ben": "ben", "gil": "gil", "dora": ""} {
		s := imported(t, func(doc map[string]any) { doc["ack_by"], doc["ack_at"] = who, at }).State
		if s.Taken.By != want || s.Chain.Next.IsZero() != (want != "") {
			t.Errorf("%s took it: it has %q, the chain goes on at %s", who, s.Taken.By, s.Chain.Next)
		}
	}
	s := imported(t, func(doc map[string]any) {
		doc["ack_by"], doc["ack_at"], doc["owner"], doc["deputy"], doc["decider"] = "desk", at, "", "", ""
	}).State
	if s.Taken.By != "desk" || s.Chain.Called[0].Role != incident.Team {
		t.Errorf("without people: %q has it, called was %+v", s.Taken.By, s.Chain.Called)
	}
}

// Why a playbook was chosen is read from either language.
func TestReasonsOfAnOlderVersionBecomeFacts(t *testing.T) {
	for text, want := range map[string]string{
		"people say smoke, fire; it is a spike of tone; the press writes about it": "[{people_write [smoke fire] 0} {kind_tone [] 0} {press [] 0}]",
		"gesagt wird Rauch; es ist ein Ausschlag von Menge; es geht um health":     "[{people_write [Rauch] 0} {kind_volume [] 0} {about [health] 0}]",
		"es hat Stufe erreicht: schwache Brise; it has reached level storm":        "[{level [] 2} {level [] 5}]",
		"kein besonderer Plan passt: nichts von dem Gesagten deutet auf einen":     "[{no_plan [] 0}]",
		"": "[]",
	} {
		type fact struct {
			kind  string
			words []string
			n     float64
		}
		got := []fact{}
		for _, f := range oldWhy(text) {
			got = append(got, fact{f.Kind, f.Words, f.N})
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%q: got %v, want %s", text, got, want)
		}
	}
}
