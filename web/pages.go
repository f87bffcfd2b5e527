package web

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/store"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
)

func (s *Server) parse() error {
	policy := bluemonday.UGCPolicy()
	md := goldmark.New()
	funcs := template.FuncMap{
		"T": s.t,
		"markdown": func(text string) (template.HTML, error) {
			var buf bytes.Buffer
			err := md.Convert([]byte(text), &buf)
			return template.HTML(policy.SanitizeBytes(buf.Bytes())), err
		},
		"clock":   s.clock,
		"ago":     func(t time.Time) string { return s.ago(s.opt.Now().Sub(t)) },
		"person":  s.name,
		"level":   func(l brand.Level) string { return l.Name(s.opt.Desk.Lang) },
		"chart":   s.chart,
		"percent": func(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) },
		"why":     func(sp brand.Spike) string { return sp.Why[s.opt.Desk.Lang] },
		"outlook": func(sp brand.Spike) string { return sp.Outlook[s.opt.Desk.Lang] },
		"says":    func(r brand.Reason) string { return r.Text[s.opt.Desk.Lang] },
		"often":   func(score float64) string { return brand.Often(score, s.opt.Desk.Lang) },
		"window": func(w string) string {
			d, err := time.ParseDuration(w)
			if err != nil {
				return w
			}
			return brand.Span(d, s.opt.Desk.Lang)
		},
		"safeurl": safeURL,
		"standing": func(of brand.Standing) string {
			return map[brand.Standing]string{brand.Press: s.t("press", "Presse"), brand.PublicFigure: s.t("public figure", "öffentliche Person"), brand.Employee: s.t("one of ours", "eigene Leute")}[of]
		},
		"title": s.title,
		"kind": func(k brand.SpikeKind) string {
			return map[brand.SpikeKind]string{
				brand.Volume: s.t("more voices", "mehr Stimmen"), brand.Tone: s.t("angrier voices", "ärgere Stimmen"),
				brand.Praise: s.t("praise", "Lob"),
			}[k]
		},
		"approved": func(in *brand.Incident, d brand.Draft) bool { return alert.Approved(in, &d) },
		"flags":    func(in *brand.Incident, d brand.Draft) []brand.Flag { return s.opt.Desk.Flags(in, &d) },
		"flagkind": s.flagKind,
		"join":     strings.Join,
		"plain":    alert.Plain,
		"esc":      url.PathEscape,
	}
	maps.Copy(funcs, shows())
	s.pages = map[string]*template.Template{}
	for _, name := range []string{"home", "incident", "topics", "topic", "sources", "playbooks", "playbook", "login", "error"} {
		t, err := template.New(name).Funcs(funcs).ParseFS(files, "templates/layout.html", "templates/"+name+".html")
		if err != nil {
			return err
		}
		s.pages[name] = t
	}
	return nil
}

// safeURL keeps anything but links to the web out of pages.
func safeURL(raw string) string {
	if u, err := url.Parse(raw); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return raw
	}
	return ""
}

func (s *Server) show(w http.ResponseWriter, r *http.Request, name string, code int, data map[string]any) error {
	data["Lang"], data["Person"], data["Note"], data["Path"], data["Locked"] = s.opt.Desk.Lang, s.person(r), s.opt.Note, r.URL.Path, s.opt.Password != ""
	data["Trouble"] = s.trouble()
	var buf bytes.Buffer
	if err := s.pages[name].ExecuteTemplate(&buf, "layout", data); err != nil {
		if name == "error" {
			http.Error(w, "error", http.StatusInternalServerError)
			return nil
		}
		return fmt.Errorf("page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	if _, err := w.Write(visible(buf.Bytes())); err != nil {
		s.opt.Log.Debug("page not read to its end", "error", err)
	}
	return nil
}

func (s *Server) clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	loc := s.opt.Desk.Location
	if loc == nil {
		loc = time.UTC
	}
	t = t.In(loc)
	if s.opt.Desk.Lang == "de" {
		return t.Format("2.1. 15:04")
	}
	return t.Format("2 Jan 15:04")
}

