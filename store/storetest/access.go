package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"brandmelder/store"
)

// wants reports an error that is not the wanted one.
func wants(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

// Of two who change a user at once one is refused, and a name belongs to one user.
func users(t *testing.T, ctx context.Context, s store.Store) {
	same(t, len(get[[]store.User](t)(s.ListUsers(ctx))), 0)
	ben := store.User{Name: "ben", Person: "b", Roles: []string{"owner", "viewer"}, Password: "$argon2id$…", Stamp: "1", Created: t0}
	ann := store.User{Name: "ann", Created: t0}
	must(t, s.SaveUser(ctx, &ben))
	must(t, s.SaveUser(ctx, &ann))
	same(t, ben.Version, 1)
	same(t, get[store.User](t)(s.User(ctx, "ben")), ben)
	same(t, get[[]store.User](t)(s.ListUsers(ctx)), []store.User{ann, ben})
	wants(t, s.SaveUser(ctx, &store.User{Name: "ben", Stamp: "another"}), store.ErrConflict)
	stale := ben
	ben.Roles = []string{"viewer"}
	must(t, s.SaveUser(ctx, &ben))
	stale.Stamp = "2"
	wants(t, s.SaveUser(ctx, &stale), store.ErrConflict)
	same(t, get[store.User](t)(s.User(ctx, "ben")), ben)
	must(t, s.RemoveUser(ctx, "ben"))
	wants(t, s.RemoveUser(ctx, "ben"), store.ErrNotFound)
	wants(t, s.SaveUser(ctx, &ben), store.ErrConflict) // removed is removed
	_, err := s.User(ctx, "ben")
	wants(t, err, store.ErrNotFound)
}

func tokens(t *testing.T, ctx context.Context, s store.Store) {
	b := store.Token{Name: "b", Hash: "00", Scopes: []string{"push"}, Person: "p", Created: t0, Expires: t0.Add(time.Hour)}
	a := store.Token{Name: "a", Hash: "11", Created: t0, Expires: t0}
	must(t, s.AddToken(ctx, b))
	must(t, s.AddToken(ctx, a))
	wants(t, s.AddToken(ctx, store.Token{Name: "b", Hash: "22"}), store.ErrConflict)
	same(t, get[store.Token](t)(s.Token(ctx, "b")), b)
	same(t, get[[]store.Token](t)(s.ListTokens(ctx)), []store.Token{a, b})
	must(t, s.RemoveToken(ctx, "b"))
	wants(t, s.RemoveToken(ctx, "b"), store.ErrNotFound)
	_, err := s.Token(ctx, "b")
	wants(t, err, store.ErrNotFound)
}

// A session that was ended stays ended, also where a request of it is still under way; what is over goes when others
// come, and nobody has more than MaxSessions.
func sessions(t *testing.T, ctx context.Context, s store.Store) {
	session := func(hash, owner string, began time.Duration) store.Session {
		at := t0.Add(began)
		return store.Session{Hash: hash, Owner: owner, By: "password", User: "u", Stamp: "s", Person: "p", Incident: "i", Role: "r", Began: at, Seen: at, Until: at.Add(time.Hour)}
	}
	a, b, other := session("a", "ann", 0), session("b", "ann", time.Second), session("o", "ben", time.Second)
	for _, n := range []store.Session{a, b, other} {
		must(t, s.AddSession(ctx, n))
	}
	same(t, get[store.Session](t)(s.Session(ctx, "a")), a)
	a.Seen = t0.Add(time.Minute)
	must(t, s.TouchSession(ctx, "a", a.Seen))
	same(t, get[store.Session](t)(s.Session(ctx, "a")), a)
	same(t, get[int](t)(s.EndSessions(ctx, "ben", "a")), 0) // not his
	same(t, get[int](t)(s.EndSessions(ctx, "ann", "a")), 1)
	must(t, s.TouchSession(ctx, "a", t0.Add(2*time.Minute)))
	_, err := s.Session(ctx, "a")
	wants(t, err, store.ErrNotFound)
	must(t, s.AddSession(ctx, session("c", "ann", 2*time.Second)))
	same(t, get[int](t)(s.EndSessions(ctx, "ann")), 2)
	same(t, get[int](t)(s.EndSessions(ctx, "ann")), 0)
	same(t, get[store.Session](t)(s.Session(ctx, "o")), other)

	must(t, s.AddSession(ctx, session("late", "cem", 2*time.Hour)))
	_, err = s.Session(ctx, "o")
	wants(t, err, store.ErrNotFound)
	same(t, get[int](t)(s.EndSessions(ctx, "ben")), 0)

	for i := range store.MaxSessions + 3 {
		must(t, s.AddSession(ctx, session(fmt.Sprint(i), "many", 2*time.Hour+time.Duration(i)*time.Millisecond)))
	}
	_, err = s.Session(ctx, "2")
	wants(t, err, store.ErrNotFound)
	same(t, get[store.Session](t)(s.Session(ctx, "3")).Hash, "3")
	same(t, get[store.Session](t)(s.Session(ctx, "late")).Hash, "late")
	same(t, get[int](t)(s.EndSessions(ctx, "many")), store.MaxSessions)
}
