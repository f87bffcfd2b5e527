package web

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"brandmelder/access"
	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/store"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

//go:embed templates/*.html static
var files embed.FS

// Store is what the package reads and writes.
type Store interface {
	store.Mentions
	store.Matches
	store.Spikes
	store.Incidents
	store.Evidence
	store.Outbox
	store.DeadLetters
	store.Users
	store.Tokens
	store.Sessions
	store.Corrections
	store.Feedback
	store.Statuses
}

// Options is how the pages are served.
type Options struct {
	Store     Store
	Desk      *alert.Desk
	Topics    []brand.Topic
	Links     access.Links
	Password  string // whoever knows it may read; "": without users only this machine is served, without a proxy
	PublicURL string
	Metrics   http.Handler
	Now       func() time.Time // the clock of the pages; a demo has its own
	Log       *slog.Logger
	Intake    Intake           // takes what is pushed to POST /api/v1/mentions; nil refuses it
	Hooks     http.Handler     // takes what others push to /hooks/, which it asks for a signature itself; nil for none
	Demo      bool             // each page says that the company, the people and the clock are invented
	Visitor   access.Principal // who everybody on this machine is without signing in, as in a demo; none by default
	Bare      bool             // /healthz, /readyz and /metrics alone: other processes have the pages

	Health func() store.Health // of detection; it answers at once. nil: detection works

	TrustedProxies []netip.Prefix        // of their requests, X-Forwarded-For says who the visitor is; none by default
	Registry       prometheus.Registerer // takes the metrics of the pages; nil for none
}

// Server is the pages.
type Server struct {
	opt        Options
	actions    *alert.Actions
	gate       *access.Gate
	cookie     string      // the name of the sessions' cookie
	alone      bool        // nobody else is invited by a public address
	users      atomic.Bool // there were some when somebody looked last
	once       once
	readers    map[string]*words // by language
	guesses    *guesses
	failures   *prometheus.CounterVec // logins that failed, by outcome
	failureLog *rate.Limiter          // log lines about them
	untold     atomic.Int64           // of them, since the last line
	handler    http.Handler
	pushes     chan struct{} // holds one for each push that is being read
}

// New makes the pages.
func New(opt Options) (*Server, error) {
	s := &Server{
		opt: opt, actions: &alert.Actions{Desk: opt.Desk, Store: opt.Store, Now: opt.Now},
		pushes: make(chan struct{}, mostPushes),
		cookie: cookieName(opt.PublicURL), alone: servesAlone(opt.PublicURL),
		guesses:    newGuesses(time.Now),
		failures:   newLoginFailures(opt.Registry),
		failureLog: rate.NewLimiter(rate.Every(failureLogEvery), failureLogBurst),
	}
	if err := s.parse(); err != nil {
		return nil, err
	}
	s.gate = &access.Gate{
		Store: opt.Store, Links: opt.Links, Shared: opt.Password, Now: time.Now,
		Person: func(id string) bool { return opt.Desk.People.Person(id) != nil }, ClosedFor: s.closedFor,
	}
	routes, err := s.routes()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for _, rt := range routes {
		mux.Handle(rt.pattern, s.serve(rt, rt.limit()))
	}
	s.handler = s.apiAnswers(s.secure(http.NewCrossOriginProtection().Handler(mux)))
	return s, nil
}

// closedFor returns how long ago the incident was closed by the clock of the pages, 0 while it is open.
func (s *Server) closedFor(ctx context.Context, id string) (time.Duration, error) {
	in, err := s.opt.Store.Incident(ctx, id)
	if err != nil || in.Closed.IsZero() {
		return 0, err
	}
	return s.opt.Now().Sub(in.Closed), nil
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// secure sets what every answer carries and bounds what is read. While nobody can sign in it serves this machine alone.
func (s *Server) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if !health(r) && !fromHere(r) && s.closed(r.Context()) {
			http.Error(w, s.words(r).T("error.closed"), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// health reports whether the request only asks if the process lives and works. Those answers reveal nothing, and
// probes come from other machines.
func health(r *http.Request) bool {
	return r.Method == http.MethodGet && (r.URL.Path == "/healthz" || r.URL.Path == "/readyz")
}

// Limits of a request.
const (
	maxBody     = 8 << 20          // bytes of a body
	pageTimeout = 15 * time.Second // work on a page; less than the server's time to write one
	apiTimeout  = time.Minute      // work on a request of the API: a long body is read meanwhile
)

func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		next.ServeHTTP(w, r)
	})
}

