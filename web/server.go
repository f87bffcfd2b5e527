package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
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
}

// New makes the pages.
func New(opt Options) (*Server, error) {
	s := &Server{
		opt: opt, actions: &alert.Actions{Desk: opt.Desk, Store: opt.Store, Now: opt.Now},
		sessions: newSessionManager(strings.HasPrefix(opt.PublicURL, "https:"), opt.Log),
		guesses:  newGuesses(time.Now), failures: newLoginFailures(opt.Registry), told: rate.NewLimiter(rate.Every(failureLogEvery), failureLogBurst),
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

// within runs a page's handler with a limit of time.
func (s *Server) within(d time.Duration, h func(*Server, http.ResponseWriter, *http.Request) error, w http.ResponseWriter, r *http.Request) error {
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
			http.Error(w, s.t(
				"brandmelder has no password, so it serves this machine alone, under http://localhost or http://127.0.0.1 and without a proxy.\n"+
					"To let others in: write a password of 12 or more characters to a file (chmod 600), and set web.password_file and web.public_url in the configuration.",
				"brandmelder hat kein Passwort und dient darum nur diesem Rechner, unter http://localhost oder http://127.0.0.1 und ohne Proxy.\n"+
					"Damit andere es erreichen: Schreiben Sie ein Passwort von mindestens 12 Zeichen in eine Datei (chmod 600), und setzen Sie web.password_file und web.public_url in der Konfiguration.",
			), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// health reports whether the request only asks if the process lives and works. Those answers reveal nothing, and probes come from other machines.
func health(r *http.Request) bool {
	return r.Method == http.MethodGet && (r.URL.Path == "/healthz" || r.URL.Path == "/readyz")
}

// Limits of a request.
const (
	maxBody     = 8 << 20          // bytes of a body
	maxLogin    = 64 << 10         // bytes of the login form: anybody may send it
	pageTimeout = 15 * time.Second // work on a page; less than the server's time to write one
	apiTimeout  = time.Minute      // work on a request of the API: a long body is read meanwhile
)

// Log lines about failed logins: somebody who guesses must not fill the disk.
const (
	failureLogEvery = 10 * time.Second
	failureLogBurst = 10
)

func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		next.ServeHTTP(w, r)
	})
}

// guard lets in whoever logged in, came by a call's link, or sends the password as a bearer token. A session is asked for first: guesses of
// others never affect it.
func (s *Server) guard(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.opt.Password == "" || s.sessions.GetBool(r.Context(), "in") || s.person(r) != "" {
			next(w, r)
			return
		}
		ok, wait := s.bearer(r)
		switch {
		case ok:
			next(w, r)
		case wait > 0:
			s.refuse(w, wait)
		case strings.HasPrefix(r.URL.Path, "/api/"):
			http.Error(w, `{"error":"send the password as: Authorization: Bearer …"}`, http.StatusUnauthorized)
		default:
			http.Redirect(w, r, "/login", http.StatusSeeOther)
		}
	})
}

// bearer reports whether the request carries the password, or how long its address has to wait until it may try again.
func (s *Server) bearer(r *http.Request) (ok bool, wait time.Duration) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return false, 0
	}
	return s.login(r, "bearer", token)
}

// theAccount is the only one there is: of all who know the password.
const theAccount = ""

// login checks a password that came by a form or as a bearer token. Failures are limited by address, counted, and logged without the password.
func (s *Server) login(r *http.Request, by, password string) (ok bool, wait time.Duration) {
	from := s.visitor(r)
	ok, wait = s.guesses.try(theAccount, from, func() bool { return s.known(password) })
	if ok {
		return true, 0
	}
	outcome := outcomeWrong
	if wait > 0 {
		outcome = outcomeRefused
	}
	s.failures.WithLabelValues(outcome).Inc()
	if !s.told.Allow() {
		s.untold.Add(1)
		return false, wait
	}
	args := []any{"address", from.String(), "by", by, "outcome", outcome, "more", s.untold.Swap(0)}
	if proxied(r) && from == peer(r) {
		args = append(args, "advice", "this is a proxy's address, which all its visitors share; set web.trusted_proxies")
	}
	s.opt.Log.Warn("login failed", args...)
	return false, wait
}

