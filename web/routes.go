package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"brandmelder/access"
	"brandmelder/store"
)

// Routes that are for everybody have one of these in the place of an action.
const (
	public   access.Action = "public"   // nobody is identified
	visitors access.Action = "visitors" // the visitor is identified, and may be nobody
)

// route is a line of the table of routes.
type route struct {
	pattern string
	action  access.Action // what a visitor must be allowed; in the incident {id}, where the pattern has one
	handle  handler
}

// handler answers a request, or returns an error that fail turns into an answer.
type handler func(*Server, http.ResponseWriter, *http.Request) error

// pageRoutes are the pages and the API.
var pageRoutes = []route{
	{"GET /{$}", access.ReadIncidents, (*Server).home},
	{"GET /incidents/{id}", access.ReadIncident, (*Server).incident},
	{"POST /incidents/{id}/take", access.TakeIncident, (*Server).take},
	{"POST /incidents/{id}/steps/{step}", access.TickStep, (*Server).tick},
	{"POST /incidents/{id}/handover", access.HandOverIncident, (*Server).handOver},
	{"POST /incidents/{id}/statements/{statement}", access.EditStatement, (*Server).edit},
	{"POST /incidents/{id}/statements/{statement}/approve", access.ApproveStatement, (*Server).approve},
	{"POST /incidents/{id}/statements/{statement}/publish", access.MarkPublished, (*Server).publish},
	{"POST /incidents/{id}/experts/{expert}/ask", access.AskExpert, (*Server).ask},
	{"POST /incidents/{id}/answer", access.AnswerRequest, (*Server).answerRequest},
	{"POST /incidents/{id}/notes", access.AddNote, (*Server).note},
	{"POST /incidents/{id}/close", access.CloseIncident, (*Server).close},
	{"POST /incidents/{id}/reopen", access.ReopenIncident, (*Server).reopen},
	{"POST /incidents/{id}/merge", access.MergeIncidents, (*Server).merge},
	{"POST /incidents/{id}/verdict", access.JudgeCall, (*Server).verdict},
	{"GET /topics", access.ReadTopics, (*Server).topics},
	{"GET /topics/{topic}", access.ReadTopics, (*Server).topic},
	{"POST /topics/{topic}/corrections", access.CorrectMentions, (*Server).correct},
	{"GET /sources", access.ReadSources, (*Server).sources},
	{"GET /playbooks", access.ReadPlaybooks, (*Server).playbooks},
	{"GET /playbooks/{id}", access.ReadPlaybooks, (*Server).playbook},
	{"GET /api/v1/health", access.ReadHealth, (*Server).apiHealth},
	{"GET /api/v1/topics", access.ReadTopics, (*Server).apiTopics},
	{"GET /api/v1/incidents", access.ReadIncidents, (*Server).apiIncidents},
	{"GET /api/v1/incidents/{id}", access.ReadIncident, (*Server).apiIncident},
	{"POST /api/v1/mentions", access.PushMentions, (*Server).apiMentions},
	{"GET /call/{token}", visitors, (*Server).openLink},
	{"POST /call/{token}", visitors, (*Server).changeTo},
	{"GET /sign-in", visitors, (*Server).signInPage},
	{"POST /sign-in", visitors, (*Server).signIn},
	{"GET /sign-in/{once}", visitors, (*Server).signInOnce},
	{"POST /sign-out", visitors, (*Server).signOut},
	{"POST /language", public, (*Server).chooseLanguage},
}

// routes is the table of all routes that this server has.
func (s *Server) routes() ([]route, error) {
	out := []route{
		{"GET /healthz", public, func(_ *Server, w http.ResponseWriter, _ *http.Request) error {
			_, err := w.Write([]byte("ok\n"))
			return err
		}},
		{"GET /readyz", public, (*Server).ready},
	}
	if s.opt.Metrics != nil {
		out = append(out, route{"GET /metrics", access.ReadMetrics, by(s.opt.Metrics)})
	}
	if s.opt.Hooks != nil {
		out = append(out, route{"/hooks/", public, by(s.opt.Hooks)})
	}
	if s.opt.Bare {
		return out, nil
	}
	static, err := fs.Sub(files, "static")
	if err != nil {
		return nil, err
	}
	out = append(out, pageRoutes...)
	return append(out, route{"GET /static/", public, by(http.StripPrefix("/static/", cached(http.FileServerFS(static))))}), nil
}

