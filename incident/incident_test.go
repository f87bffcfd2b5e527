package incident

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var night = time.Date(2026, 3, 14, 2, 0, 0, 0, time.UTC)

func spike(id string, level brand.Level, at time.Time) brand.Spike {
	return brand.Spike{
		ID: id, Topic: "acme", Kind: brand.Volume, State: brand.Opened, Level: level, Began: at.Add(-time.Hour),
		Detected: at, Updated: at, Observed: 312, Evidence: brand.Evidence{Terms: []brand.Term{{Text: "handle"}, {Text: "melts"}}},
	}
}

// house is a small company: the owner and the deputy are of one department, the decider leads the firm.
var house = Roster{
	{ID: "anna", Department: "press", Speaks: true, OnDuty: night},
	{ID: "ben", Department: "press", Speaks: true, OnDuty: night},
	{ID: "cleo", Department: "board", Speaks: true, OnDuty: night},
	{ID: "dora", Department: "product", OnDuty: night},
	{ID: "emil", Department: "legal", OnDuty: night},
}

// absent is the house without some people on duty.
func absent(why Absence, ids ...string) Roster {
	out := slices.Clone(house)
	for i := range out {
		if slices.Contains(ids, out[i].ID) {
			out[i].Absence, out[i].OnDuty = why, time.Time{}
		}
	}
	return out
}

// play is an incident that people work on.
type play struct {
	t       testing.TB
	s       State
	records []Record
	calls   []Call
	now     time.Time
}

func begin(t testing.TB, level brand.Level, r Roster) *play {
	p := &play{t: t, now: night}
	p.must("", Begin{Roster: r, Opened: Opened{
		ID: "i1", Kind: Crisis, Spike: spike("s1", level, night), Owner: "anna", Deputy: "ben", Decider: "cleo",
		Plan:    Plan{Playbook: "recall", Acknowledge: 15 * time.Minute, Act: 20 * time.Minute},
		Steps:   []Step{{ID: "s1", Text: map[string]string{"en": "Stop the sale", "de": "Verkauf stoppen"}, Due: night.Add(time.Hour)}},
		Experts: []Expert{{Person: "dora", Why: []brand.Fact{{Kind: "knows", Words: []string{"product safety"}}}}},
		Statements: []Statement{{ID: "d1", Kind: Holding, Lang: "en", From: FromPlaybook, Revisions: []Revision{
			{Number: 1, Text: "We are checking.", At: night},
		}}},
	}})
	return p
}

// do lets somebody do something, "" the program.
func (p *play) do(who string, c Command) error {
	by := Program
	if who != "" {
		by = Actor{ID: who, Via: "link"}
	}
	events, calls, err := Decide(p.s, by, c, p.now)
	if err != nil {
		return err
	}
	var rs []Record
	if p.s, rs, err = p.s.Append(by, p.now, events...); err != nil {
		p.t.Fatal(err)
	}
	p.records, p.calls = append(p.records, rs...), append(p.calls, calls...)
	return nil
}

func (p *play) must(who string, c Command) {
	if err := p.do(who, c); err != nil {
		p.t.Helper()
		p.t.Fatalf("%s: %T: %v", who, c, err)
	}
}

func (p *play) refused(who string, c Command, want error) {
	if err := p.do(who, c); !errors.Is(err, want) {
		p.t.Helper()
		p.t.Errorf("%s: %T: got %v, want %v", who, c, err, want)
	}
}

// called are the calls since the last time, as "person reason".
func (p *play) called() (out []string) {
	for _, c := range p.calls {
		to := c.To
		if to == "" {
			to = "team"
		}
		out = append(out, to+" "+string(c.Reason.Kind))
	}
	p.calls = nil
	return out
}

func (p *play) wantCalls(want ...string) {
	p.t.Helper()
	if got := p.called(); !slices.Equal(got, want) {
		p.t.Errorf("at %s: called %q, want %q", p.now.Format("15:04"), got, want)
	}
}

func (p *play) after(d time.Duration, r Roster) {
	p.now = p.now.Add(d)
	p.must("", Tick{Roster: r})
}

// The owner is called at once, the deputy and the decider when nobody answers, then the team.
func TestTheChainIsCalledUntilSomebodyTakesIt(t *testing.T) {
	p := begin(t, brand.FreshWind, house)
	p.wantCalls("anna opened")
	p.after(14*time.Minute, house)
	p.wantCalls()
	p.after(time.Minute, house)
	p.wantCalls("ben unanswered")
	p.after(15*time.Minute, house)
	p.wantCalls("cleo unanswered")
	p.after(15*time.Minute, house)
	p.wantCalls("team unanswered")
	p.after(time.Hour, house)
	p.wantCalls()
}

