package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/store"
)

func (s *Server) show(w http.ResponseWriter, r *http.Request, name string, code int, data map[string]any) error {
	words := s.words(r)
	data["Person"], data["Demo"], data["Path"], data["Back"] = s.person(r), s.opt.Demo, r.URL.Path, back(r)
	data["Trouble"] = s.trouble(words)
	maps.Copy(data, s.shown(r))
	var buf bytes.Buffer
	if err := words.pages[name].ExecuteTemplate(&buf, "layout", data); err != nil {
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
	topics, err := s.topicDocs(r)
	if err != nil {
		return err
	}
	sources, err := s.sourceDocs(r)
	if err != nil {
		return err
	}
	var silent []sourceDoc
	for _, src := range sources {
		if src.Quiet || src.Error != "" {
			silent = append(silent, src)
		}
	}
	elsewhere, err := s.elsewhere(r)
	if err != nil {
		return err
	}
	return s.show(w, r, "home", http.StatusOK, map[string]any{"Elsewhere": elsewhere, "Title": s.words(r).T("home.title"), "Incidents": open, "Closed": closed, "Topics": topics, "Silent": silent, "Refresh": 10})
}

// elsewhere are the spikes of a day that are a competitor's or the whole industry's: worth a look, and no call.
func (s *Server) elsewhere(r *http.Request) ([]brand.Spike, error) {
	recent, err := s.opt.Store.RecentSpikes(r.Context(), 300)
	if err != nil {
		return nil, err
	}
	var out []brand.Spike
	for _, sp := range recent { // newest first: the last telling of each
		i := slices.IndexFunc(s.opt.Topics, func(t brand.Topic) bool { return t.Name == sp.Topic })
		if i < 0 || s.opt.Topics[i].Role == "" || s.opt.Topics[i].Role == brand.Own || s.opt.Now().Sub(sp.Updated) > 24*time.Hour ||
			slices.ContainsFunc(out, func(o brand.Spike) bool { return o.ID == sp.ID }) {
			continue
		}
		if out = append(out, sp); len(out) == maxSpikes {
			break
		}
	}
	return out, nil
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
	person, words := s.person(r), s.words(r)
	steps := words.steps(&in)
	var next *step
	if i := slices.IndexFunc(steps, func(st step) bool { return st.DoneAt.IsZero() }); i >= 0 {
		next = &steps[i]
	}
	slices.Reverse(in.Timeline)
	return s.show(w, r, "incident", http.StatusOK, map[string]any{
		"Title": words.title(&in), "In": &in, "Spike": worst, "Calls": calls, "Steps": steps, "Next": next, "Book": s.opt.Desk.Shelf.Book(in.Playbook, words.Lang()), "NeedsSecond": alert.NeedsSecond(&in),
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

// pinned reads documents from the board. One that cannot be read is left out and logged: it must not take the
// others' page away.
func pinned[T any](s *Server, r *http.Request, prefix string, name func(T) string) ([]T, error) {
	docs, err := s.opt.Store.Pinned(r.Context(), prefix)
	if err != nil {
		return nil, err
	}
	out := []T{}
	for key, doc := range docs {
		var v T
		if err := json.Unmarshal(doc, &v); err != nil {
			s.opt.Log.Warn("a document on the board cannot be read", "key", key, "error", err)
			continue
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b T) int { return cmp.Compare(name(a), name(b)) })
	return out, nil
}

func (s *Server) playbooks(w http.ResponseWriter, r *http.Request) error {
	return s.show(w, r, "playbooks", http.StatusOK, map[string]any{"Title": s.words(r).T("playbook.title"), "Books": s.opt.Desk.Shelf.Books()})
}

func (s *Server) playbook(w http.ResponseWriter, r *http.Request) error {
	lang := r.URL.Query().Get("lang")
	if lang == "" {
		lang = s.words(r).Lang()
	}
	b := s.opt.Desk.Shelf.Book(r.PathValue("id"), lang)
	if b == nil {
		return store.ErrNotFound
	}
	return s.show(w, r, "playbook", http.StatusOK, map[string]any{"Title": b.Title, "Book": b})
}
