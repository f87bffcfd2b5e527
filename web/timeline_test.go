package web

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"
	"testing"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/i18n"
	"brandmelder/incident"
	"brandmelder/people"
	"brandmelder/playbooks"
)

// everyEvent is an event of each kind, of each sort that is worded in its own way, in an order in which they may
// happen. What is not our own text is Xyz, which is in no language.
func everyEvent() (out []incident.Event) {
	sp := brand.Spike{ID: "t", Topic: "Xyz", State: brand.Opened, Level: brand.FreshWind, Began: t0, Detected: t0, Updated: t0}
	out = append(
		out, incident.Opened{ID: "i", Kind: incident.Crisis, Spike: sp, Plan: incident.Plan{Playbook: "general", Why: everyFact()}},
		incident.SpikeJoined{Spike: sp}, incident.SpikeChanged{Spike: sp}, incident.LevelRaised{Level: brand.Storm},
		incident.SpikeEnded{Topic: "Xyz", At: t0}, incident.NobodyFree{},
		incident.CallFailed{Person: "anna", Channel: "Xyz", Error: "Xyz"}, incident.CallFailed{Channel: "Xyz", Error: "Xyz", Next: "Xyz"},
		incident.Taken{}, incident.HandedOver{To: "ben"}, incident.TakeExpired{Person: "ben"},
		incident.StepDone{Step: "s1"}, incident.StepUndone{Step: "s1"},
		incident.StatementDrafted{Statement: incident.Statement{
			ID: "d8", Kind: incident.Reply, Question: "Xyz", Lang: "en", From: "Xyz", Revisions: []incident.Revision{{Number: 1, Text: "Xyz"}},
		}},
		incident.DraftingFailed{Model: "Xyz", Problem: "Xyz"},
		incident.StatementEdited{Statement: "d8", Text: "Xyz Xyz"}, incident.StatementEdited{Statement: "d1", Text: "Xyz", Unapprove: true},
		incident.StatementApproved{Statement: "d8", Revision: 2},
		incident.StatementPublished{Statement: "d8", Revision: 2}, incident.StatementPublished{Statement: "d8", Revision: 2, Where: "Xyz"},
		incident.ExpertAsked{Person: "cem"}, incident.ExpertAnswered{Accepts: true}, incident.ExpertAnswered{},
		incident.Noted{Text: "Xyz"}, incident.Judged{Verdict: incident.Right}, incident.Judged{Verdict: incident.Wrong},
		incident.Assessed{Assessment: incident.Assessment{Model: "Xyz", Read: 2}},
		incident.ClosedAs{Outcome: incident.Resolved}, incident.ClosedAs{Outcome: incident.FalseAlarm},
		incident.ClosedAs{Outcome: incident.Merged, Into: "Xyz"}, incident.Reopened{},
		incident.Imported{From: incident.FromOlder}, incident.Imported{From: incident.FromMemory},
	)
	flags := incident.StatementApproved{Statement: "d8", Revision: 2}
	for _, kind := range []incident.FlagKind{incident.FlagAddress, incident.FlagPhone, incident.FlagMoney, incident.FlagPromise, incident.FlagModel} {
		flags.Flags = append(flags.Flags, incident.Flag{Kind: kind, Text: "Xyz", By: "anna"})
	}
	out = append(out, flags)
	for _, why := range []incident.ReasonKind{
		incident.ReasonOpened, incident.ReasonUnanswered, incident.ReasonTakeExpired, incident.ReasonNobodyFree, incident.ReasonGrowing,
		incident.ReasonFlaresUp, incident.ReasonCalm, incident.ReasonTaken, incident.ReasonHandedOver, incident.ReasonSecond,
		incident.ReasonHelp, incident.ReasonClosed,
	} {
		out = append(out, incident.Called{
			Role: incident.Owner, Person: "anna", At: t0,
			Reason: incident.Reason{Kind: why, Level: brand.Storm, Person: "ben", Statement: "d8"},
		})
	}
	for _, role := range []incident.Role{incident.Owner, incident.Deputy, incident.Decider, incident.Helper} {
		out = append(
			out, incident.Called{Role: role, Person: "ben", Reason: incident.Reason{Kind: incident.ReasonOpened}, At: t0},
			incident.Skipped{Role: role, Person: "ben", Absence: incident.Away}, incident.Skipped{Role: role, Person: "ben", Absence: incident.OffDuty})
	}
	out = append(out, incident.Called{Role: incident.Team, Reason: incident.Reason{Kind: incident.ReasonNobodyFree}, At: t0})
	for _, what := range []string{"done", "not", "edited", "approved", "asked", "confirmed"} {
		out = append(out, incident.Acted{What: what})
	}
	return out
}