// Who opens a closed incident again and may not speak starts its calls anew: they are other calls than those of the
// first time, which were sent. Nobody is woken for good news the second time either.
func TestAReopenedIncidentCallsPeopleAgain(t *testing.T) {
	p := begin(t, brand.FreshWind, house)
	p.after(15*time.Minute, house)
	p.must("anna", Close{Outcome: Resolved})
	p.must("dora", Reopen{Roster: house})
	p.after(15*time.Minute, house)
	p.must("anna", Close{Outcome: Resolved})
	seen := map[string]bool{}
	for _, c := range p.calls {
		if id := c.On("mail").ID; seen[id] {
			t.Errorf("the call of %s for %+v is one that was sent before", c.To, c.Reason)
		} else {
			seen[id] = true
		}
	}
	p.wantCalls("anna opened", "ben unanswered", "team closed", "anna opened", "ben unanswered", "team closed")

	good := &play{t: t, now: night}
	asleep := absent(OffDuty, "anna")
	asleep[0].OnDuty = night.Add(7 * time.Hour)
	good.must("", Begin{Roster: asleep, Opened: Opened{ID: "i2", Kind: Opportunity, Spike: spike("s1", brand.FreshWind, night), Owner: "anna"}})
	good.must("anna", Close{Outcome: Resolved})
	good.calls = nil
	good.must("dora", Reopen{Roster: asleep})
	if len(good.calls) != 1 || good.calls[0].To != "anna" || !good.calls[0].Due.Equal(night.Add(7*time.Hour)) {
		t.Errorf("got the calls %+v, want one to anna when her day begins", good.calls)
	}
}

// An expert who was only asked for help cannot take the incident, so the escalation goes on.
// Fault 2: on 5a11e2e anybody who pressed "I take it" ended the escalation for good.
func TestWhoWasOnlyAskedForHelpCannotTakeIt(t *testing.T) {
	p := begin(t, brand.FreshWind, house)
	p.must("anna", Ask{Expert: "dora"})
	p.refused("dora", Take{Roster: house}, ErrNotYours)
	p.refused("emil", Take{Roster: house}, ErrNotYours)
	p.called()
	p.after(15*time.Minute, house)
	p.wantCalls("ben unanswered")
	p.must("dora", Answer{Accepts: true})
	if x := p.s.Experts[0]; !x.Accepts || x.Answered.IsZero() {
		t.Errorf("the answer is lost: %+v", x)
	}
}

// Who takes it and then does nothing loses it again, and the chain goes on behind the last who was called.
func TestATakingThatNothingFollowsExpires(t *testing.T) {
	p := begin(t, brand.FreshWind, house)
	p.must("anna", Take{Roster: house})
	if p.s.Status != Acknowledged || p.s.Voice() != "anna" {
		t.Fatalf("status %s, voice %s", p.s.Status, p.s.Voice())
	}
	p.called()
	p.after(19*time.Minute, house)
	p.wantCalls()
	p.after(time.Minute, house)
	p.wantCalls("ben take_expired")
	p.must("ben", Take{Roster: house})
	p.must("ben", Check{Step: "s1", Done: true})
	if p.s.Status != Responding {
		t.Errorf("status %s, want responding", p.s.Status)
	}
	p.called()
	p.after(24*time.Hour, house)
	p.wantCalls()
}

// The deputy takes it, is announced to the owner, and hands it over to the decider, who is called.
func TestTakingIsAnnouncedAndCanBeHandedOver(t *testing.T) {
	p := begin(t, brand.FreshWind, house)
	p.after(15*time.Minute, house)
	p.called()
	p.must("ben", Take{Roster: house})
	p.wantCalls("anna taken")
	p.refused("dora", HandOver{To: "dora", Roster: house}, ErrTaken)
	p.refused("ben", HandOver{To: "emil", Roster: house}, ErrNotYours)
	p.refused("ben", HandOver{To: "cleo", Roster: absent(Away, "cleo")}, ErrNotAvailable)
	p.must("ben", HandOver{To: "cleo", Roster: house})
	p.wantCalls("cleo handed_over", "anna handed_over")
	if p.s.Voice() != "cleo" {
		t.Errorf("%s speaks, want cleo", p.s.Voice())
	}
	p.refused("ben", Edit{Statement: "d1", Revision: 1, Text: "No.", Roster: house}, ErrNotOneVoice)
	p.must("anna", Take{Roster: house}) // the owner takes it over
	if p.s.Voice() != "anna" {
		t.Errorf("%s speaks, want anna", p.s.Voice())
	}
	p.refused("ben", Take{Roster: house}, ErrTaken)
}

