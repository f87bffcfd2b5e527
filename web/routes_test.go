package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"brandmelder/access"
	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/store"
)

// cheap is the hash of password with parameters that take no time.
const cheap = "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$aq42HBL+IPAitHspChw/8mx5JRX2jFDkTmlsBskwH/0"

// twoIncidents is a gate whose store has the open incidents a and b.
func twoIncidents(t *testing.T) *gate {
	t.Helper()
	g := newGate(t, nil)
	for _, id := range []string{"a", "b"} {
		save(t, g.opt.Store, incident.State{}, incident.Program.ID, store.Change{}, incident.Opened{
			ID: id, Kind: incident.Crisis, Owner: "anna",
			Spike: brand.Spike{ID: "s" + id, Topic: "acme", State: brand.Opened, Level: brand.ModerateBreeze, Began: t0, Detected: t0},
			Steps: []incident.Step{{ID: "s1", Text: map[string]string{"en": "look"}}},
			Statements: []incident.Statement{{
				ID: "d1", Kind: incident.Holding, Lang: "en", From: incident.FromPlaybook, Revisions: []incident.Revision{{Number: 1, Text: "words of " + id}},
			}},
			Experts: []incident.Expert{{Person: "cem"}},
		})
	}
	return g
}

func (g *gate) user(name, person string, roles ...access.Role) store.User {
	g.t.Helper()
	u := store.User{Name: name, Person: person, Password: cheap, Created: t0}
	access.VoidSessions(&u)
	err := access.SetRoles(&u, roles)
	if err == nil {
		err = g.opt.Store.SaveUser(g.t.Context(), &u)
	}
	if err != nil {
		g.t.Fatal(err)
	}
	return u
}

// token makes an API token, in the place of one of the same name.
func (g *gate) token(name string, scopes ...access.Scope) string {
	g.t.Helper()
	_ = g.opt.Store.RemoveToken(g.t.Context(), name)
	secret, tok, err := access.NewToken(name, scopes, "", time.Now(), time.Now().Add(time.Hour))
	if err == nil {
		err = g.opt.Store.AddToken(g.t.Context(), tok)
	}
	if err != nil {
		g.t.Fatal(err)
	}
	return secret
}

// guest is a browser or program: how it asks, and what it has.
type guest struct {
	g      *gate
	cookie string
	bearer string
	from   string // its address
}

func (g *gate) guest() *guest { return &guest{g: g, from: "192.0.2.1:1"} }

// do sends a request and keeps the session that the answer begins or ends.
func (v *guest) do(method, path string, form url.Values) *httptest.ResponseRecorder {
	v.g.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.RemoteAddr, r.Host = v.from, "b.example"
	if strings.HasPrefix(v.from, "127.") {
		r.Host = "127.0.0.1"
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if v.cookie != "" {
		r.AddCookie(&http.Cookie{Name: v.g.cookie, Value: v.cookie})
	}
	if v.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+v.bearer)
	}
	w := httptest.NewRecorder()
	v.g.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		v.cookie = c.Value
	}
	return w
}

func (v *guest) get(path string) *httptest.ResponseRecorder {
	v.g.t.Helper()
	return v.do("GET", path, nil)
}

// signIn signs in by the form.
func (v *guest) signIn(name string) *guest {
	v.g.t.Helper()
	if w := v.do("POST", "/sign-in", url.Values{"user": {name}, "password": {password}}); w.Code != http.StatusSeeOther {
		v.g.t.Fatalf("signing in %s: got %d %s", name, w.Code, w.Body)
	}
	return v
}

func (g *gate) linkPath(person, incident string, role access.Role) string {
	return strings.TrimPrefix(g.opt.Links.Make(person, incident, role, time.Now()), g.opt.Links.URL)
}

// follow opens a link.
func (v *guest) follow(person, incident string, role access.Role) *guest {
	v.g.t.Helper()
	if w := v.get(v.g.linkPath(person, incident, role)); w.Code != http.StatusSeeOther {
		v.g.t.Fatalf("the link of %s: got %d", person, w.Code)
	}
	return v
}

// code is the answer's status; 401 where it leads to the sign-in.
func code(w *httptest.ResponseRecorder) int {
	if w.Header().Get("Location") == "/sign-in" {
		return http.StatusUnauthorized
	}
	return w.Code
}

// reads checks the status of a page.
func (v *guest) reads(path string, want int) {
	v.g.t.Helper()
	if w := v.get(path); code(w) != want {
		v.g.t.Errorf("%s: got %d, want %d", path, code(w), want)
	}
}

