package alert

import (
	"slices"
	"strconv"
	"strings"

	"brandmelder/alert/notify"
	"brandmelder/brand"
	"brandmelder/i18n"
	"brandmelder/incident"
)

// Wording words what the desk knows, in one language.
type Wording struct {
	*i18n.Printer
	// Mark marks a value within a sentence that is not our own text: of people, strangers and services. nil leaves
	// it as it is.
	Mark func(string) string

	desk *Desk
}

// In is the wording in a language of the catalogue.
func (d *Desk) In(lang string) Wording { return Wording{Printer: i18n.In(lang), desk: d} }

func (p Wording) mark(value string) string {
	if p.Mark == nil {
		return value
	}
	return p.Mark(value)
}

// Person is the name of who did something.
func (p Wording) Person(id string) string {
	switch id {
	case "", incident.Program.ID:
		return p.T("message.program")
	case "desk":
		return p.T("page.nobody_known")
	}
	if name, ok := strings.CutPrefix(id, "user:"); ok {
		return p.T("page.user", "Name", name)
	}
	if name, ok := strings.CutPrefix(id, "token:"); ok {
		return p.T("page.token", "Name", name)
	}
	return p.desk.Name(id)
}

// who is the name of somebody within a sentence.
func (p Wording) who(id string) string { return p.mark(p.Person(id)) }

// Facts words facts in one line.
func (p Wording) Facts(facts []brand.Fact) string {
	var out []string
	for _, f := range facts {
		f.Words = slices.Clone(f.Words)
		for i, w := range f.Words {
			f.Words[i] = p.mark(w)
		}
		out = append(out, p.Fact(f, p.desk.Location))
	}
	return strings.Join(out, " · ")
}

// Title is an incident in one line.
func (p Wording) Title(in *incident.Summary) string {
	return notify.Title(in.Topics, in.Terms, in.Drill, p.Lang())
}

// Event words an event of an incident. Words of people and of services may stand in it.
func (p Wording) Event(in *incident.State, r incident.Record) string {
	switch e := r.Event.(type) {
	case incident.Opened:
		return p.T("event.opened", "Level", int(e.Spike.Level), "Name", p.Level(e.Spike.Level), "Playbook", p.mark(p.bookTitle(e.Plan.Playbook)), "Why", p.Facts(e.Plan.Why))
	case incident.SpikeJoined:
		return p.T("event.spike_joined", "Topic", p.mark(e.Spike.Topic))
	case incident.SpikeChanged:
		return p.T("event.spike_changed", "Topic", p.mark(e.Spike.Topic), "Level", int(e.Spike.Level))
	case incident.LevelRaised:
		return p.T("event.level_raised", "Level", int(e.Level), "Name", p.Level(e.Level))
	case incident.SpikeEnded:
		return p.T("event.spike_ended", "Topic", p.mark(e.Topic), "At", p.Short(e.At, p.desk.Location))
	case incident.Called:
		return p.T("event.called", "Who", p.callee(e.Person), "Role", p.Name("call.role", string(e.Role)), "Why", p.Reason(e.Reason, in))
	case incident.Skipped:
		return p.T("event.skipped_"+string(e.Absence), "Who", p.who(e.Person), "Role", p.Name("call.role", string(e.Role)))
	case incident.NobodyFree:
		return p.T("event.nobody_free")
	case incident.CallFailed:
		if e.Next != "" {
			return p.T("event.call_failed_next", "Who", p.callee(e.Person), "Channel", p.mark(e.Channel), "Error", p.mark(e.Error), "Next", p.mark(e.Next))
		}
		return p.T("event.call_failed", "Who", p.callee(e.Person), "Channel", p.mark(e.Channel), "Error", p.mark(e.Error))
	case incident.HandedOver:
		return p.T("event.handed_over", "Who", p.who(e.To))
	case incident.TakeExpired:
		return p.T("event.take_expired", "Who", p.who(e.Person))
	case incident.StepDone:
		return p.T("event.step_done", "Step", p.mark(p.stepText(in, e.Step)))
	case incident.StepUndone:
		return p.T("event.step_undone", "Step", p.mark(p.stepText(in, e.Step)))
	case incident.ExpertAsked:
		return p.T("event.expert_asked", "Who", p.who(e.Person))
	case incident.ExpertAnswered:
		return p.T("event.expert_answered_" + strconv.FormatBool(e.Accepts))
	case incident.Noted:
		return p.mark(e.Text)
	case incident.Judged:
		return p.T("event.judged_" + string(e.Verdict))
	case incident.Assessed:
		return p.T("event.assessed", "Model", p.mark(e.Assessment.Model))
	case incident.ClosedAs:
		return p.T("event.closed_"+string(e.Outcome), "Into", p.mark(e.Into))
	case incident.Imported:
		return p.T("event." + importedText[e.From])
	case incident.Acted:
		return p.T("event.acted_" + e.What)
	case incident.Unknown:
		return p.T("event.unknown", "Kind", p.mark(e.Kind))
	}
	return p.statementEvent(in, r)
}

