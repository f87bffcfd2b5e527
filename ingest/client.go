package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// UserAgent returns the User-Agent of all requests, with the contact of the operator if the configuration has one.
func UserAgent(contact string) string {
	if contact == "" {
		return "brandmelder/0.1 (social listening; operated by its user)"
	}
	return "brandmelder/0.1 (social listening; " + contact + ")"
}

const (
	maxBody      = 10 << 20
	maxRedirects = 5
	fetchTimeout = 30 * time.Second
	maxHeaders   = 256 << 10 // bytes of an answer's headers
	perHost      = 2         // requests a second
	hostBurst    = 4
)

// ErrTooLarge is the error of a body that is longer than maxBody.
var ErrTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxBody>>20)

// nonPublic are the address ranges that no feed or page may lead to, beside those that netip knows.
var nonPublic = func() (out []netip.Prefix) {
	for _, p := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}()

// Public reports whether an address may be visited because a feed, a page or a DNS answer names it.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a.Zone() != "" {
		return false
	}
	for _, p := range nonPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// obfuscatedIP reports whether a host ends in a number but is not an address in the usual form: 2130706433, 0x7f.1,
// 127.1, 0177.0.0.1. Some resolvers take these for addresses (https://url.spec.whatwg.org/#ends-in-a-number-checker),
// others for names. No public host needs them.
func obfuscatedIP(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	host = strings.TrimRight(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(strings.ToLower(last), "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// Dial opens a connection.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// NewDial makes a Dial that refuses private addresses. It checks after resolving, so that no name leads to one. Those
// in allow, as host:port in lower case, may be private: the configuration names them (see Private).
func NewDial(allow map[string]bool) Dial {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		if obfuscatedIP(host) {
			return nil, fmt.Errorf("%q is an address in an unusual form; write it as 192.0.2.1 or [2001:db8::1]", host)
		}
		ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, err
		}
		var errs []error
		for _, ip := range ips {
			if !Public(ip) && !allow[strings.ToLower(addr)] {
				errs = append(errs, fmt.Errorf("%s has the private address %s; %s", addr, ip, privateHint(allow)))
				continue
			}
			c, err := dialer.DialContext(ctx, network, net.JoinHostPort(ip.String(), port))
			if err == nil {
				return c, nil
			}
			errs = append(errs, err)
		}
		return nil, errors.Join(errs...)
	}
}

// privateHint says how a person can allow a private address.
func privateHint(allow map[string]bool) string {
	if len(allow) == 0 {
		return "set allow_private on the source if you mean it"
	}
	open := strings.Join(slices.Sorted(maps.Keys(allow)), " and ")
	return "allow_private of this source opens " + open + " alone; set url to the address that is meant"
}

// usualPorts are the default ports by scheme.
var usualPorts = map[string]string{"http": "80", "https": "443", "imap": "143", "imaps": "993"}

// Private returns the host and port of an address that may be private, for NewDial and NewClient. An address without
// a scheme is of https. The result is empty for an invalid address.
func Private(address string) map[string]bool {
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return nil
	}
	port := u.Port()
	if port == "" {
		port = usualPorts[strings.ToLower(u.Scheme)]
	}
	return map[string]bool{strings.ToLower(net.JoinHostPort(u.Hostname(), port)): true}
}

// NewClient makes an HTTP client for sources: http and https only, no private addresses except those in allow (see
// NewDial; neither a redirect nor DNS rebinding leads to one), at most 5 redirects, 10 MiB after decompression, and a
// pace by host. contact is an address of mail or web at which the operator can be reached.
func NewClient(allow map[string]bool, contact string) *http.Client {
	return newPolite(contact).client(allow)
}

func newPolite(contact string) *polite {
	return &polite{pace: perHost, agent: UserAgent(contact), hosts: map[string]*rate.Limiter{}}
}

// client makes a client with its own connections. All clients of p share one pace.
func (p *polite) client(allow map[string]bool) *http.Client {
	t := &http.Transport{
		Proxy:                  nil, // no proxy from the environment
		DialContext:            NewDial(allow),
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  fetchTimeout,
		MaxResponseHeaderBytes: maxHeaders,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        90 * time.Second,
		ForceAttemptHTTP2:      true,
	}
	return &http.Client{
		Transport: pacedTransport{p, t},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
				return fmt.Errorf("redirected to %s:, want http or https", truncate(req.URL.Scheme, 20))
			}
			return nil
		},
	}
}

// pacedTransport is a transport that shares the pace of a polite.
type pacedTransport struct {
	*polite
	next http.RoundTripper
}

func (v pacedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return v.through(v.next, r)
}

// polite limits the requests to each host, sets the User-Agent, and limits the size of answers.
type polite struct {
	next  http.RoundTripper
	pace  rate.Limit
	agent string
	mu    sync.Mutex
	hosts map[string]*rate.Limiter
}

func (p *polite) limiter(host string) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.hosts[host]
	if l == nil {
		if len(p.hosts) > 10000 {
			clear(p.hosts)
		}
		l = rate.NewLimiter(p.pace, hostBurst)
		p.hosts[host] = l
	}
	return l
}

func (p *polite) RoundTrip(r *http.Request) (*http.Response, error) { return p.through(p.next, r) }

func (p *polite) through(next http.RoundTripper, r *http.Request) (*http.Response, error) {
	if err := p.limiter(r.URL.Host).Wait(r.Context()); err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", p.agent)
	res, err := next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusSwitchingProtocols { // a WebSocket limits its messages itself
		res.Body = &bounded{ReadCloser: res.Body, left: maxBody}
	}
	return res, nil
}

// bounded reads at most left bytes, then fails with ErrTooLarge.
type bounded struct {
	io.ReadCloser
	left int64
}

// Reset starts the limit again, as for each line of a stream.
func (b *bounded) Reset() { b.left = maxBody }

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}

// redact removes the address from an error: it may contain a secret.
func redact(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
