package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"brandmelder/cmd/brandmelder/story"
	"brandmelder/incident"
)

func play(t *testing.T, events ...string) outcome {
	t.Helper()
	conf, err := demoConfig()
	if err != nil {
		t.Fatal(err)
	}
	out, err := playStory(t.Context(), conf, demoOptions{store: "file::memory:", events: events})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func crises(o outcome) (out []incidentOutcome) {
	for _, in := range o.Incidents {
		if in.Kind == incident.Crisis {
			out = append(out, in)
		}
	}
	return out
}

// The storm is recognised, understood and answered; nothing else of the three weeks is a crisis.
func TestTheDemoRaisesTheStormAndNothingElse(t *testing.T) {
	whole := play(t, story.Events...)
	cs := crises(whole)
	if len(cs) != 1 {
		t.Fatalf("got %d crises, want the storm alone", len(cs))
	}
	c := cs[0]
	if late := c.Detected.Sub(story.Starts[story.Storm]); late < 0 || late > 15*time.Minute {
		t.Errorf("recognised %s after the storm began, want at most 15 minutes", late)
	}
	if c.Owner == "" || len(c.Experts) < 2 || c.Playbook != "recall" || !strings.Contains(c.PlaybookWhy, "people write") || len(c.Calls) == 0 {
		t.Errorf("got %+v", c)
	}
	langs := map[string]bool{}
	for _, d := range c.Statements {
		langs[d.Lang] = true
	}
	if !langs["de"] || !langs["en"] {
		t.Errorf("statements in %v, want de and en", langs)
	}
}

// Each of the harmless events alone, and all of them together, call nobody.
func TestTheHarmlessEventsAreNoCrisis(t *testing.T) {
	harmless := []string{story.Campaign, story.Bots, story.Competitor, story.Joke}
	sets := [][]string{harmless, harmless[:1], harmless[1:2], harmless[2:3], harmless[3:]}
	if testing.Short() {
		sets = sets[:1]
	}
	for _, events := range sets {
		t.Run(strings.Join(events, "+"), func(t *testing.T) {
			t.Parallel()
			if cs := crises(play(t, events...)); len(cs) != 0 {
				t.Errorf("got %+v, want no crisis", cs)
			}
		})
	}
}

func TestAWrongConfigurationIsReportedWithItsPlaces(t *testing.T) {
	_, err := parseConfig("c.yaml", []byte("topcs: []\ntopics:\n  - {name: a, query: 'acme AND'}\n  - {name: a, query: x}\nretention: 5\n"), nil)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`c.yaml:1:1: unknown key "topcs"; did you mean "topics"?`, "c.yaml:3:31: query column 9", `topic "a" stands here a second time`, "did you mean \"5s\""} {
		if !bytes.Contains([]byte(err.Error()), []byte(want)) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}