// by makes a handler of one of net/http.
func by(h http.Handler) handler {
	return func(_ *Server, w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// limit is how long work on an answer may take.
func (rt route) limit() time.Duration {
	if strings.Contains(rt.pattern, " /api/") {
		return apiTimeout
	}
	return pageTimeout
}

// serve makes a route's handler: it identifies the visitor once, asks whether this visitor may, and answers in time.
func (s *Server) serve(rt route, limit time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rt.action == public {
			if err := rt.handle(s, w, r); err != nil {
				s.opt.Log.Debug("answer not read to its end", "error", err)
			}
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		defer cancel()
		r = r.WithContext(ctx)
		p, err := s.admit(rt, r)
		r = r.WithContext(context.WithValue(ctx, principalKey{}, p))
		if err == nil {
			err = rt.handle(s, w, r)
		}
		if err != nil && ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", ctx.Err(), err) // a store may have its own word for a time that is over
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

// admit returns who makes the request, and an error unless this visitor may.
func (s *Server) admit(rt route, r *http.Request) (access.Principal, error) {
	if s.health().Cause == store.StoreSilent {
		if rt.action == access.ReadHealth { // nobody can be identified; /readyz says the same to everybody
			return access.Principal{}, nil
		}
		return access.Principal{}, errStoreSilent
	}
	p, err := s.identify(r)
	if err == nil && rt.action != visitors {
		err = p.May(rt.action, r.PathValue("id"))
	}
	return p, err
}

// identify returns who makes the request, the zero value for nobody. A session is asked for first: guesses of others
// never affect it.
func (s *Server) identify(r *http.Request) (access.Principal, error) {
	if r.URL.Path == "/metrics" && s.alone && fromHere(r) { // a program on this machine
		return access.Principal{By: access.ByLocal, Scopes: []access.Scope{access.ScopeMetrics}}, nil
	}
	if c, err := r.Cookie(s.cookie); err == nil {
		p, err := s.gate.Session(r.Context(), c.Value)
		if !errors.Is(err, access.ErrSignIn) {
			return p, err
		}
	}
	if secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return s.bearer(r, secret)
	}
	if fromHere(r) {
		return s.opt.Visitor, nil
	}
	return access.Principal{}, nil
}

// servesAlone reports whether nobody else is invited by a public address. Only then is a peer on loopback without the
// marks of a proxy surely a program on this machine.
func servesAlone(publicURL string) bool {
	u, err := url.Parse(publicURL)
	return err == nil && (u.Host == "" || LoopbackHost(u.Host))
}

// principalKey is the context's key of who makes the request.
type principalKey struct{}

// principal is who makes the request.
func (s *Server) principal(r *http.Request) access.Principal {
	p, _ := r.Context().Value(principalKey{}).(access.Principal)
	return p
}

// person is the ID of the person who makes the request, "" for nobody in particular.
func (s *Server) person(r *http.Request) string { return s.principal(r).Person }

// by is the name under which the visitor's deeds are recorded.
func (s *Server) by(r *http.Request) string { return s.principal(r).Actor() }

// shown is what a page knows of its visitor: Who it is by name, "" for nobody in particular; whether to offer Out, to
// sign out; the Only incident that a link opens; and what this visitor May attempt here, for the buttons of the page.
func (s *Server) shown(r *http.Request) map[string]any {
	p := s.principal(r)
	may := map[string]bool{}
	for _, a := range access.Actions() {
		may[strings.ReplaceAll(string(a), " ", "_")] = p.May(a, r.PathValue("id")) == nil
	}
	who := p.Name
	if p.By == access.ByLocal && !s.isVisitor(p) {
		who = s.words(r).T("sign_in.local")
	}
	if q := s.opt.Desk.People.Person(p.Person); q != nil {
		who = q.Name
	}
	return map[string]any{"Who": who, "Out": p.By != "" && !s.isVisitor(p), "All": p.By == access.ByPassword, "Only": p.Incident, "May": may}
}

// closed reports whether nobody can sign in: then this machine alone is served.
func (s *Server) closed(ctx context.Context) bool {
	if s.opt.Password != "" {
		return false
	}
	if s.health().Cause != store.StoreSilent {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if has, err := s.gate.HasUsers(ctx); err == nil {
			s.users.Store(has)
		}
	}
	return !s.users.Load()
}
