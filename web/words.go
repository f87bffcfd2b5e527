package web

import (
	"bytes"
	"fmt"
	"html/template"
	"maps"
	"math"
	"net/url"
	"reflect"
	"strings"
	"time"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/i18n"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
)

// words are the pages in one language, and what words their facts in it.
type words struct {
	*i18n.Printer
	desk  *alert.Desk
	loc   *time.Location
	now   func() time.Time
	pages map[string]*template.Template
}

// pageNames are the templates that are pages.
var pageNames = []string{
	"home", "incident", "topics", "topic", "sources", "playbooks", "playbook", "sign_in", "change", "error",
}

// parse reads the templates once for each language of the catalogue.
func (s *Server) parse() error {
	s.readers = map[string]*words{}
	for _, lang := range i18n.Languages() {
		p := &words{Printer: i18n.In(lang), desk: s.opt.Desk, loc: s.opt.Desk.Location, now: s.opt.Now}
		p.pages = map[string]*template.Template{}
		for _, name := range pageNames {
			t, err := template.New(name).Funcs(p.funcs()).ParseFS(files, "templates/layout.html", "templates/"+name+".html")
			if err != nil {
				return err
			}
			p.pages[name] = t
		}
		s.readers[lang] = p
	}
	return nil
}

// funcs are the functions of the templates that depend on the language, and all others.
func (p *words) funcs() template.FuncMap {
	policy, md := bluemonday.UGCPolicy(), goldmark.New()
	funcs := template.FuncMap{
		"t": p.text, "n": p.count, "lang": p.Lang, "languages": languages,
		"markdown": func(text string) (template.HTML, error) {
			var buf bytes.Buffer
			err := md.Convert([]byte(text), &buf)
			return template.HTML(policy.SanitizeBytes(buf.Bytes())), err
		},
		"clock": p.clock, "ago": func(t time.Time) string { return p.Ago(p.now().Sub(t)) }, "span": p.span,
		"number": func(x any) string { return p.Number(float(x)) }, "percent": p.Percent,
		"person": p.person, "title": p.title, "chart": p.chart,
		"level":     func(l brand.Level) string { return l.Name(p.Lang()) },
		"why":       func(sp brand.Spike) string { return p.stored(sp.Why) },
		"outlook":   func(sp brand.Spike) string { return p.stored(sp.Outlook) },
		"says":      func(r brand.Reason) string { return p.stored(r.Text) },
		"often":     func(score float64) string { return brand.Often(score, p.Lang()) },
		"window":    p.window,
		"standing":  func(of brand.Standing) string { return p.Name("standing", string(of)) },
		"kind":      func(k brand.SpikeKind) string { return p.Name("spike.kind", string(k)) },
		"flagkind":  func(k brand.FlagKind) string { return p.Name("flag", string(k)) },
		"role":      func(role string) string { return p.Name("call.role", role) },
		"topicrole": func(role string) string { return p.Name("topic.role", role) },
		"network":   func(name string) string { return p.Name("source.kind", name) },
		"state":     func(state string) string { return p.Name("source.state", state) },
		"draftkind": p.draftKind, "draftfrom": p.draftFrom,
		"approved": func(in *brand.Incident, d brand.Draft) bool { return alert.Approved(in, &d) },
		"flags":    func(in *brand.Incident, d brand.Draft) []brand.Flag { return p.desk.Flags(in, &d) },
		"safeurl":  safeURL, "join": strings.Join, "plain": alert.Plain, "esc": url.PathEscape,
	}
	maps.Copy(funcs, shows())
	return funcs
}

// text is the catalogue's text of that id. It is HTML where one of its values is, with all other values escaped.
func (p *words) text(id string, data ...any) any {
	data, markup := escaped(data)
	text := p.T(id, data...)
	if markup {
		return template.HTML(text)
	}
	return text
}

// count is text for a number of things.
func (p *words) count(id string, n any, data ...any) any {
	data, markup := escaped(data)
	text := p.N(id, int(math.Round(float(n))), data...)
	if markup {
		return template.HTML(text)
	}
	return text
}

// escaped escapes the values that are no HTML, if one of them is.
func escaped(data []any) (out []any, markup bool) {
	for _, v := range data {
		if _, ok := v.(template.HTML); ok {
			markup = true
		}
	}
	if !markup {
		return data, false
	}
	for _, v := range data {
		if _, ok := v.(template.HTML); !ok {
			v = template.HTMLEscapeString(fmt.Sprint(v))
		}
		out = append(out, v)
	}
	return out, true
}

// float is a number of any type.
func float(x any) float64 {
	v := reflect.ValueOf(x)
	if v.CanInt() {
		return float64(v.Int())
	}
	return v.Float()
}

// stored is a sentence that is stored in some languages: in this one, or in the default one.
func (p *words) stored(in map[string]string) string {
	if text, ok := in[p.Lang()]; ok {
		return text
	}
	return in[i18n.Default]
}

func (p *words) clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.Short(t, p.loc)
}

// span words a duration, or a text that is one.
func (p *words) span(x any) string {
	d, ok := x.(time.Duration)
	if !ok {
		var err error
		if d, err = time.ParseDuration(fmt.Sprint(x)); err != nil {
			return fmt.Sprint(x)
		}
	}
	return p.Duration(d)
}

// window words a spike's window, a Go duration.
func (p *words) window(w string) string {
	d, err := time.ParseDuration(w)
	if err != nil {
		return w
	}
	return brand.Span(d, p.Lang())
}

// person is the name of who did something.
func (p *words) person(id string) string {
	switch id {
	case "", "brandmelder":
		return "brandmelder"
	case "desk":
		return p.T("page.nobody_known")
	}
	if q := p.desk.People.Person(id); q != nil {
		return q.Name
	}
	return id
}

// title is an incident's title, marked as a drill's in this language.
func (p *words) title(in *brand.Incident) string {
	title := in.Title
	if in.Drill {
		title = p.T("incident.drill_title", "Title", strings.TrimPrefix(title, "DRILL · "))
	}
	return cut(title, maxShort)
}

// draftKind names what a draft is for; of a reply, the question, which is in the draft's language.
func (p *words) draftKind(d brand.Draft) any {
	if question, ok := strings.CutPrefix(d.Kind, "reply: "); ok {
		return p.text("draft.kind.reply", "Question", tagged(d.Lang, question))
	}
	return p.Name("draft.kind", d.Kind)
}

func (p *words) draftFrom(d brand.Draft) string {
	if d.From == alert.FromPlaybook {
		return p.T("draft.from_playbook")
	}
	return p.T("draft.from_model", "Model", d.From)
}

// step is a step of an incident, with the language of its text.
type step struct {
	brand.Step
	Lang string
}

// steps are the incident's steps in the words of the plan in this language, if that has the same.
func (p *words) steps(in *brand.Incident) (out []step) {
	book := p.desk.Shelf.Book(in.Playbook, p.Lang())
	for i, st := range in.Steps {
		lang := in.Lang
		if book != nil && len(book.Steps) == len(in.Steps) {
			st.Text, st.Role, lang = book.Steps[i].Text, book.Steps[i].Role, book.Lang
		}
		out = append(out, step{st, lang})
	}
	return out
}

// safeURL keeps anything but links to the web out of pages.
func safeURL(raw string) string {
	if u, err := url.Parse(raw); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return raw
	}
	return ""
}