// People who are away or off duty are skipped; if nobody can be called, the whole team is called at once.
// Fault 10: on 5a11e2e an absent owner was called first.
func TestAbsentPeopleAreSkipped(t *testing.T) {
	p := begin(t, brand.FreshWind, absent(Away, "anna"))
	p.wantCalls("ben opened")
	if got := p.s.Chain.Skipped; len(got) != 1 || got[0].Person != "anna" || got[0].Absence != Away {
		t.Errorf("skipped %+v", got)
	}
	if p.s.Voice() != "ben" {
		t.Errorf("%s speaks, want ben", p.s.Voice())
	}
	p = begin(t, brand.FreshWind, absent(OffDuty, "anna", "ben", "cleo"))
	p.wantCalls("team nobody_free")
	if !p.s.Chain.NobodyFree {
		t.Error("the page does not know that nobody is on duty")
	}
}

// Good news waits for working hours, and wakes nobody who has none within a week.
// Fault 10: on 5a11e2e it was sent at night if no working hours were found within a week.
func TestGoodNewsWakesNobody(t *testing.T) {
	open := func(r Roster) []Call {
		p := &play{t: t, now: night}
		sp := spike("s1", brand.LightAir, night)
		sp.Kind = brand.Praise
		p.must("", Begin{Roster: r, Opened: Opened{ID: "i1", Kind: Opportunity, Spike: sp, Owner: "anna", Deputy: "ben"}})
		return p.calls
	}
	morning := night.Add(6 * time.Hour)
	r := absent(OffDuty, "anna")
	r[0].OnDuty = morning
	if calls := open(r); len(calls) != 1 || calls[0].To != "anna" || !calls[0].Due.Equal(morning) {
		t.Errorf("got %+v", calls)
	}
	if calls := open(absent(Away, "anna")); len(calls) != 1 || calls[0].To != "ben" {
		t.Errorf("got %+v", calls)
	}
	if calls := open(absent(Away, "anna", "ben")); len(calls) != 0 {
		t.Errorf("somebody is called at night: %+v", calls)
	}
}

// An approval is for the words that were read.
// Fault 5: on 5a11e2e an outdated page approved words that its reader never saw.
func TestAnApprovalNamesARevision(t *testing.T) {
	p := begin(t, brand.FreshWind, house)
	p.must("anna", Take{Roster: house})
	p.must("anna", Edit{Statement: "d1", Revision: 1, Text: "It is our fault.", Roster: house})
	p.refused("anna", Approve{Statement: "d1", Revision: 1, Roster: house}, ErrOutdated)
	p.refused("anna", Edit{Statement: "d1", Revision: 1, Text: "Another.", Roster: house}, ErrOutdated)
	p.must("anna", Approve{Statement: "d1", Revision: 2, Roster: house})
	if !p.s.Approved(&p.s.Statements[0]) {
		t.Fatal("it is not approved")
	}
	p.must("anna", Edit{Statement: "d1", Revision: 2, Text: "It is not our fault.", Roster: house})
	if p.s.Approved(&p.s.Statements[0]) {
		t.Error("an edit keeps the approval")
	}
	p.refused("anna", Publish{Statement: "d1", Revision: 3}, ErrNotApproved)
	if got := p.s.Statements[0].Revisions; len(got) != 3 || len(got[1].Approvals) != 1 {
		t.Errorf("the history of the text is lost: %+v", got)
	}
}

