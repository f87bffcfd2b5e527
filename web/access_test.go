package web

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"brandmelder/access"
	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/people"
	"brandmelder/playbooks"
	"brandmelder/store"
	"brandmelder/store/sqlite"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const password = "correct horse battery staple"

// gate is a server whose clock of guesses, log and metrics the test holds.
type gate struct {
	*Server
	t     *testing.T
	clock time.Time
	log   bytes.Buffer
}

func newGate(t *testing.T, change func(*Options)) *gate {
	t.Helper()
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	shelf, err := playbooks.Load("builtin:en")
	if err != nil {
		t.Fatal(err)
	}
	folks, err := people.Parse("people.yaml", []byte(folk))
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{t: t, clock: t0}
	reg := prometheus.NewRegistry()
	opt := Options{
		Store: st, Desk: &alert.Desk{Shelf: shelf, People: folks, Lang: "en"}, Topics: []brand.Topic{{Name: "acme", Query: "acme"}},
		Links: access.Links{Key: make([]byte, 32), URL: "http://127.0.0.1:8080"}, PublicURL: "http://127.0.0.1:8080",
		Password: password, Now: func() time.Time { return t0 }, Log: slog.New(slog.NewTextHandler(&g.log, nil)),
		Metrics: promhttp.HandlerFor(reg, promhttp.HandlerOpts{}), Registry: reg,
	}
	if change != nil {
		change(&opt)
	}
	if g.Server, err = New(opt); err != nil {
		t.Fatal(err)
	}
	g.guesses.now = func() time.Time { return g.clock }
	return g
}

// ask sends a request from an address, as the host name, with headers "Name: value".
func (g *gate) ask(target, from, host string, headers ...string) *http.Response {
	g.t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.RemoteAddr, r.Host = from, host
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Result()
}

// bearer asks the API with a password, and returns the status.
func (g *gate) bearer(from, word string, headers ...string) int {
	g.t.Helper()
	return g.ask("/api/v1/topics", from, "b.example", append(headers, "Authorization: Bearer "+word)...).StatusCode
}

// form logs in by the form, and returns the answer.
func (g *gate) form(from, word string) *http.Response {
	g.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/sign-in", strings.NewReader(url.Values{"password": {word}}.Encode()))
	r.RemoteAddr, r.Host = from, "b.example"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Result()
}

// Guesses from one address end after five, by the form and as bearer tokens together, one after the other and all
// at once.
//
// Fails on 0005da9: 300 guesses by bearer token were all checked.
func TestGuessesFromOneAddressEnd(t *testing.T) {
	g := newGate(t, nil)
	var mu sync.Mutex
	checked := 0
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			var code int
			if i%2 == 0 {
				code = g.bearer("10.0.0.9:1", fmt.Sprint("guess", i))
			} else {
				code = g.form("10.0.0.9:2", fmt.Sprint("guess", i)).StatusCode
			}
			mu.Lock()
			defer mu.Unlock()
			switch code {
			case http.StatusUnauthorized, http.StatusForbidden:
				checked++
			case http.StatusTooManyRequests:
			default:
				t.Errorf("got %d", code)
			}
		})
	}
	wg.Wait()
	if checked != guessBurst {
		t.Errorf("%d of 300 guesses were checked, want %d", checked, guessBurst)
	}
	if got := g.bearer("10.0.0.9:3", password); got != http.StatusTooManyRequests {
		t.Errorf("over the limit the right password got %d: a guess would be told right", got)
	}
	res := g.form("10.0.0.9:4", password)
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "30" {
		t.Errorf("got %s, Retry-After %q, want 30 s", res.Status, res.Header.Get("Retry-After"))
	}
	g.clock = g.clock.Add(guessEvery)
	if got := g.bearer("10.0.0.9:5", password); got != http.StatusOK {
		t.Errorf("after the wait the right password got %d", got)
	}
	text := g.log.String()
	secret := strings.Contains(text, "guess1") || strings.Contains(text, password)
	if secret || !strings.Contains(text, "address=10.0.0.9") {
		t.Errorf("the log is\n%s", text)
	}
	if n := strings.Count(text, "login failed"); n > failureLogBurst+1 {
		t.Errorf("%d lines are in the log", n)
	}
	w := httptest.NewRecorder()
	g.opt.Metrics.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	const metric = "brandmelder_web_login_failures_total"
	for _, line := range []string{metric + `{outcome="wrong"} 5`, metric + `{outcome="refused"} 297`} {
		if !strings.Contains(w.Body.String(), line) {
			t.Errorf("%s is not among the metrics:\n%s", line, w.Body)
		}
	}
}

