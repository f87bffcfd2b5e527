package access

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A link that was changed, has expired, carries a role that no link has, or was signed with another key opens nothing.
func TestOnlyOurOwnLinksOpen(t *testing.T) {
	h := newHouse(t)
	good := h.link("anna", "a", Responder)
	link := must[Link](t)(h.Open(t.Context(), good))
	if link.Person != "anna" || link.Incident != "a" || link.Role != Responder {
		t.Errorf("got %+v", link)
	}
	for _, bad := range []string{"", ".", "x.y", good + "x", "x" + good, h.link("anna", "a", Admin), h.link("anna", "none", Owner), h.link("zoe", "a", Owner)} {
		if _, err := h.Open(t.Context(), bad); !errors.Is(err, ErrLink) {
			t.Errorf("%s: got %v", bad, err)
		}
	}
	h.Links.Key = append([]byte{1}, h.Links.Key[1:]...)
	if _, err := h.Open(t.Context(), good); !errors.Is(err, ErrLink) {
		t.Errorf("with another key: got %v", err)
	}
	h.Links.Key = make([]byte, 32)
	h.clock = t0.Add(linkLife + time.Second)
	if _, err := h.Open(t.Context(), good); !errors.Is(err, ErrLink) {
		t.Errorf("expired: got %v", err)
	}
	if got := h.Links.Make("", "a b", Owner, t0); got != "https://b.example/incidents/a%20b" {
		t.Errorf("without a person: %s", got)
	}
	if got := (Links{}).Make("anna", "a", Owner, t0); got != "" {
		t.Errorf("without an address: %s", got)
	}
}

