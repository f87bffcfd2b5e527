package store

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
)

// oldLine is a line of an older version's timeline.
type oldLine struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	What string    `json:"what"`
}

// history is the timeline as events, for people. Lines that no rule of oldLines names were written by no version.
func (old *oldIncident) history(s *incident.State) (out []incident.Record) {
	for _, l := range old.Timeline {
		for _, rule := range oldLines {
			m := rule.form.FindStringSubmatch(l.What)
			if m == nil {
				continue
			}
			if rule.event != nil {
				out = append(out, incident.Record{At: l.At, By: incident.Actor{ID: l.By}, Event: rule.event(oldMatch{old, s, l, m})})
			}
			break
		}
	}
	return out
}

// oldMatch is a line of a timeline that a rule names: its parts, and the incident.
type oldMatch struct {
	old  *oldIncident
	s    *incident.State
	line oldLine
	part []string
}

var (
	oldEscalation = regexp.MustCompile(`^nobody answered: calling the (deputy|decider|team)$`)
	oldDrafted    = regexp.MustCompile(`^drafts by (.+) are in$`)
	oldNoDraft    = regexp.MustCompile(`(?s)^This is the playbook's text: (.+) gave no draft \((.*)\)\.$`)
)

// oldLines are all lines that versions before the events wrote, the first that fits is the line's. A line without an
// event is left out: another one, or the state, says the same.
var oldLines = []struct {
	form  *regexp.Regexp
	event func(m oldMatch) incident.Event
}{
	{regexp.MustCompile(`(?s)^opened: .* \(([0-6]) [a-z ]+\)$`), oldMatch.opened},
	{regexp.MustCompile(`^playbook \S*: `), nil},                // stands in opened
	{regexp.MustCompile(`^nobody can be called \(.*\): `), nil}, // no channel was configured: check says so
	{regexp.MustCompile(`^joined by a spike of (\S+) on (.*)$`), func(m oldMatch) incident.Event {
		return incident.SpikeJoined{Spike: brand.Spike{Kind: brand.SpikeKind(m.part[1]), Topic: m.part[2]}}
	}},
	{regexp.MustCompile(`^level rises to ([0-6])`), func(m oldMatch) incident.Event {
		return incident.LevelRaised{Level: digit(m.part[1])}
	}},
	{regexp.MustCompile(`^calm again on (.*) since [^,]*, \d\d:\d\d$`), oldMatch.ended},
	{oldEscalation, func(m oldMatch) incident.Event { return m.old.escalated(m.part[1], m.line.At) }},
	{regexp.MustCompile(`(?s)^could not reach (the team|\S+) by (\S+): (.*)$`), oldMatch.failed},
	{regexp.MustCompile(`^the store was emptied; the incident was saved again from memory$`), func(oldMatch) incident.Event {
		return incident.Imported{From: incident.FromMemory}
	}},
	{oldDrafted, oldMatch.drafted},
	{regexp.MustCompile(`^took it$`), func(oldMatch) incident.Event { return incident.Taken{} }},
	{regexp.MustCompile(`^closed(?: it|: long calm)$`), func(oldMatch) incident.Event {
		return incident.ClosedAs{Outcome: incident.Resolved}
	}},
	{regexp.MustCompile(`^says the call was (right|wrong)$`), func(m oldMatch) incident.Event {
		return incident.Judged{Verdict: incident.Verdict(m.part[1])}
	}},
	{regexp.MustCompile(`(?s)^(done|not) ?(?:done after all)?: (.*)$`), oldMatch.ticked},
	{regexp.MustCompile(`^(edited|approved) (.*) \(([a-z]*)\)(; approvals are taken back)?$`), oldMatch.statement},
	{regexp.MustCompile(`(?s)^confirmed in .* \([a-z]*\) (?:the|that) `), func(oldMatch) incident.Event {
		return incident.Acted{What: "confirmed"}
	}},
	{regexp.MustCompile(`^asked (.*) for help$`), oldMatch.asked},
}

func digit(s string) brand.Level { return brand.Level(s[0] - '0') }

func (m oldMatch) opened() incident.Event {
	s := m.s
	return incident.Opened{
		ID: s.ID, Kind: s.Kind, Drill: s.Drill, Plan: s.Plan, Owner: s.Owner, Deputy: s.Deputy, Decider: s.Decider,
		Spike: brand.Spike{Level: digit(m.part[1]), Topic: s.Topics[0], Began: s.Began, Detected: s.Detected},
	}
}

// ended has the time of the spike that had ended by then; of a later one the line's own.
func (m oldMatch) ended() incident.Event {
	e := incident.SpikeEnded{Topic: m.part[1], At: m.line.At}
	for i := range m.s.Spikes {
		if sp := &m.s.Spikes[i]; sp.Topic == e.Topic && !sp.Ended.IsZero() && !sp.Ended.After(m.line.At) {
			e.At = sp.Ended
		}
	}
	return e
}

