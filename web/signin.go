package web

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"brandmelder/access"
)

// Limits of the form of the sign-in: anybody may send it.
const (
	maxLogin = 64 << 10 // bytes
	maxName  = 64       // bytes of a user's name that are counted by
)

// Log lines about failed sign-ins: somebody who guesses must not fill the disk.
const (
	failureLogEvery = 10 * time.Second
	failureLogBurst = 10
)

// waitError is for an address that is over its limit of wrong passwords.
type waitError struct{ wait time.Duration }

func (e *waitError) Error() string {
	return fmt.Sprintf("too many wrong passwords from your address; try again in %s s", retryAfter(e.wait))
}

// retryAfter is a wait in whole seconds, rounded up.
func retryAfter(wait time.Duration) string { return strconv.Itoa(int(math.Ceil(wait.Seconds()))) }

// bearer returns who sends an API token or the shared password; the zero value if neither is right. Wrong tokens count
// against no limit: nobody can guess one, and a program with an old one must not keep the others of its address out.
func (s *Server) bearer(r *http.Request, secret string) (access.Principal, error) {
	if access.IsToken(secret) {
		p, err := s.gate.Token(r.Context(), secret)
		if errors.Is(err, access.ErrSignIn) {
			s.failed(r, "token", outcomeWrong)
			return access.Principal{}, nil
		}
		return p, err
	}
	ok, err := s.try(r, "bearer", "", func() error { return s.shared(secret) })
	if ok {
		return access.SharedPrincipal(), nil
	}
	return access.Principal{}, err
}

// shared returns access.ErrSignIn unless it is the shared password.
func (s *Server) shared(password string) error {
	if !s.gate.IsShared(password) {
		return access.ErrSignIn
	}
	return nil
}

// try asks check, which returns access.ErrSignIn for a wrong password of the account. Failures are limited by address
// and account, counted, and logged without the password. The error is a *waitError over the limit.
func (s *Server) try(r *http.Request, by, account string, check func() error) (ok bool, err error) {
	ok, wait, err := s.guesses.try(account[:min(len(account), maxName)], s.visitor(r), func() (bool, error) {
		switch err := check(); {
		case errors.Is(err, access.ErrSignIn):
			return false, nil
		default:
			return err == nil, err
		}
	})
	switch {
	case ok || err != nil:
		return ok, err
	case wait > 0:
		s.failed(r, by, outcomeRefused)
		return false, &waitError{wait}
	}
	s.failed(r, by, outcomeWrong)
	return false, nil
}

// failed counts and logs a sign-in that failed.
func (s *Server) failed(r *http.Request, by, outcome string) {
	s.failures.WithLabelValues(outcome).Inc()
	if !s.failureLog.Allow() {
		s.untold.Add(1)
		return
	}
	from := s.visitor(r)
	args := []any{"address", from.String(), "by", by, "outcome", outcome, "more", s.untold.Swap(0)}
	if proxied(r) && from == peer(r) {
		args = append(args, "advice", "this is a proxy's address, which all its visitors share; set web.trusted_proxies")
	}
	s.opt.Log.Warn("login failed", args...)
}

// signInPage shows the form.
func (s *Server) signInPage(w http.ResponseWriter, r *http.Request) error {
	if s.principal(r).By != "" && s.principal(r).Incident == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	return s.signInForm(w, r, http.StatusOK, s.words(r).T("sign_in.title"))
}

func (s *Server) signInForm(w http.ResponseWriter, r *http.Request, code int, title string) error {
	return s.show(w, r, "sign_in", code, map[string]any{"Title": title, "Shared": s.opt.Password != "", "Closed": s.closed(r.Context())})
}