func (s *Server) ago(d time.Duration) string {
	switch {
	case d < 0:
		return "in " + s.span(-d)
	case s.opt.Desk.Lang == "de":
		return "vor " + s.span(d)
	}
	return s.span(d) + " ago"
}

func (s *Server) span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d %s", int(d.Hours()/24), s.t("days", "Tagen"))
}

func (s *Server) name(id string) string {
	switch id {
	case "", "brandmelder":
		return "brandmelder"
	case "desk":
		return s.t("somebody at the desk", "jemand am Platz")
	}
	if q := s.opt.Desk.People.Person(id); q != nil {
		return q.Name
	}
	return id
}

// title is an incident's title, marked as a drill's in the page's language.
func (s *Server) title(in *brand.Incident) string {
	title := in.Title
	if in.Drill {
		title = s.t("Drill: ", "Übung: ") + strings.TrimPrefix(title, "DRILL · ")
	}
	return cut(title, maxShort)
}

func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	ins, err := s.opt.Store.ListIncidents(r.Context(), false, maxOpen)
	if err != nil {
		return err
	}
	var open, closed []*brand.Incident
	for i := range ins {
		in := &ins[i]
		if in.Open() {
			open = append(open, in)
		} else {
			closed = append(closed, in)
		}
	}
	slices.SortStableFunc(open, func(a, b *brand.Incident) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(b.Level, a.Level))
	})
	topics, err := s.topicStatuses(r)
	if err != nil {
		return err
	}
	sources, err := s.opt.Store.SourceStatuses(r.Context())
	if err != nil {
		return err
	}
	var silent []store.SourceStatus
	for _, src := range sources {
		if src.Quiet && src.Error == "" {
			src.Error = s.t("nothing new for longer than in all of the last days", "nichts Neues, so lange wie in den letzten Tagen nie")
		}
		if src.Error != "" {
			silent = append(silent, src)
		}
	}
	elsewhere, err := s.elsewhere(r)
	if err != nil {
		return err
	}
	return s.show(w, r, "home", http.StatusOK, map[string]any{"Elsewhere": elsewhere, "Title": s.t("Incidents", "Vorfälle"), "Incidents": open, "Closed": closed, "Topics": topics, "Silent": silent, "Refresh": 10})
}