// everyFact is each reason for a playbook or an expert.
func everyFact() (out []brand.Fact) {
	for _, kind := range []string{
		"knows", "speaks", "at_work", "off_work", "trained", "not_asked", "asked", "no_plan", "people_write", "about", "kind_volume",
		"kind_tone", "kind_praise", "press", "level",
	} {
		out = append(out, brand.Fact{Kind: kind, Words: []string{"Xyz"}, N: 3})
	}
	return out
}

// An event is stored as facts, and worded in the reader's language when it is read: no text is missing in any language,
// and none is in another one.
func TestEveryEventIsWordedInEveryLanguage(t *testing.T) {
	shelf, err := playbooks.Load("builtin:de", "builtin:en")
	if err != nil {
		t.Fatal(err)
	}
	folks, err := people.Parse("people.yaml", []byte(folk))
	if err != nil {
		t.Fatal(err)
	}
	d := &alert.Desk{Shelf: shelf, People: folks, Topics: []brand.Topic{{Name: "acme"}}}
	_, begin := d.Receive(brand.Spike{ID: "s", Topic: "acme", State: brand.Opened, Level: brand.Storm, Began: t0, Detected: t0, Updated: t0}, nil, nil, t0)
	opened, _, err := incident.Decide(incident.State{}, incident.Program, begin, t0)
	if err != nil {
		t.Fatal(err)
	}
	in, _, err := incident.State{}.Append(incident.Program, t0, opened...)
	if err != nil {
		t.Fatal(err)
	}
	events := slices.Concat(everyEvent()[1:], []incident.Event{incident.Unknown{Kind: "Xyz"}})
	seen := []string{"Opened"}
	for i, e := range slices.Concat(opened, events) {
		if i >= len(opened) {
			if in, _, err = in.Append(incident.Actor{ID: "anna"}, t0, e); err != nil {
				t.Fatal(err)
			}
		}
		if name := reflect.TypeOf(e).Name(); !slices.Contains(seen, name) {
			seen = append(seen, name)
		}
	}
	for _, kind := range eventTypes(t) {
		if !slices.Contains(seen, kind) {
			t.Errorf("no %s is worded by this test", kind)
		}
	}
	for _, lang := range i18n.Languages() {
		words := d.In(lang)
		words.Mark = func(string) string { return "Xyz" }
		for _, e := range slices.Concat(everyEvent()[:1], opened, events) {
			text := words.Event(&in, incident.Record{At: t0, By: incident.Actor{ID: "anna"}, Event: e})
			if text == "" || strings.ContainsAny(text, "[]<>{}") || strings.Contains(text, "no value") {
				t.Errorf("%s: %T is worded %q", lang, e, text)
			}
			speaks(t, lang, reflect.TypeOf(e).Name(), "<p>"+text+"</p>")
		}
	}
}

// eventTypes are the names of the types of all events.
func eventTypes(t *testing.T) (out []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../incident/events.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == "apply" {
			out = append(out, fn.Recv.List[0].Type.(*ast.Ident).Name)
		}
	}
	if len(out) < 25 {
		t.Fatalf("%d types of events were found", len(out))
	}
	return out
}

// The timeline has the newest first, in the reader's language. What an older version's timeline said stands before the
// event by which the incident was taken over.
func TestTheTimelineIsReadInTheReadersLanguage(t *testing.T) {
	for lang, says := range map[string][]string{
		"de": {"hat übernommen", "hat einen Entwurf bearbeitet", "übernommen aus einer älteren Version", "nachdem <bdi>Anna A</bdi> übernommen hat, folgte nichts"},
		"en": {"took it", "edited a statement", "taken over from an older version", "nothing followed after <bdi>Anna A</bdi> took it"},
	} {
		srv, st, _, id := desk(t, lang, brand.ModerateBreeze, "")
		_, history, err := incident.State{}.Append(incident.Actor{ID: "anna"}, t0, incident.Acted{What: "edited"})
		if err != nil {
			t.Fatal(err)
		}
		in := stored(t, st, id)
		happens(t, st, id, incident.Program.ID, incident.Imported{State: in, From: incident.FromOlder, History: history})
		happens(t, st, id, "anna", incident.Taken{ActBy: t0})
		happens(t, st, id, incident.Program.ID, incident.TakeExpired{Person: "anna"})
		code, body := visit(t).get(srv.URL + "/incidents/" + id)
		want(t, code, body, 200, says...)
		at := func(text string) int { return strings.LastIndex(body, text) }
		if !slices.IsSorted([]int{at(says[3]), at(says[0] + "</td>"), at(says[2]), at(says[1])}) {
			t.Errorf("%s: the timeline is not in its order", lang)
		}
	}
}