// From level 5 on two people of two departments approve, whoever took it.
// Fault 3: on 5a11e2e one approval was enough if the decider was the deputy who took it, or if there was no decider.
func TestAStormNeedsTwoPeopleOfTwoDepartments(t *testing.T) {
	p := begin(t, brand.Storm, house)
	p.must("anna", Take{Roster: house})
	p.called()
	p.must("anna", Approve{Statement: "d1", Revision: 1, Roster: house})
	p.wantCalls("cleo second")
	p.refused("ben", Approve{Statement: "d1", Revision: 1, Roster: house}, ErrNotOneVoice) // of anna's department
	p.refused("dora", Approve{Statement: "d1", Revision: 1, Roster: house}, ErrNotOneVoice)
	if p.s.Approved(&p.s.Statements[0]) {
		t.Error("one approval is enough")
	}
	p.must("cleo", Approve{Statement: "d1", Revision: 1, Roster: house})
	if !p.s.Approved(&p.s.Statements[0]) {
		t.Error("two approvals are not enough")
	}
	p.must("cleo", Publish{Statement: "d1", Revision: 1, Where: "https://acme.example/news"})

	p = begin(t, brand.Storm, house) // the decider takes it: the owner is the second
	p.after(15*time.Minute, house)
	p.after(15*time.Minute, house)
	p.must("cleo", Take{Roster: house})
	p.called()
	p.must("cleo", Approve{Statement: "d1", Revision: 1, Roster: house})
	p.wantCalls("anna second")

	alone := Roster{house[0], house[1]} // nobody else may speak
	p = begin(t, brand.Storm, alone)
	p.must("anna", Take{Roster: alone})
	p.must("anna", Approve{Statement: "d1", Revision: 1, Roster: alone})
	if p.s.Approved(&p.s.Statements[0]) || p.s.CanBeApproved(alone) {
		t.Error("two people of one department are enough")
	}
}

// It grows, it is calm, it flares up: who has it is called for each, for each level once.
func TestWhoHasItIsCalledWhenItChanges(t *testing.T) {
	p := begin(t, brand.ModerateBreeze, house)
	p.must("anna", Take{Roster: house})
	p.called()
	report := func(id string, level brand.Level, state brand.SpikeState) {
		p.now = p.now.Add(time.Minute)
		sp := spike(id, level, p.now)
		if sp.State = state; state == brand.Ended {
			sp.Ended = p.now
		}
		p.must("", ReceiveSpike{Spike: sp, Roster: house})
	}
	report("s1", brand.Storm, brand.Growing)
	p.wantCalls("anna growing", "cleo growing")
	report("s1", brand.Storm, brand.Lasting)
	p.wantCalls()
	report("s1", brand.Storm, brand.Ended)
	p.wantCalls("anna calm")
	report("s2", brand.LightBreeze, brand.Opened)
	p.wantCalls("anna flares_up")
	report("s2", brand.LightBreeze, brand.Ended)
	p.called()
	p.after(48*time.Hour, house)
	p.wantCalls("team closed")
	if p.s.Open() || p.s.Outcome != Resolved {
		t.Errorf("status %s, outcome %s", p.s.Status, p.s.Outcome)
	}
	p.must("ben", Reopen{Roster: house})
	if p.s.Status != Watching || p.s.Voice() != "ben" {
		t.Errorf("status %s, voice %s", p.s.Status, p.s.Voice())
	}
	p.after(47*time.Hour, house)
	if !p.s.Open() {
		t.Error("it was closed at once")
	}
}

// Whatever people do, the state is the fold of the events, in memory and as they are stored, and their chain holds.
func TestTheStateIsTheFoldOfTheEvents(t *testing.T) {
	people := []string{"", "anna", "ben", "cleo", "dora", "emil", "nobody"}
	rapid.Check(t, func(rt *rapid.T) {
		p := begin(t, brand.Level(rapid.IntRange(2, 6).Draw(rt, "level")), house)
		for range rapid.IntRange(0, 25).Draw(rt, "steps") {
			p.now = p.now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(rt, "seconds")) * time.Second)
			r := house
			if rapid.Bool().Draw(rt, "night") {
				r = absent(OffDuty, "anna", "cleo")
			}
			who := rapid.SampledFrom(people).Draw(rt, "who")
			rev := rapid.IntRange(1, 3).Draw(rt, "revision")
			words := fmt.Sprint("text ", rapid.IntRange(0, 3).Draw(rt, "words"))
			sp := spike(rapid.SampledFrom([]string{"s1", "s2"}).Draw(rt, "spike"), brand.Level(rapid.IntRange(1, 6).Draw(rt, "rise")), p.now)
			if sp.State = rapid.SampledFrom([]brand.SpikeState{brand.Growing, brand.Ended}).Draw(rt, "state"); sp.State == brand.Ended {
				sp.Ended = p.now
			}
			was := p.s
			before := text(rt, was)
			_ = p.do(who, rapid.SampledFrom([]Command{
				Tick{Roster: r},
				Take{Roster: r},
				HandOver{To: rapid.SampledFrom(people).Draw(rt, "to"), Roster: r},
				Check{Step: "s1", Done: rapid.Bool().Draw(rt, "done")},
				Edit{Statement: "d1", Revision: rev, Text: words, Roster: r},
				Approve{Statement: "d1", Revision: rev, Roster: r},
				Publish{Statement: "d1", Revision: rev},
				Ask{Expert: "dora"},
				Answer{Accepts: true},
				Note{Text: words},
				Judge{Verdict: Right},
				Close{Outcome: FalseAlarm},
				Reopen{Roster: r},
				ReceiveSpike{Spike: sp, Roster: r},
				Draft{Model: "m", Problem: "no answer"},
				Assess{Assessment{Model: "m"}},
				Fail{CallFailed{Person: "anna", Channel: "chat", Error: "no"}},
			}).Draw(rt, "command")) // a refused command changes nothing
			if diff := cmp.Diff(before, text(rt, was)); diff != "" {
				rt.Fatalf("the command changed the state that it was decided on (-before +behind):\n%s", diff)
			}
		}
		if diff := cmp.Diff(text(rt, p.s), text(rt, Fold(p.records))); diff != "" {
			rt.Fatalf("the state is not the fold of its events (-state +fold):\n%s", diff)
		}
		var read []Record
		if err := json.Unmarshal([]byte(text(rt, p.records)), &read); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(text(rt, p.s), text(rt, Fold(read))); diff != "" {
			rt.Fatalf("the stored events fold to another state:\n%s", diff)
		}
		if err := Verify("i1", read, &p.s); err != nil {
			rt.Fatal(err)
		}
	})
}

