package notify

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"brandmelder/alert/foreign"
	"brandmelder/brand"
	"brandmelder/i18n"
	"brandmelder/incident"
)

// Message is what a person reads, in the order in which a woken person needs it. It is made when it is sent and stored
// nowhere.
type Message struct {
	Incident string        `json:"incident"`
	Kind     incident.Kind `json:"kind"`
	Level    brand.Level   `json:"level"`
	Lang     string        `json:"lang"`
	Title    string        `json:"title"` // what
	Bad      string        `json:"bad"`   // how bad
	Since    string        `json:"since"`
	Why      string        `json:"why"`
	First    string        `json:"first"` // what first
	Link     string        `json:"link,omitempty"`
	Topic    string        `json:"topic"`
	Began    time.Time     `json:"began"`
	Ended    time.Time     `json:"ended,omitzero"` // set when all is over
	Drill    bool          `json:"drill,omitempty"`
}

// Operations is the kind of a notice to operators, which belongs to no incident.
const Operations incident.Kind = "operations"

// Reader is who reads a message.
type Reader struct {
	Lang     string
	Location *time.Location         // of times; nil is UTC
	Name     func(id string) string // of a person; nil shows the ID
}

// Title is an incident in one line: its topics, and what people write most.
func Title(topics, terms []string, drill bool, lang string) string {
	p := i18n.In(lang)
	title := p.List(topics)
	if len(terms) > 0 {
		said := make([]string, len(terms))
		for i, t := range terms {
			said[i] = foreign.Line(t, maxTerm)
		}
		title = p.T("message.title", "Topics", title, "Terms", p.List(said))
	}
	if drill {
		title = p.T("message.drill_title", "Title", title)
	}
	return title
}

// maxTerm is how many characters of a term stand in a title.
const maxTerm = 60

// Compose is the message of a call: what, how bad, since when, why, what first.
func Compose(c *incident.Call, r Reader, link string) Message {
	p, f := i18n.In(r.Lang), &c.Facts
	name := c.Reason.Person
	if r.Name != nil {
		name = r.Name(name)
	}
	m := Message{
		Incident: c.Incident, Kind: f.Kind, Level: f.Level, Lang: p.Lang(), Topic: f.Spike.Topic, Began: f.Began,
		Ended: f.Ended, Drill: f.Drill, Link: link,
		Title: p.T("message.title_"+string(c.Reason.Kind), "Title", Title(f.Topics, f.Terms, f.Drill, r.Lang), "Person", name),
		Bad:   p.T("message.level", "Level", int(f.Level), "Name", p.Level(f.Level)),
		Since: p.T("message.since", "At", p.Clock(f.Began, r.Location), "Ago", p.Duration(c.Created.Sub(f.Began).Round(time.Minute))),
	}
	if f.Spike.ID != "" {
		m.Why = p.Why(&f.Spike)
	}
	if f.Kind == incident.Opportunity {
		m.Bad = p.T("message.good_news")
	}
	m.First = Plain(f.First[incident.TextLang(f.First, p.Lang())])
	return cleanMessage(m)
}

// Plain takes the few marks of Markdown out of a step, for channels that show none.
func Plain(s string) string { return strings.NewReplacer("**", "", "__", "", "`", "").Replace(s) }

// Text is the message for channels that take plain text: a subject and lines.
func Text(m Message) (subject, body string) {
	p := i18n.In(m.Lang)
	subject = fmt.Sprintf("[brandmelder %d/6] %s", m.Level, m.Title)
	if m.Kind != incident.Crisis {
		subject = "[brandmelder] " + m.Title
	}
	lines := []string{m.Title, capital(m.Bad) + ", " + m.Since + "."}
	add := func(id, text string) {
		if text != "" {
			lines = append(lines, p.T(id, "Text", text))
		}
	}
	add("message.why", m.Why)
	if m.Ended.IsZero() {
		add("message.first", m.First)
	}
	add("message.take", m.Link)
	return oneLine(subject), strings.Join(lines, "\n")
}

// capital writes the first letter large.
func capital(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:size]) + s[size:]
}

// oneLine keeps a text from adding lines to a header.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
