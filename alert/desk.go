package alert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"brandmelder/alert/foreign"
	"brandmelder/brand"
	"brandmelder/i18n"
	"brandmelder/incident"
	"brandmelder/people"
	"brandmelder/playbooks"
)

// Desk knows the playbooks and the people, and decides what a spike means for the incidents. It does not change.
type Desk struct {
	Shelf    *playbooks.Shelf
	People   *people.People
	Topics   []brand.Topic
	Lang     string         // of messages to people who read neither language of the catalogue
	Location *time.Location // of times that people read
	Channels []string       // names of all channels, in the configuration's order
	Pagers   []string       // those of them that show an incident until they read that it is over
}

const (
	crisisLevel      = brand.LightBreeze // below it a spike is shown, and nobody is called
	opportunityLeast = 10                // voices
)

// Receive returns the command that a report of a spike means, and the incident that it is for; nil where it is no news.
// open are the open incidents; asked says how often each expert was asked in the last 30 days.
func (d *Desk) Receive(sp brand.Spike, open []*Known, asked map[string]int, now time.Time) (id string, c incident.Command) {
	topic := d.topic(sp.Topic)
	if topic.Role != "" && topic.Role != brand.Own {
		return "", nil // a competitor's storm is shown on the pages
	}
	kind := incident.Crisis
	if sp.Kind == brand.Praise {
		kind = incident.Opportunity
	}
	if kind == incident.Opportunity && slices.ContainsFunc(open, func(in *Known) bool {
		return in.Kind == incident.Crisis && !in.Drill && slices.Contains(in.Topics, sp.Topic)
	}) {
		return "", nil // relief after a crisis is no opportunity
	}
	if in := d.find(open, kind, &sp); in != nil {
		return in.ID, incident.ReceiveSpike{Spike: incident.Brief(sp), Roster: d.Roster(now)}
	}
	if kind == incident.Crisis && sp.Level < crisisLevel || kind == incident.Opportunity && (sp.Observed < opportunityLeast || sp.Learning) {
		return "", nil
	}
	begin := d.begin(&sp, kind, topic, asked, now)
	return begin.ID, begin
}

func (d *Desk) topic(name string) brand.Topic {
	for _, t := range d.Topics {
		if t.Name == name {
			return t
		}
	}
	return brand.Topic{Name: name}
}

// matter is what a playbook is looked for.
func matter(sp *brand.Spike) playbooks.Matter {
	return playbooks.Matter{Topics: []string{sp.Topic}, Kind: sp.Kind, Level: sp.Level, Ev: sp.Evidence}
}

func (d *Desk) begin(sp *brand.Spike, kind incident.Kind, topic brand.Topic, asked map[string]int, now time.Time) incident.Begin {
	o := incident.Opened{ID: brand.Hash(string(kind), sp.ID), Kind: kind, Drill: sp.Drill, Spike: incident.Brief(*sp)}
	id, why := d.Shelf.Find(matter(sp))
	for i := range why {
		why[i].Words = slices.Clone(why[i].Words)
		for j, w := range why[i].Words {
			why[i].Words[j] = foreign.Line(w, maxWord) // it repeats what people write
		}
	}
	o.Plan = incident.Plan{Playbook: id, Why: why}
	books := d.books(id)
	o.Plan.TwoPeople = twoPeople(books)
	if book := d.Shelf.Book(id, d.Lang); book != nil {
		o.Plan.Acknowledge, o.Plan.Act = book.Acknowledge, book.Act
		o.Steps = steps(book, books, now)
	}
	o.Owner, o.Deputy, o.Decider = d.named(books)
	for _, s := range d.People.Experts(people.Need{
		Fields: d.fields(topic, books), Languages: languages(sp.Evidence), At: now, Asked: asked,
		Not: []string{o.Owner, o.Deputy, o.Decider},
	}) {
		o.Experts = append(o.Experts, incident.Expert{Person: s.Person, Why: s.Why})
	}
	o.Statements = d.statements(&o, books, now)
	return incident.Begin{Opened: o, Roster: d.Roster(now)}
}

// named are the IDs of the people whom a playbook names in its languages.
func (d *Desk) named(books []*playbooks.Playbook) (owner, deputy, decider string) {
	var parts []people.Parts
	for _, b := range books {
		parts = append(parts, people.Parts{Owner: b.Owner, Deputy: b.Deputy, Decides: b.Decides})
	}
	o, p, q := d.People.Voices(parts...)
	return idOf(o), idOf(p), idOf(q)
}

