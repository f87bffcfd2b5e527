package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"brandmelder/access"
)

// While nobody can sign in brandmelder serves this machine alone. A peer on loopback proves nothing if a proxy stands
// between or the Host is another name.
//
// Fails on 0005da9: every request with a header of a proxy was answered with the page, and so was the name of
// public_url.
func TestWithoutUsersNobodyElseIsServed(t *testing.T) {
	g := newGate(t, func(o *Options) { o.Password, o.PublicURL = "", "https://brand.example" })
	paths := []string{"/", "/metrics", "/api/v1/incidents", "/sign-in", "/static/style.css", "/hooks/x"}
	for _, host := range []string{
		"localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "[::1]", "[::ffff:127.0.0.1]:80",
	} {
		for _, from := range []string{"127.0.0.1:4711", "[::1]:4711", "[::ffff:127.0.0.1]:4711"} {
			if res := g.ask("/sign-in", from, host); res.StatusCode != http.StatusOK {
				t.Errorf("%s from %s: got %s, want the page", host, from, res.Status)
			}
		}
	}
	refused := func(from, host string, headers ...string) {
		t.Helper()
		for _, path := range paths {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.RemoteAddr, r.Host = from, host
			for _, h := range headers {
				name, value, _ := strings.Cut(h, ": ")
				r.Header.Add(name, value)
			}
			g.ServeHTTP(w, r)
			if w.Code != http.StatusMisdirectedRequest || !strings.Contains(w.Body.String(), "brandmelder user add") {
				t.Errorf("%s as %q from %q with %q: got %d %.60s", path, host, from, headers, w.Code, w.Body)
			}
		}
		for _, path := range []string{"/healthz", "/readyz"} {
			if res := g.ask(path, from, host, headers...); res.StatusCode != http.StatusOK {
				t.Errorf("%s as %q from %q: got %s, want it open", path, host, from, res.Status)
			}
		}
	}
	for _, host := range []string{
		"brand.example", "evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "127.0.0.1.", "localhost.",
		"evil.localhost", "0.0.0.0", "[::]", "127.1", "2130706433",
		"0177.0.0.1", "127.0.0.1@evil.example", "127.0.0.1:80:80", "", "10.0.0.1", "[::ffff:10.0.0.1]",
	} {
		refused("127.0.0.1:4711", host)
	}
	for _, from := range []string{
		"10.0.0.9:4711", "[2001:db8::1]:4711", "[::ffff:10.0.0.9]:4711", "@", "", "/run/brandmelder.sock",
	} {
		refused(from, "localhost:8080")
	}
	for _, header := range []string{
		"Forwarded: for=10.0.0.9", "X-Forwarded-For: 10.0.0.9", "X-Forwarded-For: ", "X-Forwarded-Host: brand.example",
		"X-Forwarded-Proto: https", "x-forwarded-port: 443", "X-Real-IP: 127.0.0.1", "Via: 1.1 proxy",
		"CF-Connecting-IP: 10.0.0.9", "CF-Ray: 1", "True-Client-IP: 10.0.0.9", "X-Client-IP: 1",
		"X-Envoy-External-Address: 1", "Tailscale-User-Login: eve@example", "X-Original-Host: b",
	} {
		refused("127.0.0.1:4711", "localhost:8080", header)
	}
}

// An old proxy that sets no header is known by its HTTP/1.0, nginx's default.
//
// Fails on 0005da9: it was answered with the page.
func TestAProxyThatSpeaksHTTP10IsNotThisMachine(t *testing.T) {
	g := newGate(t, func(o *Options) { o.Password = "" })
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr, r.Host, r.Proto, r.ProtoMinor = "127.0.0.1:4711", "127.0.0.1:8080", "HTTP/1.0", 0
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	if w.Code != http.StatusMisdirectedRequest {
		t.Errorf("got %d", w.Code)
	}
}