// codes turns errors into answers; users never see the text of an error that is not among them.
var codes = []struct {
	err  error
	code int
	text string // its id in the catalogue
}{
	{store.ErrNotFound, http.StatusNotFound, "error.not_found"},
	{errNoAnswer, http.StatusBadRequest, "error.no_answer"},
	{errNoPage, http.StatusBadRequest, "error.no_page"},
	{errNoCorrection, http.StatusBadRequest, "error.no_correction"},
	{incident.ErrNotThere, http.StatusNotFound, "error.not_found"},
	{incident.ErrNotOneVoice, http.StatusForbidden, "error.not_one_voice"},
	{incident.ErrNotYours, http.StatusForbidden, "error.not_yours"},
	{incident.ErrTaken, http.StatusConflict, "error.taken"},
	{incident.ErrClosed, http.StatusConflict, "error.incident_closed"},
	{incident.ErrOutdated, http.StatusConflict, "error.outdated"},
	{incident.ErrNotApproved, http.StatusConflict, "error.not_approved"},
	{incident.ErrNotAvailable, http.StatusConflict, "error.not_available"},
	{incident.ErrUnconfirmed, http.StatusConflict, "error.unconfirmed"},
	{incident.ErrLongText, http.StatusBadRequest, "error.long_text"},
	{access.ErrForbidden, http.StatusForbidden, "error.forbidden"},
	{access.ErrSignIn, http.StatusUnauthorized, "error.token"},
	{access.ErrLink, http.StatusForbidden, "error.bad_link"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "error.slow"},
	{errStoreSilent, http.StatusServiceUnavailable, "error.unreadable"},
	{store.ErrConflict, http.StatusConflict, "error.conflict"},
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var over *waitError
	switch {
	case errors.As(err, &over):
		w.Header().Set("Retry-After", retryAfter(over.wait))
		http.Error(w, over.Error(), http.StatusTooManyRequests)
		return
	case errors.Is(err, access.ErrSignIn) && r.URL.Path == "/metrics":
		http.Error(w, "send an API token with the scope metrics, as: Authorization: Bearer …", http.StatusUnauthorized)
		return
	case errors.Is(err, access.ErrSignIn) && !isAPI(r):
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return
	case errors.Is(err, access.ErrForbidden) && r.URL.Path == "/": // a link opens one incident, and no other page
		if id := s.principal(r).Incident; id != "" {
			http.Redirect(w, r, "/incidents/"+url.PathEscape(id), http.StatusSeeOther)
			return
		}
	}
	if isAPI(r) {
		if errors.Is(err, access.ErrSignIn) {
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		s.apiFail(w, r, err)
		return
	}
	if errors.Is(err, context.DeadlineExceeded) {
		s.opt.Log.Warn("page took too long", "path", r.URL.Path, "error", err)
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			data := map[string]any{"Title": s.words(r).T(c.text)}
			if c.code != http.StatusNotFound && s.principal(r).May(access.ReadIncident, r.PathValue("id")) == nil {
				data["Incident"] = r.PathValue("id")
			}
			if c.code == http.StatusServiceUnavailable && r.Method == http.MethodGet {
				data["Refresh"] = 10 // it comes back by itself
			}
			_ = s.show(w, r, "error", c.code, data)
			return
		}
	}
	if r.Context().Err() == nil {
		s.opt.Log.Error("page", "path", r.URL.Path, "error", err)
	}
	_ = s.show(w, r, "error", http.StatusInternalServerError, map[string]any{"Title": s.words(r).T("error.internal")})
}

func (s *Server) topicNames() []string {
	var out []string
	for _, t := range s.opt.Topics {
		out = append(out, t.Name)
	}
	slices.Sort(out)
	return out
}
