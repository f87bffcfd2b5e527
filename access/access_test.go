package access

import (
	"context"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"brandmelder/store"
	"brandmelder/store/sqlite"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite docs/roles.md")

var t0 = time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC)

const password = "correct horse battery staple"

// cheap is the password's hash with parameters that take no time.
const cheap = "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$aq42HBL+IPAitHspChw/8mx5JRX2jFDkTmlsBskwH/0"

// house is a gate whose clock, people and closed incidents the test holds.
type house struct {
	*Gate
	t      *testing.T
	clock  time.Time
	people []string
	closed map[string]time.Time
}

func newHouse(t *testing.T) *house {
	t.Helper()
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	h := &house{t: t, clock: t0, people: []string{"anna", "ben"}, closed: map[string]time.Time{"a": {}, "b": {}}}
	h.Gate = &Gate{
		Store: st, Links: Links{Key: make([]byte, 32), URL: "https://b.example"}, Shared: "shared secret words",
		Now: func() time.Time { return h.clock }, Person: func(id string) bool { return slices.Contains(h.people, id) },
		ClosedFor: func(_ context.Context, id string) (time.Duration, error) {
			at, ok := h.closed[id]
			switch {
			case !ok:
				return 0, store.ErrNotFound
			case at.IsZero():
				return 0, nil
			}
			return h.clock.Sub(at), nil
		},
	}
	return h
}