func (m oldMatch) failed() incident.Event {
	e := incident.CallFailed{Person: m.part[1], Channel: m.part[2], Error: m.part[3]}
	if e.Person == "the team" {
		e.Person = ""
	}
	if i := strings.LastIndex(e.Error, "; trying "); i >= 0 && !strings.Contains(e.Error[i+len("; trying "):], " ") {
		e.Error, e.Next = e.Error[:i], e.Error[i+len("; trying "):]
	}
	return e
}

// drafted has the first statement of the model; where it gave none, there is only that it was asked.
func (m oldMatch) drafted() incident.Event {
	for _, st := range m.s.Statements {
		if st.From == m.part[1] {
			return incident.StatementDrafted{Statement: st}
		}
	}
	failed := incident.DraftingFailed{Model: m.part[1]}
	for _, d := range m.old.Drafts {
		if note := oldNoDraft.FindStringSubmatch(d.Note); note != nil && note[1] == failed.Model {
			failed.Problem = note[2]
		}
	}
	return failed
}

// ticked names the step whose text the line has, without the marks of Markdown.
func (m oldMatch) ticked() incident.Event {
	plain := strings.NewReplacer("**", "", "__", "", "`", "")
	for _, st := range m.old.Steps {
		if plain.Replace(st.Text) != m.part[2] {
			continue
		}
		if m.part[1] == "done" {
			return incident.StepDone{Step: st.ID}
		}
		return incident.StepUndone{Step: st.ID}
	}
	return incident.Acted{What: m.part[1]}
}

// statement names the draft that the line is about. Of several of one kind and language it is the one that has the
// person's edit or approval; if there is none, nobody can tell.
func (m oldMatch) statement() incident.Event {
	var fit, theirs []string
	for _, d := range m.old.Drafts {
		if d.Kind != m.part[2] || d.Lang != m.part[3] {
			continue
		}
		fit = append(fit, d.ID)
		approved := slices.ContainsFunc(d.Approvals, func(a incident.Approval) bool { return a.By == m.line.By })
		if edited := m.part[1] == "edited"; edited && d.Edited == m.line.By || !edited && approved {
			theirs = append(theirs, d.ID)
		}
	}
	if len(fit) > 1 {
		fit = theirs
	}
	switch {
	case len(fit) != 1:
		return incident.Acted{What: m.part[1]}
	case m.part[1] == "edited":
		return incident.StatementEdited{Statement: fit[0], Unapprove: m.part[4] != ""}
	}
	return incident.StatementApproved{Statement: fit[0], Revision: 1}
}

func (m oldMatch) asked() incident.Event {
	for _, x := range m.old.Experts {
		if x.Name == m.part[1] || x.Person == m.part[1] {
			return incident.ExpertAsked{Person: x.Person}
		}
	}
	return incident.Acted{What: "asked"}
}

// oldWhy is why a playbook was chosen, as facts. The older version wrote it in the language of the desk.
func oldWhy(text string) (out []brand.Fact) {
	for part := range strings.SplitSeq(text, "; ") {
		for _, rule := range oldReasons {
			m := rule.form.FindStringSubmatch(part)
			if m == nil {
				continue
			}
			f := brand.Fact{Kind: rule.kind}
			switch {
			case rule.kind == "people_write":
				f.Words = strings.Split(m[1], ", ")
			case rule.kind == "about":
				f.Words = []string{m[1]}
			case strings.HasSuffix(rule.kind, "_"):
				f.Kind += oldKinds[m[1]]
			case rule.kind == "level":
				f.N = float64(oldLevel(m[1]))
			}
			out = append(out, f)
			break
		}
	}
	return out
}

var oldReasons = []struct {
	form *regexp.Regexp
	kind string
}{
	{regexp.MustCompile(`^(?:no special plan fits|kein besonderer Plan passt):`), "no_plan"},
	{regexp.MustCompile(`^(?:people say|gesagt wird) (.+)$`), "people_write"},
	{regexp.MustCompile(`^(?:it is about|es geht um) (.+)$`), "about"},
	{regexp.MustCompile(`^(?:it is a spike of|es ist ein Ausschlag von) (volume|tone|praise|Menge|Tonlage|Lob)$`), "kind_"},
	{regexp.MustCompile(`^(?:the press writes about it|die Presse schreibt darüber)$`), "press"},
	{regexp.MustCompile(`^(?:it has reached level|es hat Stufe erreicht:) (.+)$`), "level"},
}

var oldKinds = map[string]string{
	"volume": "volume", "tone": "tone", "praise": "praise", "Menge": "volume", "Tonlage": "tone", "Lob": "praise",
}

// oldLevel is the level of a name in English or German, without its number.
func oldLevel(name string) brand.Level {
	german := []string{"Windstille", "leiser Zug", "schwache Brise", "mäßige Brise", "frischer Wind", "Sturm", "Orkan"}
	for l := brand.Calm; l <= brand.Hurricane; l++ {
		if name == german[l] || strings.HasSuffix(l.String(), " "+name) {
			return l
		}
	}
	return brand.Calm
}
