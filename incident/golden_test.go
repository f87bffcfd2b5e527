package incident

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The golden file holds what a released version wrote. It is written once; events that come later get a file of their
// own.
const golden = "testdata/events-1.jsonl"

var update = flag.Bool("update", false, "write the golden file anew: only before its version is released")

type goldenEvent struct {
	by Actor
	e  Event
}

// goldenEvents is a night with an event of every kind, and every field of it.
func goldenEvents() []goldenEvent {
	at := func(minute int) time.Time { return night.Add(time.Duration(minute) * time.Minute) }
	sp := spike("s1", brand.FreshWind, night)
	sp.Window, sp.Expected, sp.Low, sp.High, sp.NegativeShare, sp.ExpectedNegative = "1h0m0s", 21.5, 12, 34, 0.71, 0.18
	sp.Score, sp.Threshold, sp.Confidence, sp.PeakPerHour, sp.Total, sp.Budget = 9.25, 0.3, 0.97, 210.5, 640, 0.5
	sp.Evidence = brand.Evidence{
		Mentions: 312, Voices: 255.5, Authors: 290, Small: 120, Campaign: true, Terms: []brand.Term{{Text: "handle <melts> & burns", Score: 8.1, Count: 41}},
		Sources: map[string]int{"x": 200, "mastodon": 112}, Languages: map[string]int{"de": 300, "en": 12}, Articles: 2,
	}
	sp.Drill = true
	worse := sp
	worse.Level, worse.State, worse.Updated = brand.Storm, brand.Growing, at(12)
	other := spike("s2", brand.FreshWind, at(9))
	other.Topic = "acme-service"
	ended := other
	ended.State, ended.Ended, ended.Updated = brand.Ended, at(300), at(301)
	why := []brand.Fact{{Kind: "topic", Words: []string{"acme"}, N: 2, At: night}}
	flags := []Flag{{Kind: FlagPhone, Text: "0800 123", By: "anna", At: at(33)}, {Kind: FlagModel, Text: "gpt-oss", By: "anna", At: at(33)}}
	statement := Statement{ID: "d1", Kind: Holding, Lang: "de", From: FromPlaybook, Revisions: []Revision{{Number: 1, Text: "Wir prüfen „das“.", At: night}}}
	drafted := Statement{
		ID: "d2", Kind: Reply, Question: "Is it dangerous?", Lang: "en", From: "gpt-oss",
		Revisions: []Revision{{Number: 1, Text: "Call 0800 123.", At: at(20), Flags: []Flag{{Kind: FlagModel, Text: "gpt-oss"}}}},
	}
	anna, ben, dora := Actor{ID: "anna", Via: "link"}, Actor{ID: "ben", Via: "password"}, Actor{ID: "dora", Via: "token"}
	assessment := Assessment{
		Model: "gpt-oss", Level: brand.Storm, Read: 40, Larger: [3]int{31, 6, 3}, Usual: [3]int{25, 10, 5}, Spent: "money",
		Problem: "429 Too Many Requests", At: at(25),
	}
	opened := Opened{
		ID: "i1", Kind: Crisis, Drill: true, Spike: sp, Owner: "anna", Deputy: "ben", Decider: "cleo",
		Plan: Plan{Playbook: "recall", Why: why, Acknowledge: 15 * time.Minute, Act: 20 * time.Minute, TwoPeople: true},
		Steps: []Step{
			{ID: "s1", Text: map[string]string{"de": "Verkauf **stoppen**", "en": "Stop **sales**"}, Role: map[string]string{"de": "Vertrieb", "en": "Sales"}, Due: at(30)},
		},
		Statements: []Statement{statement}, Experts: []Expert{{Person: "dora", Why: why}},
	}
	state := Fold([]Record{{Seq: 1, At: night, By: Program, Event: opened, Hash: "0123"}})
	state.Head, state.Terms = "", nil
	return []goldenEvent{
		{Program, opened},
		{Program, Skipped{Role: Owner, Person: "anna", Absence: Away, Rung: 1}},
		{Program, NobodyFree{}},
		{Program, Called{Role: Deputy, Person: "ben", Reason: Reason{Kind: ReasonOpened, Level: 4, Person: "x", Statement: "d1", Number: 2}, At: night, Rung: 2, Next: at(15)}},
		{Program, CallFailed{Person: "ben", Channel: "chat", Error: "503 <html>", Next: "mail"}},
		{Program, SpikeJoined{Spike: other}},
		{Program, SpikeChanged{Spike: worse}},
		{Program, LevelRaised{Level: brand.Storm}},
		{anna, Taken{ActBy: at(33)}},
		{Program, TakeExpired{Person: "anna"}},
		{anna, HandedOver{To: "ben", ActBy: at(50)}},
		{ben, StepDone{Step: "s1"}},
		{ben, StepUndone{Step: "s1"}},
		{Program, StatementDrafted{Statement: drafted}},
		{Program, DraftingFailed{Model: "gpt-oss", Problem: "timeout"}},
		{Program, Assessed{Assessment: assessment}},
		{ben, StatementEdited{Statement: "d2", Text: "Please call 0800 123.", Flags: flags[:1], Unapprove: true}},
		{anna, StatementApproved{Statement: "d2", Revision: 2, Department: "press", Flags: flags}},
		{ben, StatementPublished{Statement: "d2", Revision: 2, Where: "https://acme.example/news"}},
		{ben, ExpertAsked{Person: "dora"}},
		{dora, ExpertAnswered{Accepts: true}},
		{ben, Noted{Text: "Hotline is open.\n\"Line 2\" \u2028 ☎"}},
		{anna, Judged{Verdict: Right}},
		{Program, SpikeEnded{Topic: "acme-service", At: at(300)}},
		{Program, SpikeChanged{Spike: ended}},
		{anna, ClosedAs{Outcome: Merged, Into: "i0"}},
		{anna, Reopened{}},
		{anna, Acted{What: "edited"}},
		{Program, Imported{State: state, From: FromOlder, History: []Record{{At: at(1), By: anna, Event: Acted{What: "done"}}}}},
	}
}

