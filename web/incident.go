package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"brandmelder/access"
	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/playbooks"
	"brandmelder/store"
)

// incidentPage is what the page of an incident shows.
type incidentPage struct {
	*incident.State
	Worst    brand.Spike // with what it quotes
	Steps    []step
	Next     *step
	Book     *playbooks.Playbook
	Roster   incident.Roster
	Me       string // under which the visitor's deeds are recorded
	Calls    []incident.Call
	Timeline []incident.Record  // newest first
	Others   []incident.Summary // open incidents that it may be merged into
}

// MayTake reports whether the visitor may take the incident.
func (p *incidentPage) MayTake() bool { return p.State.MayTake(p.Roster, p.Me) }

// HandOverTo are the people to whom the visitor, who has the incident, may hand it over. Its owner and its decider can
// take it over instead.
func (p *incidentPage) HandOverTo() []string {
	if p.Taken.By != p.Me {
		return nil
	}
	return p.State.HandOverTo(p.Roster, p.Me)
}

// MayEdit reports whether the visitor may write the company's words.
func (p *incidentPage) MayEdit() bool { return p.Open() && p.State.MayEdit(p.Roster, p.Me) }

// MayApprove reports whether the visitor's word for the statement counts now.
func (p *incidentPage) MayApprove(st incident.Statement) bool {
	return p.Open() && p.State.MayApprove(p.Roster, &st, p.Me)
}

// Approved reports whether the statement may be published as it stands.
func (p *incidentPage) Approved(st incident.Statement) bool { return p.State.Approved(&st) }

// Asked reports whether the visitor is an expert who has not answered yet.
func (p *incidentPage) Asked() bool {
	return p.Open() && slices.ContainsFunc(p.Experts, func(x incident.Expert) bool {
		return x.Person == p.Me && !x.Asked.IsZero() && x.Answered.IsZero()
	})
}

// Unapprovable reports whether the incident has nobody for the second approval that it needs.
func (p *incidentPage) Unapprovable() bool { return p.Open() && !p.CanBeApproved(p.Roster) }

func (s *Server) incident(w http.ResponseWriter, r *http.Request) error {
	ctx, id := r.Context(), r.PathValue("id")
	in, err := s.opt.Store.Incident(ctx, id)
	if err != nil {
		return err
	}
	evidence, err := s.opt.Store.Evidence(ctx, id)
	if err != nil {
		return err
	}
	calls, err := s.opt.Store.CallsOf(ctx, id)
	if err != nil {
		return err
	}
	records, err := s.opt.Store.Events(ctx, id)
	if err != nil {
		return err
	}
	p := &incidentPage{State: &in, Calls: calls, Timeline: timeline(records), Roster: s.actions.Roster(), Me: s.by(r)}
	p.Worst = *in.Worst()
	if i := slices.IndexFunc(evidence, func(sp brand.Spike) bool { return sp.ID == p.Worst.ID }); i >= 0 {
		p.Worst = evidence[i]
	}
	words := s.words(r)
	p.Steps = words.steps(&in)
	if i := slices.IndexFunc(p.Steps, func(st step) bool { return st.DoneAt.IsZero() }); i >= 0 {
		p.Next = &p.Steps[i]
	}
	p.Book = s.opt.Desk.Shelf.Book(in.Playbook, words.Lang())
	if in.Open() && s.principal(r).May(access.MergeIncidents, id) == nil {
		open, _, err := s.opt.Store.ListIncidents(ctx, store.IncidentQuery{Open: true, Limit: maxMerge})
		if err != nil {
			return err
		}
		p.Others = slices.DeleteFunc(open, func(o incident.Summary) bool { return o.ID == id || o.Kind != in.Kind || o.Drill != in.Drill })
	}
	return s.show(w, r, "incident", http.StatusOK, map[string]any{"Title": words.title(&in.Summary), "In": p})
}

// do lets the visitor do something with the incident, and goes back to the place of its page where it was done.
func (s *Server) do(w http.ResponseWriter, r *http.Request, place string, command func(in *incident.State) incident.Command) error {
	if err := s.actions.Do(r.Context(), r.PathValue("id"), s.actor(r), command); err != nil {
		return err
	}
	s.backTo(w, r, place)
	return nil
}

// backTo leads back to a place of the incident's page.
func (s *Server) backTo(w http.ResponseWriter, r *http.Request, place string) {
	http.Redirect(w, r, "/incidents/"+url.PathEscape(r.PathValue("id"))+"#"+place, http.StatusSeeOther)
}

// actor is who makes the request, as it is recorded.
func (s *Server) actor(r *http.Request) incident.Actor {
	return incident.Actor{ID: s.by(r), Via: string(s.principal(r).By)}
}

