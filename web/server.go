package web

import (
	"context"
	"embed"
	"errors"
	"html/template"
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
	"brandmelder/store"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

//go:embed templates/*.html static
var files embed.FS

// Store is what the room reads and writes.
type Store interface {
	store.Mentions
	store.Matches
	store.Spikes
	store.Incidents
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
	Note      string           // a line on every page: that this is a demo
	Visitor   access.Principal // who everybody on this machine is without signing in, as in a demo; none by default
	Bare      bool             // no pages: only /healthz, /readyz and /metrics, for processes that leave the pages to others

	Health func() store.Health // of detection; it answers at once. nil: detection works

	TrustedProxies []netip.Prefix        // of their requests, X-Forwarded-For says who the visitor is; none by default
	Registry       prometheus.Registerer // takes the metrics of the pages; nil for none
}

// Server is the pages.
type Server struct {
	opt      Options
	actions  *alert.Actions
	gate     *access.Gate
	cookie   string      // the name of the sessions' cookie
	alone    bool        // nobody else is invited by a public address
	users    atomic.Bool // there were some when somebody looked last
	once     once
	pages    map[string]*template.Template
	guesses  *guesses
	failures *prometheus.CounterVec // logins that failed, by outcome
	told     *rate.Limiter          // log lines about them
	untold   atomic.Int64           // of them, since the last line
	handler  http.Handler
	pushes   chan struct{} // holds one for each push that is being read
}

// New makes the pages.
func New(opt Options) (*Server, error) {
	s := &Server{
		opt: opt, actions: &alert.Actions{Desk: opt.Desk, Store: opt.Store, Now: opt.Now},
		pushes: make(chan struct{}, mostPushes),
		cookie: cookieName(opt.PublicURL), alone: servesAlone(opt.PublicURL),
		guesses:  newGuesses(time.Now),
		failures: newLoginFailures(opt.Registry),
		told:     rate.NewLimiter(rate.Every(failureLogEvery), failureLogBurst),
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
			http.Error(w, s.t(closedEN, closedDE), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// What others read who reach brandmelder while nobody can sign in.
const (
	closedEN = "brandmelder has no users, so it serves this machine alone: under http://localhost or\n" +
		"http://127.0.0.1, without a proxy.\n" +
		"To let others in, run: brandmelder user add NAME --roles ROLES --config FILE\n" +
		"A shared password that lets others read only is set by web.password_file in the configuration."
	closedDE = "brandmelder hat keine Benutzer und dient darum nur diesem Rechner: unter http://localhost oder\n" +
		"http://127.0.0.1, ohne Proxy.\n" +
		"Damit andere hereinkommen, führen Sie aus: brandmelder user add NAME --roles ROLLEN --config DATEI\n" +
		"Ein gemeinsames Passwort, mit dem andere nur lesen, setzt web.password_file in der Konfiguration."
)

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
	en   string
	de   string
}{
	{store.ErrNotFound, http.StatusNotFound, "This is not here.", "Das gibt es hier nicht."},
	{errNoAnswer, http.StatusBadRequest, "Please answer with yes or no.", "Bitte antworten Sie mit Ja oder Nein."},
	{errNoCorrection, http.StatusBadRequest, "Please say whether it is about you, or how it is meant.", "Bitte sagen Sie, ob es um Sie geht oder wie es gemeint ist."},
	{alert.ErrNotThere, http.StatusNotFound, "This is not here.", "Das gibt es hier nicht."},
	{brand.ErrNotOneVoice, http.StatusForbidden, "Only the one-voice owner may do this. If it is you, come by the link of your call.", "Das darf nur die One Voice. Wenn Sie es sind, kommen Sie über den Link Ihres Anrufs."},
	{
		alert.ErrUnconfirmed, http.StatusConflict, "Tick each box below the draft first, or take out what it names.",
		"Haken Sie zuerst jedes Kästchen unter dem Entwurf an, oder nehmen Sie heraus, was es nennt.",
	},
	{alert.ErrLongText, http.StatusBadRequest, "This text is too long: a draft has at most 20,000 characters.", "Dieser Text ist zu lang: ein Entwurf hat höchstens 20.000 Zeichen."},
	{access.ErrForbidden, http.StatusForbidden, "You may not do this here.", "Das dürfen Sie hier nicht."},
	{access.ErrSignIn, http.StatusUnauthorized, "Send an API token with the scope for this, as: Authorization: Bearer …", "Melden Sie sich zuerst an."},
	{access.ErrLink, http.StatusForbidden, "This link is not valid, or has run out.", "Dieser Link gilt nicht oder ist abgelaufen."},
	{
		context.DeadlineExceeded, http.StatusServiceUnavailable, "The store took too long for this page. Try again in a minute.",
		"Der Speicher brauchte zu lange für diese Seite. Versuchen Sie es in einer Minute wieder.",
	},
	{errStoreSilent, http.StatusServiceUnavailable, "This cannot be read now.", "Das ist jetzt nicht lesbar."},
	{store.ErrConflict, http.StatusConflict, "Somebody else was faster. Look again and repeat it.", "Jemand war schneller. Sehen Sie nach und wiederholen Sie es."},
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
	case errors.Is(err, access.ErrForbidden) && r.URL.Path == "/": // who came by a link has one incident, and no other page
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
			data := map[string]any{"Title": s.t(c.en, c.de)}
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
	_ = s.show(w, r, "error", http.StatusInternalServerError, map[string]any{"Title": s.t("Something went wrong here. It is in the log.", "Hier ging etwas schief. Es steht im Log.")})
}

// t picks the language of the pages.
func (s *Server) t(en, de string) string {
	if s.opt.Desk.Lang == "de" {
		return de
	}
	return en
}

func (s *Server) topicNames() []string {
	var out []string
	for _, t := range s.opt.Topics {
		out = append(out, t.Name)
	}
	slices.Sort(out)
	return out
}
