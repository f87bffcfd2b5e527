package access

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"brandmelder/store"
)

// Store is what the package reads and writes.
type Store interface {
	store.Users
	store.Tokens
	store.Sessions
}

// Gate lets visitors in, and says who they are. Its fields are set before it is used.
type Gate struct {
	Store  Store
	Links  Links
	Shared string // the password of web.password_file; "" for none
	Now    func() time.Time

	// Person reports whether people.yaml has the person.
	Person func(id string) bool
	// ClosedFor returns how long ago the incident was closed, 0 while it is open, or store.ErrNotFound.
	ClosedFor func(ctx context.Context, incident string) (time.Duration, error)
}

// known reports whether the person may still come in; true for nobody in particular.
func (g *Gate) known(person string) bool { return person == "" || g.Person(person) }

// HasUsers reports whether there are users.
func (g *Gate) HasUsers(ctx context.Context) (bool, error) {
	us, err := g.Store.ListUsers(ctx)
	return len(us) > 0, err
}

// Lifetimes of a session.
const (
	SessionLife = 14 * 24 * time.Hour // from its beginning
	sessionIdle = 3 * 24 * time.Hour  // from its last request
	touchEvery  = 5 * time.Minute     // Seen is saved no more often
)

// Owners of sessions that are no user's.
const (
	ownerShared = "shared"
	ownerLocal  = "local"
)

// OwnerOf names the owner of a user's sessions.
func OwnerOf(user string) string { return "user:" + user }

// SignIn checks a user's password, and returns the secret of a new session. The error wraps ErrSignIn if there is no
// such user or it is not the password.
func (g *Gate) SignIn(ctx context.Context, name, password string) (secret string, err error) {
	u, err := g.Store.User(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		_, err := checkPassword(ctx, nobody, password)
		return "", errors.Join(fmt.Errorf("user: %w", ErrSignIn), err)
	}
	if err != nil {
		return "", err
	}
	ok, err := checkPassword(ctx, u.Password, password)
	if err != nil {
		return "", fmt.Errorf("user %s: %w", name, err)
	}
	if !ok || !g.known(u.Person) {
		return "", fmt.Errorf("user: %w", ErrSignIn)
	}
	return g.begin(ctx, store.Session{Owner: OwnerOf(name), By: string(ByPassword), User: name, Stamp: u.Stamp})
}

// IsShared reports whether it is the shared password, in constant time.
func (g *Gate) IsShared(password string) bool {
	a, b := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(g.Shared))
	return g.Shared != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// SharedPrincipal is who knows the shared password: a viewer.
func SharedPrincipal() Principal { return Principal{Roles: []Role{Viewer}, By: ByShared} }

// SignInShared returns the secret of a new session of somebody who knows the shared password.
func (g *Gate) SignInShared(ctx context.Context) (secret string, err error) {
	return g.begin(ctx, store.Session{Owner: ownerShared, By: string(ByShared), Stamp: g.sharedStamp()})
}

// sharedStamp changes with the shared password, and is too short to find the password by it.
func (g *Gate) sharedStamp() string {
	h := hmac.New(sha256.New, g.Links.Key)
	h.Write([]byte("shared password " + g.Shared))
	return hex.EncodeToString(h.Sum(nil)[:4])
}

// SignInLocal returns the secret of a new session of the person at this machine. The error wraps ErrSignIn if there are
// users: then these sign in.
func (g *Gate) SignInLocal(ctx context.Context) (secret string, err error) {
	if has, err := g.HasUsers(ctx); has || err != nil {
		return "", errors.Join(fmt.Errorf("on this machine: %w", ErrSignIn), err)
	}
	return g.begin(ctx, store.Session{Owner: ownerLocal, By: string(ByLocal)})
}

// Open returns what a link says. The error is ErrLink if the link is not valid or void.
func (g *Gate) Open(ctx context.Context, token string) (Link, error) {
	link, err := g.Links.Read(token, g.Now())
	if err != nil {
		return link, err
	}
	return link, g.void(ctx, link.Person, link.Incident)
}

// void returns ErrLink if a link to that incident is void for that person.
func (g *Gate) void(ctx context.Context, person, incident string) error {
	if !g.Person(person) {
		return ErrLink
	}
	closed, err := g.ClosedFor(ctx, incident)
	if errors.Is(err, store.ErrNotFound) || closed > closedLife {
		return ErrLink
	}
	return err
}