func (h *house) add(name, person string, roles ...Role) store.User {
	h.t.Helper()
	u := store.User{Name: name, Person: person, Password: cheap, Created: h.clock}
	VoidSessions(&u)
	err := SetRoles(&u, roles)
	if err == nil {
		err = h.Store.SaveUser(h.t.Context(), &u)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return u
}

func (h *house) link(person, incident string, role Role) string {
	_, token, _ := strings.Cut(h.Links.Make(person, incident, role, h.clock), "/call/")
	return token
}

// is checks whom a session's secret lets in; a zero principal for nobody.
func (h *house) is(secret string, want Principal) {
	h.t.Helper()
	got, err := h.Session(h.t.Context(), secret)
	if d := cmp.Diff(want, got); d != "" {
		h.t.Errorf("want -, got +:\n%s", d)
	}
	if (want.By == "") != errors.Is(err, ErrSignIn) {
		h.t.Errorf("got %v", err)
	}
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// docs/roles.md says what the table says.
func TestTheRolesPageIsTheTable(t *testing.T) {
	const page = "../docs/roles.md"
	if *update {
		if err := os.WriteFile(page, []byte(Document()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := must[[]byte](t)(os.ReadFile(page))
	if d := cmp.Diff(Document(), string(got)); d != "" {
		t.Errorf("run: go test ./access -update\n%s", d)
	}
}

// Each action of a role or scope is among the actions, and each action is somebody's.
func TestTheTableKnowsEveryAction(t *testing.T) {
	all, given := Actions(), map[Action]bool{}
	for r, as := range roleActions {
		if !slices.Contains(Roles, r) {
			t.Errorf("role %s is not listed", r)
		}
		for _, a := range as {
			given[a] = true
		}
	}
	for s, as := range scopeActions {
		if !slices.Contains(Scopes, s) {
			t.Errorf("scope %s is not listed", s)
		}
		for _, a := range as {
			given[a] = true
		}
		if s.May(ApproveStatement) {
			t.Errorf("scope %s approves", s)
		}
	}
	for _, a := range all {
		if !given[a] {
			t.Errorf("nobody may %s", a)
		}
	}
	if len(given) != len(all) {
		t.Errorf("%d actions are given, %d are listed", len(given), len(all))
	}
}

// A link is for one incident, whatever its role; without an identity nothing is allowed.
func TestALinkActsInItsOwnIncidentAlone(t *testing.T) {
	p := Principal{Person: "anna", Roles: []Role{Owner}, By: ByLink, Incident: "a"}
	for _, a := range Actions() {
		own, other, none := p.May(a, "a"), p.May(a, "b"), p.May(a, "")
		if r := reachOf(a); r != ofNone && (other == nil || none == nil) || r == ofMany && own == nil {
			t.Errorf("%s: own %v, other %v, none %v", a, own, other, none)
		}
		if err := (Principal{Roles: Roles, Incident: "a"}).May(a, "a"); !errors.Is(err, ErrSignIn) {
			t.Errorf("%s without an identity: %v", a, err)
		}
	}
	if err := p.May(ApproveStatement, "a"); err != nil {
		t.Error(err)
	}
	if err := p.May(ApproveStatement, "b"); !errors.Is(err, ErrForbidden) {
		t.Errorf("got %v", err)
	}
	if (Principal{Roles: []Role{Admin}, By: ByLink}).May(ReadIncident, "") == nil {
		t.Error("a link without an incident reads")
	}
	if (Principal{Roles: Roles, By: ByPassword}).May("invented", "") == nil {
		t.Error("an unknown action is allowed")
	}
}

// No account passes for a person: its deeds are recorded under its own kind of name.
func TestOnlyAPersonActsUnderAPersonsName(t *testing.T) {
	for want, p := range map[string]Principal{
		"anna":       {Person: "anna", Name: "x", By: ByPassword},
		"user:anna":  {Name: "anna", By: ByPassword},
		"token:anna": {Name: "anna", By: ByToken},
		"desk":       {By: ByShared},
	} {
		if got := p.Actor(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// What is wrong with a user or token is said before anything is stored.
func TestWrongUsersAndTokensAreRefused(t *testing.T) {
	ctx := t.Context()
	for _, c := range []struct {
		name, word string
		roles      []Role
		want       string
	}{
		{"Anna", password, []Role{Viewer}, "small letters"},
		{"a b", password, []Role{Viewer}, "small letters"},
		{strings.Repeat("a", 64), password, []Role{Viewer}, "small letters"},
		{"a", "short", []Role{Viewer}, "at least 12"},
		{"a", strings.Repeat("x", 1001), []Role{Viewer}, "at most 1000"},
		{"a", password, nil, "has a role"},
		{"a", password, []Role{"boss"}, `no role "boss"`},
	} {
		if _, err := NewUser(ctx, c.name, "", c.word, c.roles, t0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v", c, err)
		}
	}
	for _, c := range []struct {
		name   string
		scopes []Scope
		want   string
	}{{"~", []Scope{ScopeRead}, "small letters"}, {"a", nil, "no scope"}, {"a", []Scope{"all"}, `no scope "all"`}} {
		if _, _, err := NewToken(c.name, c.scopes, "", t0, t0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

// A hash has the parameters of RFC 9106 in PHC string format. One that asks for more than the machine has is not
// computed, and neither is one that is broken.
func TestAHashNamesItsParameters(t *testing.T) {
	ctx := t.Context()
	hash := must[string](t)(HashPassword(ctx, password))
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=65536,t=3,p=4$") {
		t.Errorf("got %s", hash)
	}
	for word, want := range map[string]bool{password: true, "wrong": false, strings.Repeat("x", 5000): false} {
		if got := must[bool](t)(checkPassword(ctx, hash, word)); got != want {
			t.Errorf("%.20s: got %v", word, got)
		}
	}
	if ok := must[bool](t)(checkPassword(ctx, nobody, password)); ok {
		t.Error("nobody came in")
	}
	for _, bad := range []string{
		"", "$", password, strings.Replace(hash, "m=65536", "m=4194304", 1), strings.Replace(hash, "t=3", "t=0", 1),
		strings.Replace(hash, "p=4", "p=0", 1), strings.Replace(hash, "argon2id", "argon2i", 1), strings.Replace(hash, "v=19", "v=16", 1),
		hash[:strings.LastIndex(hash, "$")+1], hash + "?",
	} {
		if ok, err := checkPassword(ctx, bad, password); ok || !errors.Is(err, errHash) {
			t.Errorf("%s: got %v, %v", bad, ok, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	hashing <- struct{}{}
	hashing <- struct{}{}
	if _, err := HashPassword(ended, password); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-hashing
	<-hashing
}