// signIn takes a user's name and password, or the shared password without a name.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxLogin)
	name, password := strings.ToLower(strings.TrimSpace(r.PostFormValue("user"))), r.PostFormValue("password")
	var secret string
	ok, err := s.try(r, "form", name, func() (err error) {
		if name != "" {
			secret, err = s.gate.SignIn(r.Context(), name, password)
		} else if err = s.shared(password); err == nil {
			secret, err = s.gate.SignInShared(r.Context())
		}
		return err
	})
	var over *waitError
	switch {
	case errors.As(err, &over):
		w.Header().Set("Retry-After", retryAfter(over.wait))
		return s.signInForm(w, r, http.StatusTooManyRequests, s.words(r).T("sign_in.wait", "Seconds", retryAfter(over.wait)))
	case err != nil:
		return err
	case !ok:
		return s.signInForm(w, r, http.StatusForbidden, s.words(r).T("sign_in.wrong"))
	}
	if err := s.begin(w, r, secret, true); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// once is a secret that signs in the person at this machine one time.
type once struct {
	mu     sync.Mutex
	secret string // "" once it was used
}

// take reports whether it is the secret, which is used up then.
func (o *once) take(secret string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.secret == "" || subtle.ConstantTimeCompare([]byte(secret), []byte(o.secret)) != 1 {
		return false
	}
	o.secret = ""
	return true
}

// OneTimePath returns the path of a link that signs in as admin, on this machine, one time, while there are no users.
// The link of an earlier call is void. The path is a secret.
func (s *Server) OneTimePath() string {
	s.once.mu.Lock()
	defer s.once.mu.Unlock()
	s.once.secret = rand.Text()
	return "/sign-in/" + s.once.secret
}

// signInOnce opens the one-time link.
func (s *Server) signInOnce(w http.ResponseWriter, r *http.Request) error {
	if !fromHere(r) || !s.once.take(r.PathValue("once")) {
		return access.ErrLink
	}
	secret, err := s.gate.SignInLocal(r.Context())
	if errors.Is(err, access.ErrSignIn) {
		return access.ErrLink // there are users by now
	}
	if err == nil {
		err = s.begin(w, r, secret, false)
	}
	if err == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
	return err
}

// openLink opens the link of a call. It says who comes and changes nothing else, since mail programs open links by
// themselves. Somebody who is signed in as another one is asked first.
func (s *Server) openLink(w http.ResponseWriter, r *http.Request) error {
	link, err := s.gate.Open(r.Context(), r.PathValue("token"))
	if err != nil {
		return err
	}
	p := s.principal(r)
	switch {
	case p.Person == link.Person && p.Incident == "": // a user's own link: the user may more than the link
		s.arrive(w, r, link)
		return nil
	case p.Person == link.Person || p.By == "" || p.By == access.ByShared || s.isVisitor(p): // replaces nobody
		return s.changeTo(w, r)
	}
	return s.show(w, r, "change", http.StatusOK, map[string]any{"Title": s.words(r).T("change.title"), "Other": link.Person})
}

// isVisitor reports whether this is the identity that everybody on this machine has, as in a demo.
func (s *Server) isVisitor(p access.Principal) bool {
	return p.By == access.ByLocal && s.opt.Visitor.By != ""
}

// changeTo signs the visitor in as the person of the link.
func (s *Server) changeTo(w http.ResponseWriter, r *http.Request) error {
	secret, link, err := s.gate.SignInByLink(r.Context(), r.PathValue("token"))
	if err == nil {
		err = s.begin(w, r, secret, true)
	}
	if err == nil {
		s.arrive(w, r, link)
	}
	return err
}

// arrive leads to the link's incident, and notes in the ledger that its person is there. Who cannot be noted gets in.
func (s *Server) arrive(w http.ResponseWriter, r *http.Request, link access.Link) {
	if err := s.actions.Opened(r.Context(), link.Incident, link.Person); err != nil {
		s.opt.Log.Error("an opened link is not in the ledger of calls", "incident", link.Incident, "person", link.Person, "error", err)
	}
	http.Redirect(w, r, "/incidents/"+url.PathEscape(link.Incident), http.StatusSeeOther)
}

// signOut ends the session; with all=yes all sessions of the same user or person.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := s.end(r, r.PostFormValue("all") == "yes"); err != nil {
		return err
	}
	s.setCookie(w, "", -1)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
	return nil
}
