package main

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"brandmelder/web"
)

// operatorsLine is how operators are notified while detection is down.
type operatorsLine struct {
	Channels []string `yaml:"channels"` // names, in the order to try; none: all channels, in their order
}

// webLine is the part of the configuration about the pages.
type webLine struct {
	Listen         string   `yaml:"listen"`
	PublicURL      string   `yaml:"public_url"`
	PasswordFile   string   `yaml:"password_file"`
	TrustedProxies []string `yaml:"trusted_proxies"`
}

// shortPassword is the length in characters below which check warns: the limit of guesses by address does not stop
// somebody with many addresses.
const shortPassword = 12

func (k *checker) web() {
	c := k.c
	if c.Web.Listen == "" {
		c.Web.Listen = "127.0.0.1:8080"
	}
	if _, _, err := net.SplitHostPort(c.Web.Listen); err != nil {
		k.bad(fmt.Sprintf("listen %q: want host:port, such as 127.0.0.1:8080", c.Web.Listen), "web", "listen")
		return
	}
	c.password = k.secret(c.Web.PasswordFile, "web", "password_file")
	k.publicURL()
	for i, line := range c.Web.TrustedProxies {
		p, err := parseProxy(line)
		if err != nil {
			k.bad(err.Error(), "web", "trusted_proxies", i)
			continue
		}
		c.proxies = append(c.proxies, p)
	}
}

// publicURL checks the address under which others reach the pages.
func (k *checker) publicURL() {
	c := k.c
	p := c.Web.PublicURL
	if p == "" {
		c.Web.PublicURL = "http://" + c.Web.Listen
		return
	}
	u, err := url.Parse(p)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		k.bad(fmt.Sprintf("public_url %q: want https://host", p), "web", "public_url")
	case u.User != nil:
		k.bad("public_url holds a name or password, which would stand in each call; want https://host", "web", "public_url")
	}
	c.Web.PublicURL = strings.TrimSuffix(p, "/")
}

// parseProxy reads an address or a network of proxies.
func parseProxy(line string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(line)
	if err != nil {
		a, err := netip.ParseAddr(line)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("trusted proxy %q: want an address or a network, such as 127.0.0.1/32", line)
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("trusted proxy %q: write it as an address of IPv4, such as 127.0.0.1/32", line)
	}
	if p.Bits() == 0 {
		return netip.Prefix{}, fmt.Errorf("trusted proxy %q: everybody could name any address; want your proxy's own", line)
	}
	return p.Masked(), nil
}

// loopback says whether only this machine reaches the address host:port.
func loopback(listen string) bool {
	_, _, err := net.SplitHostPort(listen)
	return err == nil && web.LoopbackHost(listen)
}

// webHints are what is allowed of the pages and yet may not be meant.
func webHints(conf *config) (out []string) {
	u, err := url.Parse(conf.Web.PublicURL)
	public := err == nil && !web.LoopbackHost(u.Host)
	if n := len([]rune(conf.password)); conf.password != "" && n < shortPassword {
		out = append(out, fmt.Sprintf("the password in %s has %d characters; choose %d or more",
			conf.Web.PasswordFile, n, shortPassword))
	}
	if conf.password == "" && (public || !loopback(conf.Web.Listen)) {
		out = append(out, "others reach the pages only once there are users: brandmelder user add NAME --roles ROLES --config FILE")
	}
	if public && u.Scheme == "http" {
		out = append(out, "web.public_url is http: passwords and the links of calls can be read on the way; "+
			"put a proxy with TLS before it")
	}
	if public && loopback(conf.Web.Listen) && len(conf.proxies) == 0 {
		out = append(out, "web.trusted_proxies is empty: all who come through a proxy share its limit of wrong passwords; "+
			"for a proxy on this machine that sets X-Forwarded-For write [127.0.0.1/32, \"::1/128\"]")
	}
	return out
}
