package people

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
)

const folk = `timezone: Europe/Berlin
people:
  - {id: anna, name: Anna A, role: Press officer, languages: [de, en], one_voice: true}
  - {id: ben, name: Ben B, role: Head of social media, one_voice: true}
  - {id: cem, name: Cem C, fields: [Technik, products], languages: [de], hours: [Mo-Fr 09:00-17:00], trainings: [guidelines]}
  - {id: dora, name: Dora D, fields: [technik], languages: [en]}
  - {id: eva, name: Eva E, fields: [Technik], limits: {asks_per_month: 2}}
  - {id: fritz, name: Fritz F, fields: [music]}
departments:
  - {name: Quality, goals: [fewer returns], head: cem}
`

func TestExpertsAreSuggestedWithReasonsAndNeverTheSameFew(t *testing.T) {
	p, err := Parse("people.yaml", []byte(folk))
	if err != nil {
		t.Fatal(err)
	}
	working := time.Date(2026, 3, 16, 10, 0, 0, 0, time.UTC) // a Monday
	need := Need{Fields: []string{"Technik"}, Languages: []string{"de"}, At: working, Asked: map[string]int{"eva": 2}, Not: []string{"anna", "ben"}}
	got := p.Experts(need)
	if len(got) != 2 || got[0].Person != "cem" || got[1].Person != "dora" {
		t.Fatalf("got %+v, want cem, dora: eva was asked too often, fritz knows another field", got)
	}
	var why []string
	for _, f := range got[0].Why {
		why = append(why, strings.TrimSpace(f.Kind+" "+strings.Join(f.Words, ", ")))
	}
	for _, want := range []string{"knows Technik", "speaks de", "at_work", "not_asked"} {
		if !slices.Contains(why, want) {
			t.Errorf("%q is not among the reasons %q", want, why)
		}
	}
	need.At = working.Add(12 * time.Hour)
	for _, s := range p.Experts(need) {
		if s.Person == "cem" && slices.ContainsFunc(s.Why, func(f brand.Fact) bool { return f.Kind == "at_work" }) {
			t.Errorf("at night cem is not at work: %v", s)
		}
	}
}

func TestOneVoiceIsThePlansOrWhoeverIsReady(t *testing.T) {
	p, err := Parse("people.yaml", []byte(folk))
	if err != nil {
		t.Fatal(err)
	}
	english := Parts{Owner: "Press officer", Deputy: "Head of social media"}
	german := Parts{Owner: "Pressesprecherin", Deputy: "Leitung Social Media"}
	praise := Parts{Owner: "Head of social media", Deputy: "Press officer"}
	owner, deputy, _ := p.Voices(english)
	if owner.ID != "anna" || deputy.ID != "ben" {
		t.Errorf("got %s, %s", owner.ID, deputy.ID)
	}
	owner, deputy, _ = p.Voices(german) // nobody has the German roles
	if owner.ID != "anna" || deputy.ID != "ben" {
		t.Errorf("got %s, %s", owner.ID, deputy.ID)
	}
	owner, deputy, _ = p.Voices(german, praise) // roles of any language count
	if owner.ID != "ben" || deputy.ID != "anna" {
		t.Errorf("got %s, %s", owner.ID, deputy.ID)
	}
	if err := p.Check([]Wanted{{Playbook: "recall", Owner: "Rückruf", Builtin: true}}); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestEveryMistakeOfThePeopleFileIsReported(t *testing.T) {
	_, err := Parse("people.yaml", []byte(`timezone: Berlin
people:
  - {id: anna, name: Anna, email: nobody, hours: [always]}
  - {id: anna, name: B}
  - {id: desk, name: C}
departments: [{name: X, head: ana}]
`))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{":1:11: timezone", "email \"nobody\"", "hours \"always\"", "two people have the id", "id \"desk\"", "head \"ana\" is nobody of people; did you mean \"anna\"?"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}

// What the documentation shows can be written so.
func TestThePeopleOfTheDocumentationAreRight(t *testing.T) {
	doc, err := os.ReadFile("../docs/people.md")
	if err != nil {
		t.Fatal(err)
	}
	var yaml strings.Builder
	for line := range strings.Lines(string(doc)) {
		if text, ok := strings.CutPrefix(line, "    "); ok {
			yaml.WriteString(text)
		}
	}
	p, err := Parse("people.md", []byte(yaml.String()))
	if err != nil || len(p.Persons) != 2 || len(p.Departments) != 1 || p.Persons[1].AwayUntil.IsZero() {
		t.Errorf("got %+v, %v", p, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(folk))
	f.Add([]byte("? :"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = Parse("q", data) }) // any error will do, no panic
}

// Somebody is next on duty when their hours begin; who has none within a week, or is away, never.
func TestTheNextHourOnDutyIsKnown(t *testing.T) {
	p, err := Parse("people.yaml", []byte(folk+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	saturday := time.Date(2026, 3, 14, 2, 0, 0, 0, time.UTC)
	cem := p.Person("cem")
	// 8:00 UTC is nine in Berlin.
	if got, want := cem.NextOnDuty(saturday), time.Date(2026, 3, 16, 8, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := p.Person("anna").NextOnDuty(saturday); !got.Equal(saturday) {
		t.Errorf("who has no hours is always on duty: got %v", got)
	}
	cem.AwayUntil = saturday.AddDate(0, 1, 0)
	if got := cem.NextOnDuty(saturday); !got.IsZero() {
		t.Errorf("who is away for a month is on duty at %v", got)
	}
}
