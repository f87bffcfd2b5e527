package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxyHeaders are what proxies, tunnels and content networks add to a request. With one of them, a peer on
// loopback is a proxy and no visitor.
var proxyHeaders = []string{
	"Forwarded", "Via", "X-Real-Ip", "True-Client-Ip", "X-Client-Ip",
	"X-Cluster-Client-Ip", "X-Proxyuser-Ip", "X-Cloud-Trace-Context",
}

// proxyPrefixes begin the names of further such headers.
var proxyPrefixes = []string{
	"X-Forwarded", "X-Original-", "X-Envoy-", "X-Amzn-", "X-Azure-", "X-Appengine-",
	"Cf-", "Fastly-", "Fly-", "Tailscale-",
}

// mostHops is how many addresses of X-Forwarded-For are looked through: nobody has more proxies in a row.
const mostHops = 20

// proxied reports whether the request shows that a proxy passed it on. HTTP/1.0 counts as such: browsers left it
// behind, and nginx speaks it by default.
func proxied(r *http.Request) bool {
	if !r.ProtoAtLeast(1, 1) {
		return true
	}
	for name := range r.Header {
		begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		if slices.Contains(proxyHeaders, name) || slices.ContainsFunc(proxyPrefixes, begins) {
			return true
		}
	}
	return false
}

// LoopbackHost reports whether a host, with or without a port, names this machine alone: localhost, or an address
// of loopback. Names that only look like it (localhost.evil.example, 127.0.0.1.nip.io) and other spellings of the
// address do not.
func LoopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// peer is the address at the other end of the connection; it is not valid where there is none, as on a Unix socket.
func peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// fromHere reports whether the request was made on this machine for this machine: loopback at both ends of the
// connection, a Host that says so (a page elsewhere can point its own name here: DNS rebinding), and no proxy
// between.
func fromHere(r *http.Request) bool {
	return peer(r).IsLoopback() && LoopbackHost(r.Host) && !proxied(r)
}

// visitor is the address of who made the request: the peer, or behind a trusted proxy the rightmost address of
// X-Forwarded-For that is not a trusted proxy's. What stands left of it anybody may have written.
func (s *Server) visitor(r *http.Request) netip.Addr {
	at := peer(r)
	if !s.trusted(at) {
		return at
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= max(0, len(hops)-mostHops); i-- {
		hop := strings.TrimSpace(hops[i])
		next, err := netip.ParseAddr(hop)
		if err != nil {
			ap, err := netip.ParseAddrPort(hop)
			if err != nil {
				return at
			}
			next = ap.Addr()
		}
		if at = next.Unmap().WithZone(""); !s.trusted(at) {
			return at
		}
	}
	return at
}

func (s *Server) trusted(at netip.Addr) bool {
	return slices.ContainsFunc(s.opt.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(at) })
}