// acts checks the status of a deed.
func (v *guest) acts(path string, want int) {
	v.g.t.Helper()
	if w := v.do("POST", path, url.Values{"done": {"yes"}, "right": {"yes"}, "text": {"mine"}, "revision": {"1"}}); code(w) != want {
		v.g.t.Errorf("%s: got %d, want %d: %s", path, code(w), want, w.Body)
	}
}

const forbidden = "You may not do this here."

// Every route is asked by every sort of visitor, and lets in whom the table of roles lets in.
func TestEveryRouteAsksTheTableForEverySortOfVisitor(t *testing.T) {
	g := twoIncidents(t)
	g.opt.Hooks = http.NotFoundHandler()
	type sort struct {
		name string
		*guest
		is access.Principal
	}
	sorts := []sort{{"nobody", g.guest(), access.Principal{}}}
	for _, r := range access.Roles {
		g.user(string(r), "", r)
		sorts = append(sorts, sort{"user " + string(r), g.guest().signIn(string(r)), access.Principal{Name: string(r), Roles: []access.Role{r}, By: access.ByPassword}})
	}
	sorts = append(sorts, sort{"shared password", g.guest().signIn(""), access.SharedPrincipal()})
	sorts = append(sorts, sort{"shared password as bearer", &guest{g: g, bearer: password, from: "192.0.2.1:1"}, access.SharedPrincipal()})
	for _, id := range []string{"a", "b"} {
		for _, r := range []access.Role{access.Viewer, access.Expert, access.Responder, access.Owner, access.Manager} {
			is := access.Principal{Person: "ben", Roles: []access.Role{r}, By: access.ByLink, Incident: id}
			sorts = append(sorts, sort{fmt.Sprintf("link to %s as %s", id, r), g.guest().follow("ben", id, r), is})
		}
	}
	for _, s := range access.Scopes {
		sorts = append(sorts, sort{
			"token " + string(s), &guest{g: g, bearer: g.token(string(s), s), from: "192.0.2.1:1"},
			access.Principal{Name: string(s), By: access.ByToken, Scopes: []access.Scope{s}},
		})
	}
	routes, err := g.routes()
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`\{(\w+)\$?\}|\{\$\}`)
	paths := map[string]string{"{id}": "a", "{step}": "s1", "{statement}": "d1", "{expert}": "cem", "{topic}": "acme", "{$}": ""}
	for _, rt := range routes {
		if rt.action == public || rt.action == visitors {
			continue
		}
		method, pattern, _ := strings.Cut(rt.pattern, " ")
		path := names.ReplaceAllStringFunc(pattern, func(name string) string { return paths[name] })
		path = strings.Replace(path, "/playbooks/a", "/playbooks/recall", 1)
		of := ""
		if strings.HasSuffix(path, "/incidents/a") || strings.HasPrefix(path, "/incidents/a/") {
			of = "a"
		}
		program := isAPI(httptest.NewRequest(method, path, nil)) || path == "/metrics"
		for _, s := range sorts {
			w := s.do(method, path, url.Values{"done": {"yes"}})
			err := s.is.May(rt.action, of)
			no := w.Code == http.StatusForbidden && strings.Contains(w.Body.String(), forbidden)
			in := code(w) == http.StatusUnauthorized
			switch {
			case s.is.By == "" && (!in || program != (w.Code == http.StatusUnauthorized)),
				s.is.By != "" && in, err == nil && (no || w.Code >= http.StatusInternalServerError && path != "/api/v1/mentions"):
				t.Errorf("%s as %s: got %d %.100q, want %v", rt.pattern, s.name, w.Code, w.Body, err)
			case s.is.By != "" && err != nil && !no:
				if path != "/" || s.is.Incident == "" || w.Header().Get("Location") != "/incidents/"+s.is.Incident {
					t.Errorf("%s as %s: got %d, want it forbidden", rt.pattern, s.name, w.Code)
				}
			}
		}
	}
}

// Every route names an action of the table, and what belongs to an incident carries its ID.
func TestEveryRouteHasAnActionOfTheTable(t *testing.T) {
	for _, rt := range pageRoutes {
		if rt.action != visitors && rt.action != public && !slices.Contains(access.Actions(), rt.action) {
			t.Errorf("%s: %s is no action", rt.pattern, rt.action)
		}
		link := access.Principal{Person: "x", Roles: []access.Role{access.Owner}, By: access.ByLink, Incident: "i"}
		if link.May(rt.action, "i") == nil && link.May(rt.action, "") != nil && !strings.Contains(rt.pattern, "/incidents/{id}") {
			t.Errorf("%s is about an incident and does not name it", rt.pattern)
		}
	}
}