func text(t interface{ Fatal(...any) }, v any) string {
	doc, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

// A changed, a missing and a moved event are found, and the first one is named.
func TestABrokenChainIsNamed(t *testing.T) {
	p := begin(t, brand.FreshWind, house)
	p.must("anna", Take{Roster: house})
	p.must("anna", Check{Step: "s1", Done: true})
	p.must("anna", Note{Text: "The hotline is open."})
	if len(p.records) != 5 {
		t.Fatalf("%d events", len(p.records))
	}
	for name, c := range map[string]struct {
		broken func(rs []Record) []Record
		want   string
	}{
		"changed": {func(rs []Record) []Record {
			var r Record
			doc := strings.Replace(text(t, rs[4]), "open", "shut", 1)
			if err := json.Unmarshal([]byte(doc), &r); err != nil {
				t.Fatal(err)
			}
			rs[4] = r
			return rs
		}, "event 5 (noted"},
		"another actor": {func(rs []Record) []Record { rs[2].By.ID = "ben"; return rs }, "event 3 (taken"},
		"missing":       {func(rs []Record) []Record { return slices.Delete(rs, 2, 3) }, "event 3 is missing"},
		"last missing":  {func(rs []Record) []Record { return rs[:4] }, "event 5 is missing"},
		"moved":         {func(rs []Record) []Record { rs[2], rs[3] = rs[3], rs[2]; return rs }, "event 3 is missing or was moved"},
		"renumbered": {func(rs []Record) []Record {
			rs[2], rs[3] = rs[3], rs[2]
			rs[2].Seq, rs[3].Seq = 3, 4
			return rs
		}, "event 3"},
	} {
		err := Verify("i1", c.broken(slices.Clone(p.records)), &p.s)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// An older version did not know departments. Who approved then approves again, where two departments are needed.
func TestAnApprovalWithoutADepartmentIsGivenAgain(t *testing.T) {
	p := begin(t, brand.Storm, house)
	p.must("anna", Take{Roster: house})
	p.s.Statements[0].Latest().Approvals = []Approval{{By: "anna", At: night}, {By: "cleo", At: night}}
	id := p.s.Statements[0].ID
	if p.s.Approved(&p.s.Statements[0]) {
		t.Fatal("nobody knows whether they were of two departments")
	}
	for _, who := range []string{"cleo", "ben"} {
		if p.s.MayApprove(house, p.s.Statement(id), who) {
			t.Errorf("%s may approve before the voice does", who)
		}
	}
	p.must("anna", Approve{Statement: id, Revision: 1, Roster: house})
	p.must("cleo", Approve{Statement: id, Revision: 1, Roster: house})
	if !p.s.Approved(p.s.Statement(id)) || p.s.MayApprove(house, p.s.Statement(id), "anna") {
		t.Errorf("the approvals are %+v", p.s.Statement(id).Latest().Approvals)
	}
}