// Metrics are open to programs on this machine only while nobody else is invited by a public address. The shared
// password does not open them.
//
// Fails on 0005da9: the peer 127.0.0.1 was given the metrics whatever stood between.
func TestMetricsBehindAProxyNeedAToken(t *testing.T) {
	alone := newGate(t, nil)
	public := newGate(t, func(o *Options) { o.PublicURL = "https://brand.example" })
	for _, c := range []struct {
		what          string
		g             *gate
		from, host    string
		header        string
		open, withKey int
	}{
		{"Prometheus beside it", alone, "127.0.0.1:4711", "127.0.0.1:8080", "Accept: */*", 200, 200},
		{"through a proxy", alone, "127.0.0.1:4711", "127.0.0.1:8080", "X-Forwarded-For: 10.0.0.9", 401, 200},
		{"a name that was pointed here", alone, "127.0.0.1:4711", "evil.example", "Accept: */*", 401, 200},
		{"elsewhere", alone, "10.0.0.9:4711", "127.0.0.1:8080", "Accept: */*", 401, 200},
		{"a proxy that says nothing", public, "127.0.0.1:4711", "127.0.0.1:8080", "Accept: */*", 401, 200},
	} {
		if got := c.g.ask("/metrics", c.from, c.host, c.header).StatusCode; got != c.open {
			t.Errorf("%s: got %d, want %d", c.what, got, c.open)
		}
		token := c.g.token("prometheus", access.ScopeMetrics)
		if got := c.g.ask("/metrics", c.from, c.host, c.header, "Authorization: Bearer "+token).StatusCode; got != c.withKey {
			t.Errorf("%s, with a token: got %d, want %d", c.what, got, c.withKey)
		}
		other := map[int]int{200: 200, 401: 403}[c.open]
		for what, secret := range map[string]string{"another token": c.g.token("reader", access.ScopeRead), "the password": password} {
			if got := c.g.ask("/metrics", c.from, c.host, c.header, "Authorization: Bearer "+secret).StatusCode; got != other {
				t.Errorf("%s, with %s: got %d, want %d", c.what, what, got, other)
			}
		}
		wrong := c.g.ask("/metrics", c.from, c.host, c.header, "Authorization: Bearer wrong")
		if got := wrong.StatusCode; got != c.open {
			t.Errorf("%s, with a wrong password: got %d, want %d", c.what, got, c.open)
		}
	}
}

var trustedNetworks = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8")}

// Behind a trusted proxy each visitor has his own limit. Nobody else's X-Forwarded-For is believed, and of a
// trusted proxy's only what it wrote itself.
func TestATrustedProxySaysWhoTheVisitorIs(t *testing.T) {
	trusting := newGate(t, func(o *Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8")}
	})
	cautious := newGate(t, nil)
	for _, c := range []struct {
		from    string
		headers []string
		want    string
	}{
		{"127.0.0.1:1", nil, "127.0.0.1"},
		{"127.0.0.1:1", []string{"203.0.113.7"}, "203.0.113.7"},
		{"[::ffff:127.0.0.1]:1", []string{"203.0.113.7"}, "203.0.113.7"},
		{"127.0.0.1:1", []string{"6.6.6.6, 203.0.113.7"}, "203.0.113.7"},
		{"127.0.0.1:1", []string{"6.6.6.6", "203.0.113.7,10.1.1.1"}, "203.0.113.7"},
		{"127.0.0.1:1", []string{"203.0.113.7:4711"}, "203.0.113.7"},
		{"127.0.0.1:1", []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		{"127.0.0.1:1", []string{"10.1.1.1, 10.2.2.2"}, "10.1.1.1"},
		{"127.0.0.1:1", []string{"203.0.113.7, nonsense"}, "127.0.0.1"},
		{"127.0.0.1:1", []string{"nonsense, 10.2.2.2"}, "10.2.2.2"},
		{"127.0.0.1:1", []string{strings.Repeat("10.1.1.1,", 100_000)}, "127.0.0.1"},
		{"192.0.2.1:1", []string{"203.0.113.7"}, "192.0.2.1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.from
		for _, h := range c.headers {
			r.Header.Add("X-Forwarded-For", h)
		}
		if got := trusting.visitor(r).String(); got != c.want {
			t.Errorf("from %s with %.60q: got %s, want %s", c.from, c.headers, got, c.want)
		}
		if got := cautious.visitor(r); got != peer(r) {
			t.Errorf("nobody is trusted, and %s was believed", got)
		}
	}
	for range guessBurst + 1 {
		trusting.bearer("127.0.0.1:1", "guess", "X-Forwarded-For: 203.0.113.7")
		cautious.bearer("127.0.0.1:1", "guess", "X-Forwarded-For: 203.0.113.7")
	}
	if got := trusting.bearer("127.0.0.1:1", password, "X-Forwarded-For: 192.0.2.1"); got != http.StatusOK {
		t.Errorf("another visitor of the proxy got %d", got)
	}
	if !strings.Contains(cautious.log.String(), "set web.trusted_proxies") {
		t.Errorf("the log does not say what to do:\n%s", cautious.log.String())
	}
}

// Whatever stands in X-Forwarded-For, the visitor has an address, and without a trusted proxy it is the peer's.
func FuzzVisitor(f *testing.F) {
	f.Add("203.0.113.7, 10.0.0.1")
	f.Add("[::1]:80,,, ::ffff:1.2.3.4, fe80::1%eth0")
	trusting := &Server{opt: Options{TrustedProxies: trustedNetworks}}
	f.Fuzz(func(t *testing.T, header string) {
		r := &http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{"X-Forwarded-For": {header}}}
		if at := trusting.visitor(r); !at.IsValid() || at.Is4In6() || at.Zone() != "" {
			t.Errorf("%q: the visitor is %v", header, at)
		}
		if at := (&Server{}).visitor(r); at != peer(r) {
			t.Errorf("%q was believed: %v", header, at)
		}
	})
}
