package ingest

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// fakeDNS answers every name with the address that it contains, as 10-0-0-1.test does; for AAAA with dashes for
// colons after "six-".
func fakeDNS(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2048)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Additionals = true, nil
			name := strings.SplitN(q.Name.String(), ".", 2)[0]
			head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: dnsmessage.ClassINET, TTL: 0}
			if six, ok := strings.CutPrefix(name, "six-"); ok {
				if a, err := netip.ParseAddr(strings.ReplaceAll(six, "-", ":")); err == nil && q.Type == dnsmessage.TypeAAAA {
					m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}}}
				}
			} else if a, err := netip.ParseAddr(strings.ReplaceAll(name, "-", ".")); err == nil && q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: a.As4()}}}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = pc.WriteTo(out, from)
			}
		}
	}()
	was := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = was
		_ = pc.Close()
		<-done
	})
}

// No text from outside leads to a private address: in no notation, by no name and by no redirect.
func TestNothingLeadsInside(t *testing.T) {
	fakeDNS(t)
	var visits atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	defer inside.Close()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	hosts := strings.Fields(`
		127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254 0.0.0.0 0.0.0.1 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 192.168.178.1
		169.254.169.254 169.254.1.1 100.64.0.1 100.100.100.200 192.0.0.1 192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
		[::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:10.0.0.1] [::ffff:169.254.169.254] [64:ff9b::7f00:1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::1]
		[2002:7f00:1::] [2002:a9fe:a9fe::] [2001::1] [2001:db8::1] [fe80::1] [fe80::1%25lo] [febf::1] [fc00::1] [fd00:ec2::254] [fec0::1] [ff02::1] [100::1]
		2130706433 0x7f000001 0x7F.0.0.1 0x7f.1 017700000001 0177.0.0.1 0177.0.0.01 127.1 127.0.1 0 1 00000127.0.0.1 127.0.0.1. 2130706433. 127.0.0.0x1 3232235521
		１２７.０.０.１ 127。0。0。1 ①②⑦.⓪.⓪.① user:pass@127.0.0.1 example.org@127.0.0.1 example.org%40@127.0.0.1
		127-0-0-1.test 10-1-2-3.test 169-254-169-254.test 192-168-1-1.test 100-64-9-9.test 0-0-0-0.test six---1.test six-fd00--1.test six-fe80--1.test six-64-ff9b--7f00-1.test 127-0-0-1.test.`)
	if len(hosts) < 80 {
		t.Fatalf("only %d addresses are tried", len(hosts))
	}
	c := NewClient(nil, "")
	reasons := []string{"private address", "in an unusual form"}
	clear := func(err error) bool {
		for _, w := range reasons {
			if err != nil && strings.Contains(err.Error(), w) {
				return true
			}
		}
		return false
	}
	for _, h := range hosts {
		res, err := c.Get("http://" + h + ":" + port + "/")
		if err == nil {
			_ = res.Body.Close()
		}
		if !clear(err) {
			t.Errorf("%s: got %v, want a word on what it is", h, err)
		}
	}
	// One from outside, which the configuration allows, sends us on.
	for _, to := range []string{"http://127.0.0.1:" + port, "http://[::1]:" + port, "http://169-254-169-254.test:" + port, "http://2130706433:" + port, "//127.0.0.2:" + port} {
		outside := httptest.NewServer(http.RedirectHandler(to, http.StatusFound))
		res, err := NewClient(map[string]bool{outside.Listener.Addr().String(): true}, "").Get(outside.URL)
		if err == nil {
			_ = res.Body.Close()
		}
		if !clear(err) {
			t.Errorf("redirected to %s: got %v", to, err)
		}
		outside.Close()
	}
	for _, to := range []string{"file:///etc/passwd", "gopher://127.0.0.1:" + port, "ftp://example.org/x"} {
		outside := httptest.NewServer(http.RedirectHandler(to, http.StatusFound))
		if res, err := NewClient(map[string]bool{outside.Listener.Addr().String(): true}, "").Get(outside.URL); err == nil || !strings.Contains(err.Error(), "http") {
			t.Errorf("redirected to %s: got %v, %v", to, res, err)
		}
		outside.Close()
	}
	if n := visits.Load(); n != 0 {
		t.Errorf("somebody came in %d times", n)
	}
}
