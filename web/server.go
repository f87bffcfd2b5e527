package web

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/store"

	"github.com/alexedwards/scs/v2"
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
	store.Corrections
	store.Feedback
	store.Statuses
}

// Options is how the pages are served.
type Options struct {
	Store     Store
	Desk      *alert.Desk
	Topics    []brand.Topic
	Links     alert.Links
	Password  string // whoever knows it may read and tick; "" means that only this machine is served, without a proxy
	PublicURL string
	Metrics   http.Handler
	Now       func() time.Time // the clock of the pages; a demo has its own
	Log       *slog.Logger
	Intake    Intake       // takes what is pushed to POST /api/v1/mentions; nil refuses it
	Hooks     http.Handler // takes what others push to /hooks/, which it asks for a signature itself; nil for none
	Note      string       // a line on every page: that this is a demo
	Bare      bool         // no pages: only /healthz, /readyz and /metrics, for processes that leave the pages to others

	Health func() store.Health // of detection; it answers at once. nil: detection works

	TrustedProxies []netip.Prefix        // of their requests, X-Forwarded-For says who the visitor is; none by default
	Registry       prometheus.Registerer // takes the metrics of the pages; nil for none
}

// Server is the pages.
type Server struct {
	opt      Options
	actions  *alert.Actions
	sessions *scs.SessionManager
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
		pushes:   make(chan struct{}, mostPushes),
		sessions: newSessionManager(strings.HasPrefix(opt.PublicURL, "https:"), opt.Log),
		guesses:  newGuesses(time.Now),
		failures: newLoginFailures(opt.Registry),
		told:     rate.NewLimiter(rate.Every(failureLogEvery), failureLogBurst),
	}
	if err := s.parse(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", s.ready)
	if opt.Metrics != nil {
		mux.Handle("GET /metrics", s.metrics(opt.Metrics))
	}
	if opt.Hooks != nil {
		mux.Handle("/hooks/", opt.Hooks)
	}
	if !opt.Bare {
		if err := s.routes(mux); err != nil {
			return nil, err
		}
	}
	s.handler = s.apiAnswers(s.secure(http.NewCrossOriginProtection().Handler(mux)))
	return s, nil
}

// routes adds the pages and the API.
func (s *Server) routes(mux *http.ServeMux) error {
	static, err := fs.Sub(files, "static")
	if err != nil {
		return err
	}
	page := func(pattern string, h func(*Server, http.ResponseWriter, *http.Request) error) {
		limit := pageTimeout
		if strings.Contains(pattern, " /api/") {
			limit = apiTimeout
		}
		mux.Handle(pattern, s.sessions.LoadAndSave(s.guard(func(w http.ResponseWriter, r *http.Request) {
			if err := s.within(limit, h, w, r); err != nil {
				s.fail(w, r, err)
			}
		})))
	}
	page("GET /{$}", (*Server).home)
	page("GET /incidents/{id}", (*Server).incident)
	page("POST /incidents/{id}/take", (*Server).take)
	page("POST /incidents/{id}/steps/{step}", (*Server).tick)
	page("POST /incidents/{id}/drafts/{draft}", (*Server).edit)
	page("POST /incidents/{id}/drafts/{draft}/approve", (*Server).approve)
	page("POST /incidents/{id}/experts/{expert}/ask", (*Server).ask)
	page("POST /incidents/{id}/close", (*Server).close)
	page("POST /incidents/{id}/verdict", (*Server).verdict)
	page("GET /topics", (*Server).topics)
	page("GET /topics/{topic}", (*Server).topic)
	page("POST /topics/{topic}/corrections", (*Server).correct)
	page("GET /sources", (*Server).sources)
	page("GET /playbooks", (*Server).playbooks)
	page("GET /playbooks/{id}", (*Server).playbook)
	page("GET /api/v1/health", (*Server).apiHealth)
	page("GET /api/v1/topics", (*Server).apiTopics)
	page("GET /api/v1/incidents", (*Server).apiIncidents)
	page("POST /api/v1/mentions", (*Server).apiMentions)
	open := func(pattern string, h func(*Server, http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, s.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := h(s, w, r); err != nil {
				s.fail(w, r, err)
			}
		})))
	}
	open("GET /call/{token}", (*Server).call)
	open("GET /login", (*Server).loginPage)
	open("POST /login", (*Server).loginPost)
	mux.Handle("GET /static/", http.StripPrefix("/static/", cached(http.FileServerFS(static))))
	return nil
}

// handler answers a request, or returns an error that fail turns into an answer.
type handler func(*Server, http.ResponseWriter, *http.Request) error

// within runs a page's handler with a limit of time.
func (s *Server) within(d time.Duration, h handler, w http.ResponseWriter, r *http.Request) error {
	if r.URL.Path != "/api/v1/health" && s.health().Cause == store.StoreSilent {
		return errStoreSilent
	}
	ctx, cancel := context.WithTimeout(r.Context(), d)
	defer cancel()
	err := h(s, w, r.WithContext(ctx))
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err) // a store may have its own word for a time that is over
	}
	return err
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// secure sets what every answer carries and bounds what is read. Without a password it serves this machine alone.
func (s *Server) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if s.opt.Password == "" && !health(r) && !fromHere(r) {
			http.Error(w, s.t(closedEN, closedDE), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// What others read who reach brandmelder while it has no password.
const (
	closedEN = "brandmelder has no password, so it serves this machine alone: under http://localhost or\n" +
		"http://127.0.0.1, without a proxy.\n" +
		"To let others in, write a password of 12 or more characters to a file (chmod 600),\n" +
		"and set web.password_file and web.public_url in the configuration."
	closedDE = "brandmelder hat kein Passwort und dient darum nur diesem Rechner: unter http://localhost oder\n" +
		"http://127.0.0.1, ohne Proxy.\n" +
		"Damit andere es erreichen, schreiben Sie ein Passwort von mindestens 12 Zeichen in eine Datei (chmod 600),\n" +
		"und setzen Sie web.password_file und web.public_url in der Konfiguration."
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

// person is who the visitor is, by the link of a call; "" for a reader.
func (s *Server) person(r *http.Request) string { return s.sessions.GetString(r.Context(), personKey) }

// by is the name under which the visitor's deeds stand on the timeline.
func (s *Server) by(r *http.Request) string {
	if p := s.person(r); p != "" {
		return p
	}
	return "desk"
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
	{alert.ErrBadLink, http.StatusForbidden, "This link is not valid, or has run out.", "Dieser Link gilt nicht oder ist abgelaufen."},
	{
		context.DeadlineExceeded, http.StatusServiceUnavailable, "The store took too long for this page. Try again in a minute.",
		"Der Speicher brauchte zu lange für diese Seite. Versuchen Sie es in einer Minute wieder.",
	},
	{errStoreSilent, http.StatusServiceUnavailable, "This cannot be read now.", "Das ist jetzt nicht lesbar."},
	{store.ErrConflict, http.StatusConflict, "Somebody else was faster. Look again and repeat it.", "Jemand war schneller. Sehen Sie nach und wiederholen Sie es."},
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if isAPI(r) {
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