var importedText = map[string]string{incident.FromOlder: "imported_older", incident.FromMemory: "imported_memory"}

// statementEvent words an event about a statement, and those that need no values.
func (p Wording) statementEvent(in *incident.State, r incident.Record) string {
	name := func(id string) string {
		if st := in.Statement(id); st != nil {
			return p.statementName(*st)
		}
		return id
	}
	switch e := r.Event.(type) {
	case incident.StatementDrafted:
		return p.T("event.statement_drafted", "Model", p.mark(e.Statement.From), "Statement", p.statementName(e.Statement))
	case incident.DraftingFailed:
		return p.T("event.drafting_failed", "Model", p.mark(e.Model), "Problem", p.mark(e.Problem))
	case incident.StatementEdited:
		if e.Unapprove {
			return p.T("event.statement_edited_unapproved", "Statement", name(e.Statement))
		}
		return p.T("event.statement_edited", "Statement", name(e.Statement))
	case incident.StatementApproved:
		var flags []string
		for _, f := range e.Flags {
			if f.By == r.By.ID {
				flags = append(flags, p.flag(f))
			}
		}
		if len(flags) > 0 {
			return p.T("event.statement_approved_flags", "Statement", name(e.Statement), "N", e.Revision, "Flags", p.List(flags))
		}
		return p.T("event.statement_approved", "Statement", name(e.Statement), "N", e.Revision)
	case incident.StatementPublished:
		if e.Where != "" {
			return p.T("event.statement_published_at", "Statement", name(e.Statement), "N", e.Revision, "Where", p.mark(e.Where))
		}
		return p.T("event.statement_published", "Statement", name(e.Statement), "N", e.Revision)
	}
	return p.T("event." + incident.KindOf(r.Event))
}

// flag is a flagged part of a statement in a line of text.
func (p Wording) flag(f incident.Flag) string {
	if f.Kind == incident.FlagModel {
		return p.T("event.flag_model", "Model", p.mark(f.Text))
	}
	return p.Name("flag", string(f.Kind)) + " " + p.T("spike.term", "Term", p.mark(f.Text))
}

// statementName is what a statement is called in a line of text.
func (p Wording) statementName(st incident.Statement) string {
	name := p.T("draft.kind." + string(st.Kind))
	if st.Question != "" {
		name += " " + p.T("spike.term", "Term", p.mark(st.Question))
	}
	return p.T("draft.in_language", "Name", name, "Lang", st.Lang)
}

// Reason words why somebody is called.
func (p Wording) Reason(why incident.Reason, in *incident.State) string {
	statement := why.Statement
	if st := in.Statement(why.Statement); st != nil {
		statement = p.statementName(*st)
	}
	return p.T("reason."+string(why.Kind), "Level", int(why.Level), "Who", p.who(why.Person), "Statement", statement)
}

// Callee is who is called: a person, or the team.
func (p Wording) Callee(id string) string {
	if id == "" {
		return p.T("call.team")
	}
	return p.Person(id)
}

func (p Wording) callee(id string) string {
	if id == "" {
		return p.Callee(id)
	}
	return p.who(id)
}

// stepText is a step in this language, or in another where the playbook has none in this one, in one line.
func (p Wording) stepText(in *incident.State, id string) string {
	for _, st := range in.Steps {
		if st.ID == id {
			return notify.Plain(st.Text[incident.TextLang(st.Text, p.Lang())])
		}
	}
	return id
}

// bookTitle is the title of a playbook in this language.
func (p Wording) bookTitle(id string) string {
	if b := p.desk.Shelf.Book(id, p.Lang()); b != nil {
		return b.Title
	}
	return id
}
