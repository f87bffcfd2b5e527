package playbooks

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
)

func shelf(t *testing.T, places ...string) *Shelf {
	t.Helper()
	s, err := Load(append([]string{"builtin:de", "builtin:en"}, places...)...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryEmbeddedPlanIsWholeInBothLanguages(t *testing.T) {
	s := shelf(t)
	ids := map[string]bool{}
	for _, b := range s.Books() {
		ids[b.ID] = true
		if len(b.Replies) == 0 || len(b.Do) == 0 || len(b.Dont) == 0 || b.Employees == "" || b.Deputy == "" || b.Decides == "" || len(b.Fields) == 0 {
			t.Errorf("%s lacks a part", b.File)
		}
		text, err := b.Fill(b.Holding, Values{Topic: "TOPIC", Owner: "OWNER", Began: "BEGAN"})
		if err != nil || !strings.Contains(text, "OWNER") && b.ID != "praise" {
			t.Errorf("%s: holding statement %q, %v", b.File, text, err)
		}
	}
	for _, id := range []string{"recall", "data-breach", "outage", "complaints", "misconduct", "discrimination", "false-report", "boycott", General} {
		if got := s.Languages(id); !slices.Equal(got, []string{"de", "en"}) {
			t.Errorf("%s is there in %v", id, got)
		}
	}
}

func TestThePlanThatFitsIsFoundWithAReason(t *testing.T) {
	s := shelf(t)
	for _, c := range []struct{ said, want, why string }{
		{"Die Maschine brennt, überall Rauch!", "recall", "people say"},
		{"smoke came out of it, my hand is burnt", "recall", "people say"},
		{"Hacker haben die Kundendaten", "data-breach", "people say"},
		{"I can't log in, is the server down?", "outage", "people say"},
		{"so eine rassistische Werbung", "discrimination", "people say"},
		{"ich rufe zum Boykott auf", "boycott", "people say"},
		{"nice weather", General, "no special plan fits"},
	} {
		id, why := s.Find(Matter{Kind: brand.Volume, Ev: brand.Evidence{Samples: []brand.Mention{{Text: c.said}}}}, "en")
		if id != c.want || !strings.Contains(why, c.why) {
			t.Errorf("%q: got %s because %q, want %s because %q", c.said, id, why, c.want, c.why)
		}
	}
}

func TestOnesOwnPlanReplacesTheEmbeddedOne(t *testing.T) {
	dir := t.TempDir()
	own := "id: recall\nlang: en\ntitle: Ours\nowner: anna\nsteps: [{text: call, within: 5m}]\nholding_statement: hello {{.Topic}}\nclose_when: done\n"
	if err := os.WriteFile(filepath.Join(dir, "recall.yaml"), []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	s := shelf(t, dir)
	if got := s.Book("recall", "en"); got.Title != "Ours" {
		t.Errorf("got %q", got.Title)
	}
	if got := s.Book("recall", "de"); got.Title != "Produktrückruf" {
		t.Errorf("got %q", got.Title)
	}
}

func TestEveryMistakeOfAPlanIsToldWithItsPlace(t *testing.T) {
	_, problems := parse("p.yaml", []byte("id: Recall\nlang: fr\ntitel: x\nsteps:\n  - {text: a, within: 5}\nwhen: [{kind: volum, weight: 1}]\nholding_statement: '{{.Nobody}}'\n"))
	got := problems.Error()
	for _, want := range []string{
		"p.yaml:1:5: id \"Recall\"", "p.yaml:2:7: lang \"fr\"", "p.yaml:3:1: unknown key \"titel\"; did you mean \"title\"?",
		"p.yaml:5:23: within \"5\" is not a duration such as 30s, 5m or 24h; did you mean \"5s\" or \"5m\"?",
		"did you mean \"volume\"?", "holding_statement: ", "owner is missing",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
}

const people = `timezone: Europe/Berlin
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
	p, err := ParsePeople("people.yaml", []byte(people))
	if err != nil {
		t.Fatal(err)
	}
	working := time.Date(2026, 3, 16, 10, 0, 0, 0, time.UTC) // a Monday
	need := Need{Fields: []string{"Technik"}, Languages: []string{"de"}, At: working, Asked: map[string]int{"eva": 2}, Not: []string{"anna", "ben"}, Lang: "en"}
	got := p.Experts(need)
	if len(got) != 2 || got[0].Person != "cem" || got[1].Person != "dora" {
		t.Fatalf("got %+v, want cem, dora: eva was asked too often, fritz knows another field", got)
	}
	why := strings.Join(got[0].Why, "; ")
	for _, want := range []string{"knows Technik", "speaks de", "is at work now", "was not asked"} {
		if !strings.Contains(why, want) {
			t.Errorf("%q is not among the reasons %q", want, why)
		}
	}
	need.At = working.Add(12 * time.Hour)
	if got := p.Experts(need); strings.Contains(strings.Join(got[0].Why, ";"), "at work now") && got[0].Person == "cem" {
		t.Errorf("at night cem is not at work: %v", got)
	}
}

func TestOneVoiceIsThePlansOrWhoeverIsReady(t *testing.T) {
	p, err := ParsePeople("people.yaml", []byte(people))
	if err != nil {
		t.Fatal(err)
	}
	s := shelf(t)
	owner, deputy, _ := p.Voices(s.Book("recall", "en"))
	if owner.ID != "anna" || deputy.ID != "ben" {
		t.Errorf("got %s, %s", owner.ID, deputy.ID)
	}
	owner, deputy, _ = p.Voices(s.Book("recall", "de")) // nobody has the German roles
	if owner.ID != "anna" || deputy.ID != "ben" {
		t.Errorf("got %s, %s", owner.ID, deputy.ID)
	}
	owner, deputy, _ = p.Voices(s.Book("recall", "de"), s.Book("praise", "en")) // roles of any language count
	if owner.ID != "ben" || deputy.ID != "anna" {
		t.Errorf("got %s, %s", owner.ID, deputy.ID)
	}
	if err := p.Check(s); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestEveryMistakeOfThePeopleFileIsTold(t *testing.T) {
	_, err := ParsePeople("people.yaml", []byte(`timezone: Berlin
people:
  - {id: anna, name: Anna, email: nobody, hours: [always]}
  - {id: anna, name: B}
departments: [{name: X, head: ana}]
`))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{":1:11: timezone", "email \"nobody\"", "hours \"always\"", "two people have the id", "head \"ana\" is nobody of people; did you mean \"anna\"?"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("id: a\nsteps: [{text: x}]"), []byte(people))
	f.Add([]byte("a: &a [*a]"), []byte("? :"))
	f.Fuzz(func(_ *testing.T, plan, folk []byte) {
		parse("p", plan)
		_, _ = ParsePeople("q", folk) // any error will do, no panic
	})
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
	p, err := ParsePeople("people.md", []byte(yaml.String()))
	if err != nil || len(p.Persons) != 2 || len(p.Departments) != 1 || p.Persons[1].AwayUntil.IsZero() {
		t.Errorf("got %+v, %v", p, err)
	}
}

// A text of a plan that repeats without end, or has no end itself, is a mistake of its file.
//
// Fails on 0005da9: the first runs until the memory is used up.
func TestATextOfAPlanHasAnEnd(t *testing.T) {
	p := &Playbook{ID: "a"}
	for _, text := range []string{
		"{{range 9223372036854775807}}x{{end}}", "{{- range 9223372036854775807}}{{end}}", `{{define "a"}}{{template "a"}}{{end}}{{template "a"}}`, strings.Repeat("a", maxFill+1),
		strings.Repeat("{{if 1}}", 8_000), "{{" + strings.Repeat("(", 60_000),
	} {
		if _, err := p.Fill(text, Values{}); err == nil {
			t.Errorf("%.40s: no error", text)
		}
	}
}