// elsewhere are the spikes of a day that are a competitor's or the whole industry's, newest first: worth a look, and no
// call.
func (s *Server) elsewhere(r *http.Request) (out []brand.Spike, err error) {
	for _, t := range s.opt.Topics {
		if t.Role == "" || t.Role == brand.Own {
			continue
		}
		recent, err := s.opt.Store.RecentSpikes(r.Context(), t.Name, "", maxSpikes)
		if err != nil {
			return nil, err
		}
		for _, e := range recent {
			if s.opt.Now().Sub(e.Spike.Updated) <= 24*time.Hour {
				out = append(out, e.Spike)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b brand.Spike) int { return b.Updated.Compare(a.Updated) })
	return out[:min(len(out), maxSpikes)], nil
}

func (s *Server) incident(w http.ResponseWriter, r *http.Request) error {
	in, err := s.opt.Store.Incident(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	calls, err := s.opt.Store.CallsOf(r.Context(), in.ID)
	if err != nil {
		return err
	}
	var worst brand.Spike // an incident without spikes was not written by brandmelder, and is shown without them
	if len(in.Spikes) > 0 {
		worst = in.Spikes[0]
	}
	for _, sp := range in.Spikes {
		if sp.Level > worst.Level {
			worst = sp
		}
	}
	var next *brand.Step
	for i := range in.Steps {
		if in.Steps[i].DoneAt.IsZero() {
			next = &in.Steps[i]
			break
		}
	}
	person := s.person(r)
	slices.Reverse(in.Timeline)
	return s.show(w, r, "incident", http.StatusOK, map[string]any{
		"Title": s.title(&in), "In": &in, "Spike": worst, "Calls": calls, "Next": next, "Book": s.opt.Desk.Shelf.Book(in.Playbook, s.opt.Desk.Lang), "NeedsSecond": alert.NeedsSecond(&in),
		"IsVoice": person != "" && person == in.Voice(), "IsDecider": person != "" && person == in.Decider,
		"MayTake": person != "" && in.AckBy == "" && in.Open(),
	})
}

// then goes back to the incident after a deed, at the place where it was done.
func (s *Server) then(w http.ResponseWriter, r *http.Request, err error, place string) error {
	if err == nil {
		http.Redirect(w, r, "/incidents/"+url.PathEscape(r.PathValue("id"))+"#"+place, http.StatusSeeOther)
	}
	return err
}

func (s *Server) take(w http.ResponseWriter, r *http.Request) error {
	if s.person(r) == "" {
		return brand.ErrNotOneVoice
	}
	return s.then(w, r, s.actions.Acknowledge(r.Context(), r.PathValue("id"), s.person(r)), "steps")
}

func (s *Server) tick(w http.ResponseWriter, r *http.Request) error {
	return s.then(w, r, s.actions.Tick(r.Context(), r.PathValue("id"), s.by(r), r.PathValue("step"), r.PostFormValue("done") == "yes"), "steps")
}

func (s *Server) edit(w http.ResponseWriter, r *http.Request) error {
	return s.then(w, r, s.actions.Edit(r.Context(), r.PathValue("id"), s.by(r), r.PathValue("draft"), r.PostFormValue("text")), r.PathValue("draft"))
}

// approve takes the keys of the flags that the visitor confirms under "confirm", once for each.
func (s *Server) approve(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return alert.ErrUnconfirmed
	}
	return s.then(w, r, s.actions.Approve(r.Context(), r.PathValue("id"), s.by(r), r.PathValue("draft"), r.PostForm["confirm"]...), r.PathValue("draft"))
}

// flagKind names what is flagged in a draft.
func (s *Server) flagKind(k brand.FlagKind) string {
	switch k {
	case brand.FlagAddress:
		return s.t("address", "Adresse")
	case brand.FlagPhone:
		return s.t("phone number", "Telefonnummer")
	case brand.FlagMoney:
		return s.t("amount of money", "Geldbetrag")
	case brand.FlagPromise:
		return s.t("promise or deadline", "Zusage oder Frist")
	case brand.FlagModel:
		return s.t("written by a language model", "von einem Sprachmodell geschrieben")
	}
	return string(k)
}

func (s *Server) ask(w http.ResponseWriter, r *http.Request) error {
	return s.then(w, r, s.actions.Ask(r.Context(), r.PathValue("id"), s.by(r), r.PathValue("expert")), "experts")
}

// errNoAnswer is for a question that was answered neither with yes nor with no.
var errNoAnswer = errors.New("answer yes or no")

func (s *Server) verdict(w http.ResponseWriter, r *http.Request) error {
	var v brand.Verdict
	switch r.PostFormValue("right") {
	case "yes":
		v = brand.Right
	case "no":
		v = brand.Wrong
	default:
		return errNoAnswer // neither teaches anything
	}
	return s.then(w, r, s.actions.Judge(r.Context(), r.PathValue("id"), s.by(r), v), "verdict")
}

func (s *Server) close(w http.ResponseWriter, r *http.Request) error {
	return s.then(w, r, s.actions.Close(r.Context(), r.PathValue("id"), s.by(r)), "timeline")
}

func (s *Server) playbooks(w http.ResponseWriter, r *http.Request) error {
	return s.show(w, r, "playbooks", http.StatusOK, map[string]any{"Title": s.t("Playbooks", "Krisenpläne"), "Books": s.opt.Desk.Shelf.Books()})
}

func (s *Server) playbook(w http.ResponseWriter, r *http.Request) error {
	lang := r.URL.Query().Get("lang")
	if lang == "" {
		lang = s.opt.Desk.Lang
	}
	b := s.opt.Desk.Shelf.Book(r.PathValue("id"), lang)
	if b == nil {
		return store.ErrNotFound
	}
	return s.show(w, r, "playbook", http.StatusOK, map[string]any{"Title": b.Title, "Book": b})
}