// twoPeople reports whether a playbook wants two approvals at every level, in any of its languages.
func twoPeople(books []*playbooks.Playbook) bool {
	return slices.ContainsFunc(books, func(b *playbooks.Playbook) bool { return b.TwoPeople })
}

const maxWord = 60 // characters of a word that people write

func idOf(p *people.Person) string {
	if p == nil {
		return ""
	}
	return p.ID
}

// steps are those of the playbook, with their texts in all languages in which it has as many.
func steps(book *playbooks.Playbook, books []*playbooks.Playbook, now time.Time) (out []incident.Step) {
	for i, st := range book.Steps {
		text, role := map[string]string{}, map[string]string{}
		for _, b := range books {
			if len(b.Steps) == len(book.Steps) {
				text[b.Lang], role[b.Lang] = b.Steps[i].Text, b.Steps[i].Role
			}
		}
		out = append(out, incident.Step{ID: fmt.Sprintf("s%d", i+1), Text: text, Role: role, Due: now.Add(st.Within).UTC()})
	}
	return out
}

// books are the playbook in all its languages.
func (d *Desk) books(id string) (out []*playbooks.Playbook) {
	for _, lang := range d.Shelf.Languages(id) {
		out = append(out, d.Shelf.Book(id, lang))
	}
	return out
}

// fields are what experts of the matter know: the topic's, and those of the playbook in all its languages.
func (d *Desk) fields(t brand.Topic, books []*playbooks.Playbook) []string {
	out := slices.Clone(t.Fields)
	for _, b := range books {
		out = append(out, b.Fields...)
	}
	return out
}

func languages(ev brand.Evidence) (out []string) {
	for l, n := range ev.Languages {
		if n*5 >= ev.Mentions {
			out = append(out, l)
		}
	}
	slices.Sort(out)
	return out
}

// statements are the playbook's texts, in all its languages, filled in.
func (d *Desk) statements(o *incident.Opened, books []*playbooks.Playbook, now time.Time) (out []incident.Statement) {
	for _, b := range books {
		v := d.values(o.Owner, []string{o.Spike.Topic}, o.Spike.Began, o.Spike.Level, b.Lang)
		add := func(kind incident.StatementKind, question, text string) {
			if filled, err := b.Fill(text, v); err == nil && filled != "" { // Load has tried every template
				out = append(out, incident.Statement{
					ID: fmt.Sprintf("d%d", len(out)+1), Kind: kind, Question: question, Lang: b.Lang, From: incident.FromPlaybook,
					Revisions: []incident.Revision{{Number: 1, Text: filled, At: now.UTC()}},
				})
			}
		}
		add(incident.Holding, "", b.Holding)
		for _, r := range b.Replies[:min(len(b.Replies), 1)] {
			add(incident.Reply, r.Question, r.Answer)
		}
	}
	return out
}

// values are what a playbook's templates are filled with.
func (d *Desk) values(owner string, topics []string, began time.Time, level brand.Level, lang string) playbooks.Values {
	p := i18n.In(lang)
	return playbooks.Values{
		Topic: strings.Join(topics, ", "), Owner: d.Name(owner), Began: p.Clock(began, d.Location), Level: p.Level(level),
	}
}

// Name is a person's name, or the ID of who is not in people.yaml.
func (d *Desk) Name(id string) string {
	if p := d.People.Person(id); p != nil {
		return p.Name
	}
	return id
}

// Roster is the people as they are at that time.
func (d *Desk) Roster(now time.Time) (out incident.Roster) {
	if d.People == nil {
		return nil
	}
	for i := range d.People.Persons {
		p := &d.People.Persons[i]
		q := incident.Person{ID: p.ID, Department: p.Department, Speaks: p.OneVoiceReady, OnDuty: p.NextOnDuty(now)}
		switch {
		case now.Before(p.AwayUntil):
			q.Absence = incident.Away
		case !p.Reachable(now):
			q.Absence = incident.OffDuty
		}
		out = append(out, q)
	}
	return out
}

// languageOf is the language of messages to a person; nil is the team.
func (d *Desk) languageOf(p *people.Person) string {
	if p != nil {
		for _, lang := range p.Languages {
			if slices.Contains(i18n.Languages(), lang) {
				return lang
			}
		}
	}
	return d.Lang
}
