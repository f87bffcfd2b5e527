package alert

import (
	"testing"

	"brandmelder/incident"
)

// A desk that takes over knows what people wrote before: the first spike that it receives finds its matter by it.
func TestADeskThatTakesOverReadsTheEvidenceBeforeItMatches(t *testing.T) {
	d := newDesktop(t)
	d.report(spike("s", "acme", 3, "one", "two", "three", "four", "five", "six", "seven", "eight"))
	id := d.incident().ID
	d.step(0)
	d.loop = NewLoop(d.st, d.desk, d.loop.opt)
	d.report(spike("u", "acme-service", 3, "six", "seven", "eight"))
	if in := d.incident(); in.ID != id || len(in.Spikes) != 2 {
		t.Errorf("got %+v", in.Summary)
	}
}

// What a loop knows of an incident that others changed is what is stored, with its evidence.
func TestAClickKeepsTheEvidence(t *testing.T) {
	d := newDesktop(t)
	d.report(spike("s", "acme", 3, "one", "two", "three", "four", "five", "six", "seven", "eight"))
	d.must(d.do("anna", func(*incident.State) incident.Command { return incident.Take{Roster: d.desk.Roster(d.now)} }))
	d.step(0)
	in := d.loop.open[d.incident().ID]
	if in.TakenBy != "anna" || in.unread || len(in.Evidence) != 1 || len(in.Evidence[0].Evidence.Terms) != 8 {
		t.Errorf("got %+v", in)
	}
}