// A session of a link ends when its reason ends: the incident was closed for a day, the person left, the link expired.
//
// Fails on 5a11e2e: such a session lasted 14 days, whatever became of the link, the incident and the person.
func TestASessionOfALinkEndsWithItsReason(t *testing.T) {
	anna := Principal{Person: "anna", Roles: []Role{Owner}, By: ByLink, Incident: "a"}
	open := func(h *house) string {
		secret, _, err := h.SignInByLink(t.Context(), h.link("anna", "a", Owner))
		if err != nil {
			t.Fatal(err)
		}
		h.is(secret, anna)
		return secret
	}
	h := newHouse(t)
	secret := open(h)
	h.closed["a"] = t0
	h.clock = t0.Add(23 * time.Hour)
	h.is(secret, anna)
	h.clock = t0.Add(25 * time.Hour)
	h.is(secret, Principal{})
	h.closed["a"] = time.Time{} // reopened
	h.is(secret, anna)
	delete(h.closed, "a")
	h.is(secret, Principal{})

	h = newHouse(t)
	secret = open(h)
	h.people = []string{"ben"}
	h.is(secret, Principal{})

	h = newHouse(t)
	token := h.link("anna", "a", Owner)
	h.clock = t0.Add(linkLife - time.Hour)
	secret, _, err := h.SignInByLink(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	h.is(secret, anna)
	h.clock = t0.Add(linkLife)
	h.is(secret, Principal{})
}

// A user comes in with the password alone. What is changed of the user counts at the next request.
func TestAUsersSessionFollowsTheUser(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	u := h.add("anna", "anna", Owner)
	for name, word := range map[string]string{"anna": "wrong", "nobody": password, "": ""} {
		if secret, err := h.SignIn(ctx, name, word); !errors.Is(err, ErrSignIn) || secret != "" {
			t.Errorf("%s: got %q, %v", name, secret, err)
		}
	}
	secret := must[string](t)(h.SignIn(ctx, "anna", password))
	want := Principal{Person: "anna", Name: "anna", Roles: []Role{Owner}, By: ByPassword}
	h.is(secret, want)
	h.is(secret+"x", Principal{})
	h.is("", Principal{})
	if err := SetRoles(&u, []Role{Viewer}); err != nil {
		t.Fatal(err)
	}
	if err := h.Store.SaveUser(ctx, &u); err != nil {
		t.Fatal(err)
	}
	want.Roles = []Role{Viewer}
	h.is(secret, want)
	h.people = nil
	h.is(secret, Principal{})
	if _, err := h.SignIn(ctx, "anna", password); !errors.Is(err, ErrSignIn) {
		t.Errorf("a user whose person left: %v", err)
	}
	h.people = []string{"anna"}
	VoidSessions(&u)
	if err := h.Store.SaveUser(ctx, &u); err != nil {
		t.Fatal(err)
	}
	h.is(secret, Principal{})
	secret = must[string](t)(h.SignIn(ctx, "anna", password))
	if err := h.Store.RemoveUser(ctx, "anna"); err != nil {
		t.Fatal(err)
	}
	h.is(secret, Principal{})
	h.add("anna", "anna", Owner)
	h.is(secret, Principal{}) // of another anna
}

// A session that is used lasts until its end, one that is not used ends sooner.
func TestASessionEndsUnusedAndInTheEnd(t *testing.T) {
	h := newHouse(t)
	h.add("ben", "", Viewer)
	ben := Principal{Name: "ben", Roles: []Role{Viewer}, By: ByPassword}
	used, unused := must[string](t)(h.SignIn(t.Context(), "ben", password)), must[string](t)(h.SignIn(t.Context(), "ben", password))
	for range 6 {
		h.clock = h.clock.Add(2 * 24 * time.Hour)
		h.is(used, ben)
	}
	h.is(unused, Principal{})
	h.clock = t0.Add(SessionLife)
	h.is(used, Principal{})
}

// Signing out ends one session, or all of the same owner; of a shared password only the own one.
func TestSigningOutEndsOneSessionOrAll(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	h.add("ben", "", Viewer)
	in := func() string { t.Helper(); return must[string](t)(h.SignIn(ctx, "ben", password)) }
	ben := Principal{Name: "ben", Roles: []Role{Viewer}, By: ByPassword}
	out := func(secret string, all bool) {
		t.Helper()
		if err := h.SignOut(ctx, secret, all); err != nil {
			t.Error(err)
		}
	}
	a, b, c := in(), in(), in()
	out(a, false)
	h.is(a, Principal{})
	h.is(b, ben)
	out(b, true)
	h.is(b, Principal{})
	h.is(c, Principal{})
	out(c, true)
	one, two := must[string](t)(h.SignInShared(ctx)), must[string](t)(h.SignInShared(ctx))
	out(one, true)
	h.is(one, Principal{})
	h.is(two, SharedPrincipal())
	h.Shared = "another shared secret"
	h.is(two, Principal{})
	h.Shared = ""
	h.is(two, Principal{})
	if h.IsShared("") {
		t.Error("no shared password is known to everybody")
	}
}

// The person at the machine runs it until there are users.
func TestTheLocalSessionEndsWithTheFirstUser(t *testing.T) {
	h := newHouse(t)
	secret := must[string](t)(h.SignInLocal(t.Context()))
	h.is(secret, Principal{Roles: []Role{Admin, Owner}, By: ByLocal})
	h.add("ben", "", Viewer)
	h.is(secret, Principal{})
	if _, err := h.SignInLocal(t.Context()); !errors.Is(err, ErrSignIn) {
		t.Errorf("got %v", err)
	}
}

// A token is valid until it expires or is revoked, and while its person is known. Of its secret only a hash is stored.
func TestATokenIsValidUntilItIsNot(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	secret, tok, err := NewToken("prom", []Scope{ScopeMetrics, ScopeRead}, "anna", t0, t0.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(tok.Hash, secret) || len(secret) < 43 || !IsToken(secret) {
		t.Errorf("got %s, %+v", secret, tok)
	}
	if err := h.Store.AddToken(ctx, tok); err != nil {
		t.Fatal(err)
	}
	is := func(secret string, valid bool) {
		t.Helper()
		want := Principal{}
		if valid {
			want = Principal{Person: "anna", Name: "prom", By: ByToken, Scopes: []Scope{ScopeMetrics, ScopeRead}}
		}
		got, err := h.Token(ctx, secret)
		if d := cmp.Diff(want, got); d != "" || valid == errors.Is(err, ErrSignIn) {
			t.Errorf("%v %s", err, d)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the secret is in the error: %v", err)
		}
	}
	is(secret, true)
	is(secret[:len(secret)-1], false)
	is("bm_none~"+secret[8:], false)
	h.people = nil
	is(secret, false)
	h.people = []string{"anna"}
	h.clock = t0.Add(time.Hour)
	is(secret, false)
	h.clock = t0
	if err := h.Store.RemoveToken(ctx, "prom"); err != nil {
		t.Fatal(err)
	}
	is(secret, false)
	for _, bad := range []string{"", "bm_", "bm_~", "bm_A~x", password, "xx_prom~y"} {
		if IsToken(bad) {
			t.Errorf("%q is a token", bad)
		}
	}
}