// However many strangers guess from however many addresses, who knows the password is let in at the first try, and
// a session goes on.
//
// Fails on 0005da9: two tries a second by one stranger kept everybody else out.
func TestStrangersDoNotLockOutWhoKnowsThePassword(t *testing.T) {
	g := newGate(t, nil)
	cookie := g.form("192.0.2.1:1", password).Cookies()
	if len(cookie) != 1 {
		t.Fatalf("got cookies %v", cookie)
	}
	session := func() int {
		return g.ask("/topics", "192.0.2.1:1", "b.example", "Cookie: "+cookie[0].Name+"="+cookie[0].Value).StatusCode
	}
	for second := range 600 {
		g.clock = g.clock.Add(time.Second)
		for i := range 2 {
			g.form("203.0.113.7:1", "guess")
			g.bearer(fmt.Sprintf("198.51.%d.%d:1", second%250, second/250*2+i), "guess")
		}
	}
	if got := g.form("192.0.2.77:1", password); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the right password from a new address got %s", got.Status)
	}
	if got := g.bearer("[2001:db8::1]:1", password); got != http.StatusOK {
		t.Errorf("the right bearer token from a new address got %d", got)
	}
	if got := session(); got != http.StatusOK {
		t.Errorf("the session got %d", got)
	}
	for range guessBurst + 1 {
		g.bearer("192.0.2.1:1", "mistyped")
	}
	if got := session(); got != http.StatusOK {
		t.Errorf("the session of an address over its limit got %d", got)
	}
}

// While an account is under siege, an address without a recent success has fewer tries, a site of IPv6 counts as
// one, and a known address has all.
//
// Fails on 0005da9: each of them had twenty tries by bearer token.
func TestUnderSiegeStrangersHaveFewerTries(t *testing.T) {
	g := newGate(t, nil)
	g.bearer("192.0.2.1:1", password)
	for i := range siegeBurst {
		g.bearer(fmt.Sprintf("198.51.100.%d:1", i), "guess")
	}
	tries := func(from func(i int) string) (n int) {
		for i := range 20 {
			if g.bearer(from(i), "guess") != http.StatusTooManyRequests {
				n++
			}
		}
		return n
	}
	if n := tries(func(int) string { return "203.0.113.7:1" }); n != strangerBurst {
		t.Errorf("a stranger had %d tries, want %d", n, strangerBurst)
	}
	if n := tries(func(i int) string { return fmt.Sprintf("[2001:db8:1:%d::1]:1", i) }); n != strangerBurst {
		t.Errorf("a site of IPv6 had %d tries, want %d", n, strangerBurst)
	}
	if n := tries(func(int) string { return "192.0.2.1:1" }); n != guessBurst {
		t.Errorf("a known address had %d tries, want %d", n, guessBurst)
	}
}

