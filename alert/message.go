package alert

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"brandmelder/brand"
	"brandmelder/i18n"
)

// maxTerm is how many characters of a term that people say most stand in a title.
const maxTerm = 60

// title says what it is about in one line: topics, and what people say most.
func (d *Desk) title(in *brand.Incident) string {
	sp := loudest(in)
	var said []string
	for _, t := range sp.Evidence.Terms[:min(len(sp.Evidence.Terms), 3)] {
		said = append(said, ForeignLine(t.Text, maxTerm))
	}
	title := strings.Join(in.Topics, ", ")
	if len(said) > 0 {
		title += ": " + strings.Join(said, ", ")
	}
	if in.Drill {
		title = "DRILL · " + title
	}
	return title
}

func loudest(in *brand.Incident) *brand.Spike {
	best := &in.Spikes[0]
	for i := range in.Spikes {
		if s := &in.Spikes[i]; s.Level > best.Level || s.Level == best.Level && s.Score > best.Score {
			best = s
		}
	}
	return best
}

// clock writes a time as people read it.
func (d *Desk) clock(t time.Time, lang string) string { return clock(t, d.Location, lang) }

func clock(t time.Time, loc *time.Location, lang string) string {
	if loc == nil {
		loc = time.UTC
	}
	t = t.In(loc)
	if lang == "de" {
		return t.Format("2.1.2006, 15:04")
	}
	return t.Format("2 Jan 2006, 15:04")
}

// message is what a woken person reads in ten seconds: what, how bad, since when, why, what first. In the person's language, if the
// desk has it.
func (d *Desk) message(in *brand.Incident, q *brand.Person, reason string, now time.Time) brand.Message {
	lang := d.Lang
	if q != nil && len(q.Languages) > 0 && (q.Languages[0] == "de" || q.Languages[0] == "en") {
		lang = q.Languages[0]
	}
	sp := loudest(in)
	m := brand.Message{Incident: in.ID, Kind: in.Kind, Level: in.Level, Lang: lang, Title: in.Title, Topic: sp.Topic, Began: in.Began, Why: i18n.In(lang).Why(sp), Drill: in.Drill}
	since := now.Sub(in.Began).Round(time.Minute)
	if lang == "de" {
		m.Bad = fmt.Sprintf("Stufe %d von 6, %s", in.Level, i18n.In("de").Level(in.Level))
		m.Since = fmt.Sprintf("seit %s (%s)", d.clock(in.Began, "de"), duration(since, "de"))
	} else {
		m.Bad = fmt.Sprintf("level %d of 6, %s", in.Level, i18n.In("en").Level(in.Level))
		m.Since = fmt.Sprintf("since %s (%s)", d.clock(in.Began, "en"), duration(since, "en"))
	}
	steps := in.Steps
	if b := d.Shelf.Book(in.Playbook, lang); b != nil && len(b.Steps) == len(steps) {
		for i := range steps {
			if steps[i].DoneAt.IsZero() {
				m.First = Plain(b.Steps[i].Text)
				break
			}
		}
	}
	switch {
	case in.Kind == brand.Opportunity:
		m.Bad = pick(lang, "good news, no hurry", "eine gute Nachricht, keine Eile")
	case strings.HasPrefix(reason, "growing"):
		m.Title = pick(lang, "Growing: ", "Es wächst: ") + m.Title
	case strings.HasPrefix(reason, "nobody answered"):
		m.Title = pick(lang, "Nobody answered: ", "Niemand hat geantwortet: ") + m.Title
	case strings.HasPrefix(reason, "flares up"):
		m.Title = pick(lang, "Again: ", "Wieder: ") + m.Title
	case reason == "closed":
		m.Title = pick(lang, "Closed: ", "Abgeschlossen: ") + m.Title
		m.Ended = in.Closed
	case strings.HasPrefix(reason, "calm again"):
		m.Title = pick(lang, "Calm again: ", "Wieder ruhig: ") + m.Title
		m.Ended = lastEnd(in)
	}
	return foreign(m)
}

func pick(lang, en, de string) string {
	if lang == "de" {
		return de
	}
	return en
}

func duration(d time.Duration, lang string) string {
	h, m := int(d.Hours()), int(d.Minutes())%60
	switch {
	case h >= 48:
		return fmt.Sprintf("%d %s", h/24, pick(lang, "days", "Tage"))
	case h > 0:
		return fmt.Sprintf("%d h %d min", h, m)
	}
	return fmt.Sprintf("%d min", m)
}

// Plain takes the few marks of Markdown out of a step, for channels that show none.
func Plain(s string) string { return strings.NewReplacer("**", "", "__", "", "`", "").Replace(s) }

// Text is the message for channels that take plain text: a subject and lines.
func Text(m brand.Message) (subject, body string) {
	subject = fmt.Sprintf("[brandmelder %d/6] %s", m.Level, m.Title)
	if m.Kind != brand.Crisis {
		subject = "[brandmelder] " + m.Title
	}
	lines := []string{m.Title, capital(m.Bad) + ", " + m.Since + "."}
	if m.Why != "" {
		lines = append(lines, pick(m.Lang, "Why: ", "Warum: ")+m.Why)
	}
	if m.First != "" && m.Ended.IsZero() {
		lines = append(lines, pick(m.Lang, "First: ", "Zuerst: ")+m.First)
	}
	if m.Link != "" {
		lines = append(lines, pick(m.Lang, "Take it: ", "Annehmen: ")+m.Link)
	}
	return oneLine(subject), strings.Join(lines, "\n")
}

// capital writes the first letter large.
func capital(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:size]) + s[size:]
}

// oneLine keeps a text from adding lines to a header.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
