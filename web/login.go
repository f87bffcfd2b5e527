package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxLogin is how many bytes the form of the login may have: anybody may send it.
const maxLogin = 64 << 10

// Log lines about failed logins: somebody who guesses must not fill the disk.
const (
	failureLogEvery = 10 * time.Second
	failureLogBurst = 10
)

// guard lets in whoever logged in, came by a call's link, or sends the password as a bearer token. A session is
// asked for first: guesses of others never affect it.
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

// bearer reports whether the request carries the password, or how long its address has to wait until it may try
// again.
func (s *Server) bearer(r *http.Request) (ok bool, wait time.Duration) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return false, 0
	}
	return s.login(r, "bearer", token)
}

// theAccount is the only one there is: of all who know the password.
const theAccount = ""

// login checks a password that came by a form or as a bearer token. Failures are limited by address, counted, and
// logged without the password.
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
	text := fmt.Sprintf("too many wrong passwords from your address; try again in %s s", retryAfter(wait))
	http.Error(w, text, http.StatusTooManyRequests)
}

// retryAfter is a wait in whole seconds, rounded up.
func retryAfter(wait time.Duration) string { return strconv.Itoa(int(math.Ceil(wait.Seconds()))) }

// known compares in constant time.
func (s *Server) known(password string) bool {
	a, b := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(s.opt.Password))
	return s.opt.Password != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// metrics are for who sends the password. A program on this machine needs none, unless others reach brandmelder by
// a public address: then a proxy on this machine is a peer on loopback too, and may not say that it is one.
func (s *Server) metrics(next http.Handler) http.Handler {
	public, err := url.Parse(s.opt.PublicURL)
	alone := err == nil && (public.Host == "" || LoopbackHost(public.Host))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.opt.Password != "" && (!alone || !fromHere(r)) {
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

func (s *Server) loginPage(w http.ResponseWriter, r *http.Request) error {
	if s.opt.Password == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	return s.show(w, r, "login", http.StatusOK, map[string]any{"Title": s.words(r).T("login.title")})
}

func (s *Server) loginPost(w http.ResponseWriter, r *http.Request) error {
	if s.opt.Password == "" || s.sessions.GetBool(r.Context(), "in") { // there is nothing to check
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxLogin)
	ok, wait := s.login(r, "form", r.PostFormValue("password"))
	if wait > 0 {
		w.Header().Set("Retry-After", retryAfter(wait))
		title := s.words(r).T("login.wait", "Seconds", retryAfter(wait))
		return s.show(w, r, "login", http.StatusTooManyRequests, map[string]any{"Title": title})
	}
	if !ok {
		title := s.words(r).T("login.wrong")
		return s.show(w, r, "login", http.StatusForbidden, map[string]any{"Title": title})
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