// SignInByLink returns the secret of a new session of who has the link.
func (g *Gate) SignInByLink(ctx context.Context, token string) (secret string, link Link, err error) {
	if link, err = g.Open(ctx, token); err != nil {
		return "", link, err
	}
	secret, err = g.begin(ctx, store.Session{
		Owner: "person:" + link.Person, By: string(ByLink), Person: link.Person, Incident: link.Incident, Role: string(link.Role),
		Until: time.Unix(link.Until, 0).UTC(),
	})
	return secret, link, err
}

// begin keeps a session and returns its secret. It lasts no longer than its Until, if that is set.
func (g *Gate) begin(ctx context.Context, s store.Session) (secret string, err error) {
	if secret, err = secretText(); err != nil {
		return "", err
	}
	now := g.Now().UTC()
	s.Hash, s.Began, s.Seen = hashSecret(secret), now, now
	if end := now.Add(SessionLife); s.Until.IsZero() || end.Before(s.Until) {
		s.Until = end
	}
	return secret, g.Store.AddSession(ctx, s)
}

// Session returns the principal of a session. The error wraps ErrSignIn if the session is over, or what it came from is
// no longer valid.
func (g *Gate) Session(ctx context.Context, secret string) (Principal, error) {
	s, err := g.Store.Session(ctx, hashSecret(secret))
	if errors.Is(err, store.ErrNotFound) {
		return Principal{}, fmt.Errorf("session: %w", ErrSignIn)
	}
	if err != nil {
		return Principal{}, err
	}
	now := g.Now()
	if !now.Before(s.Until) || now.Sub(s.Seen) > sessionIdle {
		return Principal{}, fmt.Errorf("session: its time is over: %w", ErrSignIn)
	}
	p, err := g.of(ctx, s)
	if err != nil {
		return Principal{}, err
	}
	if now.Sub(s.Seen) > touchEvery {
		_ = g.Store.TouchSession(ctx, s.Hash, now) // people read the pages also while the store takes no writes
	}
	return p, nil
}

// of returns the principal of a session whose time is not over.
func (g *Gate) of(ctx context.Context, s store.Session) (Principal, error) {
	over := func(why string) (Principal, error) {
		return Principal{}, fmt.Errorf("session: %s: %w", why, ErrSignIn)
	}
	switch Method(s.By) {
	case ByPassword:
		u, err := g.Store.User(ctx, s.User)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return over("its user was removed")
		case err != nil:
			return Principal{}, err
		case u.Stamp != s.Stamp:
			return over("it was revoked")
		case !g.known(u.Person):
			return over("its user's person is not in people.yaml")
		}
		p := Principal{Person: u.Person, Name: u.Name, By: ByPassword}
		for _, r := range u.Roles {
			p.Roles = append(p.Roles, Role(r))
		}
		return p, nil
	case ByShared:
		if g.Shared == "" || s.Stamp != g.sharedStamp() {
			return over("the shared password was changed")
		}
		return SharedPrincipal(), nil
	case ByLink:
		switch err := g.void(ctx, s.Person, s.Incident); {
		case errors.Is(err, ErrLink):
			return over("its link is void")
		case err != nil:
			return Principal{}, err
		}
		return Principal{Person: s.Person, Roles: []Role{Role(s.Role)}, By: ByLink, Incident: s.Incident}, nil
	case ByLocal:
		switch has, err := g.HasUsers(ctx); {
		case err != nil:
			return Principal{}, err
		case has:
			return over("there are users now")
		}
		return Principal{Roles: []Role{Admin, Owner}, By: ByLocal}, nil
	}
	return over("it began in an unknown way")
}

// SignOut ends the session, and with all those of the same owner too.
func (g *Gate) SignOut(ctx context.Context, secret string, all bool) error {
	s, err := g.Store.Session(ctx, hashSecret(secret))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	// All who know the shared password are one owner: none of them signs the others out.
	if all && Method(s.By) != ByShared {
		_, err = g.Store.EndSessions(ctx, s.Owner)
	} else {
		_, err = g.Store.EndSessions(ctx, s.Owner, s.Hash)
	}
	return err
}
