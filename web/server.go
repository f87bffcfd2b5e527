package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/store"

	"github.com/alexedwards/scs/v2"
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
	Password  string // whoever knows it may read and tick; "" means that only this machine is served
	PublicURL string
	Metrics   http.Handler
	Now       func() time.Time // the clock of the pages; a demo has its own
	Log       *slog.Logger
	Hooks     http.Handler // takes what others push to /hooks/, which it asks for a signature itself; nil for none
	Note      string       // a line on every page: that this is a demo
	Bare      bool         // no pages: only /healthz, /readyz and /metrics, for processes that leave the pages to others
}

// Server is the pages.
type Server struct {
	opt      Options
	actions  *alert.Actions
	sessions *scs.SessionManager
	pages    map[string]*template.Template
	login    *rate.Limiter
	handler  http.Handler
}

// New makes the pages.
func New(opt Options) (*Server, error) {
	s := &Server{opt: opt, actions: &alert.Actions{Desk: opt.Desk, Store: opt.Store, Now: opt.Now}, sessions: scs.New(), login: rate.NewLimiter(rate.Every(2*time.Second), 5)}
	s.sessions.Lifetime = 14 * 24 * time.Hour
	s.sessions.Cookie.Name = "brandmelder"
	s.sessions.Cookie.SameSite = http.SameSiteLaxMode
	s.sessions.Cookie.Secure = strings.HasPrefix(opt.PublicURL, "https:")
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
	s.handler = s.secure(http.NewCrossOriginProtection().Handler(mux))
	return s, nil
}

// routes adds the pages and the API.
func (s *Server) routes(mux *http.ServeMux) error {
	static, err := fs.Sub(files, "static")
	if err != nil {
		return err
	}
	page := func(pattern string, h func(*Server, http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, s.sessions.LoadAndSave(s.guard(func(w http.ResponseWriter, r *http.Request) {
			if err := h(s, w, r); err != nil {
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

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// secure sets what every answer carries, bounds what is read, and refuses names that are not ours: a page elsewhere must not reach us under
// its own name (DNS rebinding).
func (s *Server) secure(next http.Handler) http.Handler {
	public, _ := url.Parse(s.opt.PublicURL)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		host = strings.Trim(host, "[]")
		ip := net.ParseIP(host)
		if s.opt.Password == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) && (public == nil || host != public.Hostname()) {
			http.Error(w, "this name is not mine; set web.public_url in the configuration", http.StatusMisdirectedRequest)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

const maxBody = 8 << 20

func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		next.ServeHTTP(w, r)
	})
}

// guard lets in whoever logged in, came by a call's link, or sends the password as a bearer token.
func (s *Server) guard(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.opt.Password == "", s.sessions.GetBool(r.Context(), "in"), s.person(r) != "", s.bearer(r):
			next(w, r)
		case strings.HasPrefix(r.URL.Path, "/api/"):
			http.Error(w, `{"error":"send the password as: Authorization: Bearer …"}`, http.StatusUnauthorized)
		default:
			http.Redirect(w, r, "/login", http.StatusSeeOther)
		}
	})
}

func (s *Server) bearer(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && s.known(token)
}

func (s *Server) known(password string) bool {
	a, b := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(s.opt.Password))
	return s.opt.Password != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// metrics are for this machine, or for who sends the password.
func (s *Server) metrics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		if ip := net.ParseIP(host); s.opt.Password != "" && (ip == nil || !ip.IsLoopback()) && !s.bearer(r) {
			http.Error(w, "send web.password_file's password as a bearer token", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ready says whether the store answers.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if _, err := s.opt.Store.After(ctx, "", 1); err != nil {
		s.opt.Log.Warn("not ready", "error", err)
		http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}

// person is who the visitor is, by the link of a call; "" for a reader.
func (s *Server) person(r *http.Request) string { return s.sessions.GetString(r.Context(), "person") }

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
	{store.ErrConflict, http.StatusConflict, "Somebody else was faster. Look again and repeat it.", "Jemand war schneller. Sehen Sie nach und wiederholen Sie es."},
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	for _, c := range codes {
		if errors.Is(err, c.err) {
			_ = s.show(w, r, "error", c.code, map[string]any{"Title": s.t(c.en, c.de)})
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
	if !s.login.Allow() {
		return s.show(w, r, "login", http.StatusTooManyRequests, map[string]any{"Title": s.t("Too many tries. Wait a little.", "Zu viele Versuche. Warten Sie ein wenig.")})
	}
	if !s.known(r.PostFormValue("password")) {
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
	s.sessions.Put(r.Context(), "person", pass.Person)
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
