package web

import (
	"bytes"
	"fmt"
	"html/template"
	"maps"
	"math"
	"net/url"
	"reflect"
	"time"

	"brandmelder/alert"
	"brandmelder/alert/notify"
	"brandmelder/brand"
	"brandmelder/i18n"
	"brandmelder/incident"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
)

// words are the pages in one language, and what words their facts in it.
type words struct {
	alert.Wording
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
		p := &words{Wording: s.opt.Desk.In(lang), desk: s.opt.Desk, loc: s.opt.Desk.Location, now: s.opt.Now}
		p.Mark = isolate
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
		"person": p.Person, "title": p.title, "chart": p.chart,
		"level":     p.Level,
		"why":       func(sp brand.Spike) template.HTML { return isolates(p.Why(&sp)) },
		"outlook":   func(sp brand.Spike) string { return p.Outlook(&sp, p.loc) },
		"reasons":   func(sp brand.Spike) []i18n.Reason { return p.Reasons(&sp) },
		"often":     p.Often,
		"window":    p.window,
		"standing":  func(of brand.Standing) string { return p.Name("standing", string(of)) },
		"kind":      func(k brand.SpikeKind) string { return p.Name("spike.kind", string(k)) },
		"flagkind":  func(k incident.FlagKind) string { return p.Name("flag", string(k)) },
		"role":      func(role incident.Role) string { return p.Name("call.role", string(role)) },
		"status":    func(st incident.Status) string { return p.T("status." + string(st)) },
		"topicrole": func(role brand.Role) string { return p.Name("topic.role", string(role)) },
		"network":   func(name string) string { return p.Name("source.kind", name) },
		"state":     func(state string) string { return p.Name("source.state", state) },
		"draftkind": p.draftKind, "draftfrom": p.draftFrom,
		"event": p.event,
		"facts": func(facts []brand.Fact) template.HTML { return isolates(p.Facts(facts)) }, "callee": p.Callee,
		"callreason": func(in *incidentPage, c incident.Call) template.HTML { return isolates(p.Reason(c.Reason, in.State)) },
		"flags": func(in *incidentPage, st incident.Statement) []incident.Flag {
			return openFlags(p.desk.Flags(in.State, &st, st.Latest().Text), st.Latest().Flags)
		},
		"safeurl": safeURL, "plain": notify.Plain, "esc": url.PathEscape,
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
	return p.Span(d)
}

// title is an incident's title.
func (p *words) title(in any) string {
	var sum *incident.Summary
	switch in := in.(type) {
	case *incident.Summary:
		sum = in
	case incident.Summary:
		sum = &in
	}
	return cut(p.Title(sum), maxShort)
}

// event words an event of a timeline, in at most maxEvent characters; a person's note may be longer.
func (p *words) event(in *incidentPage, r incident.Record) template.HTML {
	text := p.Event(in.State, r)
	if _, ok := r.Event.(incident.Noted); !ok {
		text = cut(text, maxEvent)
	}
	return isolates(text)
}

// draftKind names what a statement is for; of a reply, the question, which is in the statement's language.
func (p *words) draftKind(st incident.Statement) any {
	if st.Kind == incident.Reply {
		return p.text("draft.kind.reply_to", "Question", tagged(st.Lang, st.Question))
	}
	return p.T("draft.kind." + string(st.Kind))
}

func (p *words) draftFrom(st incident.Statement) any {
	if st.From == incident.FromPlaybook {
		return p.T("draft.from_playbook")
	}
	return p.text("draft.from_model", "Model", foreign(st.From))
}

// openFlags are the flags of a text with who confirmed them before.
func openFlags(flags, confirmed []incident.Flag) []incident.Flag {
	for i := range flags {
		for _, f := range confirmed {
			if f.By != "" && f.Key() == flags[i].Key() {
				flags[i].By, flags[i].At = f.By, f.At
			}
		}
	}
	return flags
}

// step is a step of an incident in one language.
type step struct {
	incident.Step
	Text string
	Role string
	Lang string // of Text and Role
}

// steps are the incident's steps in this language, or in another where the playbook has none in this one.
func (p *words) steps(in *incident.State) (out []step) {
	for _, st := range in.Steps {
		lang := incident.TextLang(st.Text, p.Lang())
		out = append(out, step{st, st.Text[lang], st.Role[lang], lang})
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