// What is remembered of addresses is bounded, and 64 bits of an IPv6 address are what one household has.
func TestTheMemoryOfGuessesIsBounded(t *testing.T) {
	g := newGuesses(func() time.Time { return t0 })
	wrong := func() (bool, error) { return false, nil }
	for i := range 3 * mostAddresses {
		g.try(fmt.Sprint(i), netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), wrong)
	}
	if n := g.addresses.Len(); n != mostAddresses {
		t.Errorf("%d addresses are remembered", n)
	}
	if n := g.accounts.Len(); n != mostAccounts {
		t.Errorf("%d accounts are remembered", n)
	}
	h := newGuesses(func() time.Time { return t0 })
	for i := range guessBurst {
		h.try("", netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", i)), wrong)
	}
	if _, wait, _ := h.try("", netip.MustParseAddr("2001:db8::ffff"), wrong); wait == 0 {
		t.Error("each address of a household has tries of its own")
	}
}

// A session's cookie is out of reach of scripts and of other sites' forms, and never travels in the clear if the
// pages do not. Strangers make no session; whoever opens a link again and again ends his own oldest ones, and
// nobody else's.
//
// Fails on 0005da9: each opening of a link was kept for two weeks, without end.
func TestSessionsAreBoundedAndTheirCookiesClosed(t *testing.T) {
	for scheme, name := range map[string]string{"http": "brandmelder", "https": "__Host-brandmelder"} {
		g := newGate(t, func(o *Options) { o.PublicURL = scheme + "://brand.example" })
		c := g.form("192.0.2.1:1", password).Cookies()
		if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteLaxMode || c[0].Secure != (scheme == "https") ||
			c[0].Path != "/" || c[0].Domain != "" || c[0].Name != name {
			t.Errorf("%s: the cookie is %v", scheme, c)
		}
	}
	g := newGate(t, nil)
	for range 100 {
		for _, path := range []string{"/", "/sign-in", "/sign-in/once", "/call/no.link", "/incidents/x"} {
			if res := g.ask(path, "203.0.113.7:1", "b.example", "Cookie: brandmelder=invented"); len(res.Cookies()) != 0 {
				t.Fatalf("a stranger has the cookie %v of %s", res.Cookies(), path)
			}
		}
		g.form("203.0.113.7:1", "guess")
	}
	keep(t, g.opt.Store, incident.State{Summary: incident.Summary{ID: "i", Detected: t0}})
	path := func(person string) string {
		return strings.TrimPrefix(g.opt.Links.Make(person, "i", access.Owner, time.Now()), g.opt.Links.URL)
	}
	ben := g.ask(path("ben"), "192.0.2.1:1", "b.example").Cookies()[0]
	anna := path("anna")
	for range store.MaxSessions + 20 {
		g.ask(anna, "203.0.113.7:1", "b.example")
	}
	res := g.ask("/playbooks", "192.0.2.1:1", "b.example", "Cookie: brandmelder="+ben.Value)
	if res.StatusCode != http.StatusOK {
		t.Errorf("Ben's session got %s", res.Status)
	}
	if n, err := g.opt.Store.EndSessions(t.Context(), "person:anna"); err != nil || n != store.MaxSessions {
		t.Errorf("%d sessions are kept of Anna, %v", n, err)
	}
}

// Every answer carries the headers that keep it where it belongs, also a refusal.
//
// Fails on 0005da9: a refusal carried none of them, and no answer said that other sites may not embed it.
func TestEveryAnswerHasTheHeaders(t *testing.T) {
	g := newGate(t, nil)
	closed := newGate(t, func(o *Options) { o.Password = "" })
	for _, res := range []*http.Response{
		g.ask("/", "10.0.0.9:1", "b.example"), g.ask("/sign-in", "10.0.0.9:1", "b.example"),
		g.ask("/none", "10.0.0.9:1", "b.example"), g.ask("/metrics", "10.0.0.9:1", "b.example"),
		closed.ask("/", "10.0.0.9:1", "b.example"),
	} {
		for name, part := range map[string]string{
			"Content-Security-Policy": "frame-ancestors 'none'", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if !strings.Contains(res.Header.Get(name), part) {
				t.Errorf("%s: %s is %q", res.Status, name, res.Header.Get(name))
			}
		}
	}
}
