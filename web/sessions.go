package web

import (
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
)

// sessionsEach is how many sessions one person, or all who know the password together, may have; a new one ends
// the oldest. Whoever holds a link could otherwise open it until the memory is full.
const sessionsEach = 1000

// sessions keeps logins in memory; a restart ends them. It forgets old ones as new ones come, so it needs no
// goroutine.
type sessions struct {
	mu    sync.Mutex
	items map[string]session  // by token
	of    map[string][]string // tokens of an owner, the oldest first
}

type session struct {
	owner string
	data  []byte
	until time.Time
}

// personKey is where a session keeps whose call's link was opened.
const personKey = "person"

// sessionLifetime is how long a login lasts.
const sessionLifetime = 14 * 24 * time.Hour

// newSessionManager makes the manager of sessions. Scripts cannot read its cookie, forms of other sites do not
// send it, and with secure it only travels encrypted.
func newSessionManager(secure bool, log *slog.Logger) *scs.SessionManager {
	return &scs.SessionManager{ // scs.New would start a goroutine that nothing ends
		Lifetime: sessionLifetime, Store: newSessions(), Codec: scs.GobCodec{},
		Cookie: scs.SessionCookie{
			Name: "brandmelder", Path: "/", Persist: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure,
		},
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, err error) {
			log.Error("session", "error", err)
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		},
	}
}

var _ scs.Store = (*sessions)(nil)

func newSessions() *sessions {
	return &sessions{items: map[string]session{}, of: map[string][]string{}}
}

// Find returns the session's data; expired ones are not found.
func (s *sessions) Find(token string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it, ok := s.items[token]
	if !ok || time.Now().After(it.until) {
		return nil, false, nil
	}
	return it.data, true, nil
}

// Commit saves a session, and ends its owner's expired and surplus ones.
func (s *sessions) Commit(token string, data []byte, until time.Time) error {
	_, values, err := scs.GobCodec{}.Decode(data)
	if err != nil {
		return err
	}
	owner, _ := values[personKey].(string)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(token)
	for len(s.of[owner]) > 0 {
		oldest := s.of[owner][0]
		if len(s.of[owner]) < sessionsEach && time.Now().Before(s.items[oldest].until) {
			break
		}
		s.drop(oldest)
	}
	s.items[token] = session{owner, data, until}
	s.of[owner] = append(s.of[owner], token)
	return nil
}

// Delete ends a session.
func (s *sessions) Delete(token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(token)
	return nil
}

func (s *sessions) drop(token string) {
	it, ok := s.items[token]
	if !ok {
		return
	}
	delete(s.items, token)
	s.of[it.owner] = slices.DeleteFunc(s.of[it.owner], func(t string) bool { return t == token })
	if len(s.of[it.owner]) == 0 {
		delete(s.of, it.owner)
	}
}