// revision is the revision that the visitor read.
func revision(r *http.Request) int {
	n, err := strconv.Atoi(r.PostFormValue("revision"))
	if err != nil {
		return 0 // none has this number
	}
	return n
}

func (s *Server) take(w http.ResponseWriter, r *http.Request) error {
	return s.do(w, r, "steps", func(*incident.State) incident.Command { return incident.Take{Roster: s.actions.Roster()} })
}

func (s *Server) handOver(w http.ResponseWriter, r *http.Request) error {
	return s.do(w, r, "voice", func(*incident.State) incident.Command {
		return incident.HandOver{To: r.PostFormValue("to"), Roster: s.actions.Roster()}
	})
}

func (s *Server) tick(w http.ResponseWriter, r *http.Request) error {
	return s.do(w, r, "steps", func(*incident.State) incident.Command {
		return incident.Check{Step: r.PathValue("step"), Done: r.PostFormValue("done") == "yes"}
	})
}

func (s *Server) edit(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("statement")
	return s.do(w, r, id, func(in *incident.State) incident.Command {
		c := incident.Edit{Statement: id, Revision: revision(r), Text: cleaned(r.PostFormValue("text")), Roster: s.actions.Roster()}
		if st := in.Statement(id); st != nil {
			c.Flags = s.opt.Desk.Flags(in, st, c.Text)
		}
		return c
	})
}

// approve takes the keys of the flags that the visitor confirms under "confirm", once for each.
func (s *Server) approve(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return incident.ErrUnconfirmed
	}
	id := r.PathValue("statement")
	return s.do(w, r, id, func(in *incident.State) incident.Command {
		c := incident.Approve{Statement: id, Revision: revision(r), Confirm: r.PostForm["confirm"], Roster: s.actions.Roster()}
		if st := in.Statement(id); st != nil {
			c.Flags = s.opt.Desk.Flags(in, st, st.Latest().Text)
		}
		return c
	})
}

func (s *Server) publish(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("statement")
	return s.do(w, r, id, func(*incident.State) incident.Command {
		return incident.Publish{Statement: id, Revision: revision(r), Where: cleaned(r.PostFormValue("where"))}
	})
}

func (s *Server) ask(w http.ResponseWriter, r *http.Request) error {
	return s.do(w, r, "experts", func(*incident.State) incident.Command { return incident.Ask{Expert: r.PathValue("expert")} })
}

func (s *Server) answerRequest(w http.ResponseWriter, r *http.Request) error {
	accepts, err := yes(r, "helps")
	if err != nil {
		return err
	}
	return s.do(w, r, "experts", func(*incident.State) incident.Command { return incident.Answer{Accepts: accepts} })
}

func (s *Server) note(w http.ResponseWriter, r *http.Request) error {
	return s.do(w, r, "timeline", func(*incident.State) incident.Command { return incident.Note{Text: cleaned(r.PostFormValue("text"))} })
}

// errNoAnswer is for a question that was answered neither with yes nor with no.
var errNoAnswer = errors.New("answer yes or no")

func yes(r *http.Request, name string) (bool, error) {
	switch r.PostFormValue(name) {
	case "yes":
		return true, nil
	case "no":
		return false, nil
	}
	return false, errNoAnswer
}

func (s *Server) verdict(w http.ResponseWriter, r *http.Request) error {
	right, err := yes(r, "right")
	if err != nil {
		return err
	}
	v := incident.Wrong
	if right {
		v = incident.Right
	}
	if err := s.actions.Judge(r.Context(), r.PathValue("id"), s.actor(r), v); err != nil {
		return err
	}
	s.backTo(w, r, "verdict")
	return nil
}

func (s *Server) close(w http.ResponseWriter, r *http.Request) error {
	outcome := incident.Resolved
	if r.PostFormValue("outcome") == string(incident.FalseAlarm) {
		outcome = incident.FalseAlarm
	}
	if err := s.actions.Close(r.Context(), r.PathValue("id"), s.actor(r), outcome); err != nil {
		return err
	}
	s.backTo(w, r, "timeline")
	return nil
}

func (s *Server) merge(w http.ResponseWriter, r *http.Request) error {
	into := r.PostFormValue("into")
	if err := s.actions.Merge(r.Context(), r.PathValue("id"), into, s.actor(r)); err != nil {
		return err
	}
	http.Redirect(w, r, "/incidents/"+url.PathEscape(into), http.StatusSeeOther)
	return nil
}

func (s *Server) reopen(w http.ResponseWriter, r *http.Request) error {
	return s.do(w, r, "timeline", func(*incident.State) incident.Command { return incident.Reopen{Roster: s.actions.Roster()} })
}
