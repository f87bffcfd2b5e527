package web

import (
	"context"
	"embed"
	"errors"
	"fmt"
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
	store.Board
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
	Demo      bool         // each page says that the company, the people and the clock are invented
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
	readers  map[string]*words // by language
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
	mux.HandleFunc("POST /language", s.chooseLanguage)
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
	text string // its id in the catalogue
}{
	{store.ErrNotFound, http.StatusNotFound, "error.not_found"},
	{errNoAnswer, http.StatusBadRequest, "error.no_answer"},
	{errNoCorrection, http.StatusBadRequest, "error.no_correction"},
	{alert.ErrNotThere, http.StatusNotFound, "error.not_found"},
	{brand.ErrNotOneVoice, http.StatusForbidden, "error.not_one_voice"},
	{alert.ErrUnconfirmed, http.StatusConflict, "error.unconfirmed"},
	{alert.ErrLongText, http.StatusBadRequest, "error.long_text"},
	{alert.ErrBadLink, http.StatusForbidden, "error.bad_link"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "error.slow"},
	{errStoreSilent, http.StatusServiceUnavailable, "error.unreadable"},
	{store.ErrConflict, http.StatusConflict, "error.conflict"},
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
			data := map[string]any{"Title": s.words(r).T(c.text)}
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