// refuse answers an address that is over its limit.
func (s *Server) refuse(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", retryAfter(wait))
	http.Error(w, fmt.Sprintf("too many wrong passwords from your address; try again in %s s", retryAfter(wait)), http.StatusTooManyRequests)
}

// retryAfter is a wait in whole seconds, rounded up.
func retryAfter(wait time.Duration) string { return strconv.Itoa(int(math.Ceil(wait.Seconds()))) }

// known compares in constant time.
func (s *Server) known(password string) bool {
	a, b := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(s.opt.Password))
	return s.opt.Password != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// metrics are for who sends the password. A program on this machine needs none, unless others reach brandmelder by a public address: then a
// proxy on this machine is a peer on loopback too, and may not say that it is one.
func (s *Server) metrics(next http.Handler) http.Handler {
	public, err := url.Parse(s.opt.PublicURL)
	alone := err == nil && (public.Host == "" || LoopbackHost(public.Host))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.opt.Password != "" && !(alone && fromHere(r)) {
			ok, wait := s.bearer(r)
			if wait > 0 {
				s.refuse(w, wait)
				return
			}
			if !ok {
				http.Error(w, "send web.password_file's password as a bearer token", http.StatusUnauthorized)
				return
			}
		}
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
		alert.ErrUnconfirmed, http.StatusConflict, "This draft says what no approved text says. Confirm each part that is listed below it, or take it out.",
		"Dieser Entwurf sagt, was kein freigegebener Text sagt. Bestätigen Sie jede Stelle, die darunter steht, oder nehmen Sie sie heraus.",
	},
	{alert.ErrLongText, http.StatusBadRequest, "This text is too long: a draft has at most 20,000 characters.", "Dieser Text ist zu lang: ein Entwurf hat höchstens 20.000 Zeichen."},
	{alert.ErrBadLink, http.StatusForbidden, "This link is not valid, or has run out.", "Dieser Link gilt nicht oder ist abgelaufen."},
	{errStoreSilent, http.StatusServiceUnavailable, "This cannot be read now.", "Das ist jetzt nicht lesbar."},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "The store took too long for this page. Try again in a minute.", "Der Speicher brauchte zu lange für diese Seite. Versuchen Sie es in einer Minute wieder."},
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

func (s *Server) loginPage(w http.ResponseWriter, r *http.Request) error {
	if s.opt.Password == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	return s.show(w, r, "login", http.StatusOK, map[string]any{"Title": s.t("Log in", "Anmelden")})
}

func (s *Server) loginPost(w http.ResponseWriter, r *http.Request) error {
	if s.opt.Password == "" || s.sessions.GetBool(r.Context(), "in") { // nothing to check: guesses of others do not reach who is in
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxLogin)
	ok, wait := s.login(r, "form", r.PostFormValue("password"))
	if wait > 0 {
		w.Header().Set("Retry-After", retryAfter(wait))
		return s.show(w, r, "login", http.StatusTooManyRequests, map[string]any{"Title": fmt.Sprintf(s.t(
			"Too many wrong passwords from your address. Try again in %s s.", "Zu viele falsche Passwörter von Ihrer Adresse. Versuchen Sie es in %s s wieder."), retryAfter(wait))})
	}
	if !ok {
		return s.show(w, r, "login", http.StatusForbidden, map[string]any{"Title": s.t("That is not the password.", "Das ist nicht das Passwort.")})
	}
	if err := s.sessions.RenewToken(r.Context()); err != nil {
		return err
	}
	s.sessions.Put(r.Context(), "in", true)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// call opens a call's link: it says who comes, and changes nothing, since mail programs open links by themselves.
func (s *Server) call(w http.ResponseWriter, r *http.Request) error {
	pass, err := s.opt.Links.Open(r.PathValue("token"), time.Now())
	if err != nil {
		return err
	}
	if err := s.sessions.RenewToken(r.Context()); err != nil {
		return err
	}
	s.sessions.Put(r.Context(), personKey, pass.Person)
	http.Redirect(w, r, "/incidents/"+url.PathEscape(pass.Incident), http.StatusSeeOther)
	return nil
}

func (s *Server) topicNames() []string {
	var out []string
	for _, t := range s.opt.Topics {
		out = append(out, t.Name)
	}
	slices.Sort(out)
	return out
}