func goldenLines(t *testing.T) [][]byte {
	t.Helper()
	doc, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(doc), []byte("\n"))
}

func read(t *testing.T, line []byte) (r Record) {
	t.Helper()
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return r
}

// Events of one version are read by the next: to the same values, with hashes that still hold, and are written again as
// they were.
func TestEventsOfAReleasedVersionAreRead(t *testing.T) {
	want := goldenEvents()
	if *update {
		var s State
		var out bytes.Buffer
		for i, g := range want {
			var rs []Record
			var err error
			if s, rs, err = s.Append(g.by, night.Add(time.Duration(i)*time.Minute), g.e); err != nil {
				t.Fatal(err)
			}
			doc, err := json.Marshal(rs[0])
			if err != nil {
				t.Fatal(err)
			}
			out.Write(append(doc, '\n'))
		}
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lines := goldenLines(t)
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d", len(lines), len(want))
	}
	var records []Record
	for i, line := range lines {
		r := read(t, line)
		g := Record{Seq: i + 1, At: night.Add(time.Duration(i) * time.Minute), By: want[i].by, Event: want[i].e, Hash: r.Hash}
		if diff := cmp.Diff(g, r, cmpopts.IgnoreUnexported(Record{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("line %d is read to another value (-want +got):\n%s", i+1, diff)
		}
		again, err := json.Marshal(r)
		if err != nil || !bytes.Equal(again, line) {
			t.Errorf("line %d is written again as %s, %v", i+1, again, err)
		}
		records = append(records, r)
	}
	if err := Verify("i1", records, nil); err != nil {
		t.Error(err)
	}
	s := Fold(records[:len(records)-1])
	if s.Version != len(records)-1 || s.Status != Open || s.Level != brand.Storm || len(s.Statements) != 2 || len(s.Statements[1].Latest().Approvals) != 1 {
		t.Errorf("they fold to %+v", s)
	}
}

// The golden file has every kind of event, and of each kind every field.
func TestTheGoldenFileHasEveryKindOfEvent(t *testing.T) {
	set := map[string]map[string]bool{}
	for _, line := range goldenLines(t) {
		r := read(t, line)
		kind, v := KindOf(r.Event), reflect.ValueOf(r.Event)
		if set[kind] == nil {
			set[kind] = map[string]bool{}
		}
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				set[kind][v.Type().Field(i).Name] = true
			}
		}
	}
	for kind, e := range kinds {
		if set[kind] == nil {
			t.Errorf("no line has the kind %s", kind)
		}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(e)) {
			if !set[kind][f.Name] {
				t.Errorf("no line of the kind %s has the field %s", kind, f.Name)
			}
		}
	}
}

// A newer version wrote an event of a kind that this one does not know, and a field more in one that it knows. Both are
// kept byte for byte, and the chain over them holds.
func TestWhatANewerVersionWroteIsKept(t *testing.T) {
	lines := goldenLines(t)[:3]
	records := []Record{read(t, lines[0]), read(t, lines[1]), read(t, lines[2])}
	before := records[2].Hash
	for seq, newer := range []string{
		`{"seq":4,"at":"2026-03-14T05:00:00Z","by":{"id":"anna"},"kind":"livestreamed","data":{"to":"x","n":1.50,"deep":[{"a":null}]}}`,
		`{"seq":5,"at":"2026-03-14T05:01:00Z","by":{"id":"anna"},"kind":"noted","data":{"text":"Done.","mood":"calm"}}`,
	} {
		r := read(t, []byte(newer))
		hash, err := r.hash(before)
		if err != nil {
			t.Fatal(err)
		}
		line := strings.TrimSuffix(newer, "}") + `,"hash":"` + hash + `"}`
		r = read(t, []byte(line))
		again, err := json.Marshal(r)
		if err != nil || string(again) != line {
			t.Errorf("event %d is written again as %s, %v", seq+4, again, err)
		}
		records, before = append(records, r), r.Hash
	}
	if records[3].Event != (Unknown{Kind: "livestreamed"}) || records[4].Event != (Noted{Text: "Done."}) {
		t.Errorf("they are read to %#v, %#v", records[3].Event, records[4].Event)
	}
	if err := Verify("i1", records, nil); err != nil {
		t.Error(err)
	}
	if s := Fold(records); s.Version != 5 || s.Head != before {
		t.Errorf("they fold to version %d", s.Version)
	}
}
