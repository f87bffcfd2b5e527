package outbound

import (
	"net/url"
	"strings"
	"testing"
)

func TestAnErrorNamesNoMoreOfANewAddressThanItsHost(t *testing.T) {
	from := &url.URL{Scheme: "https", Host: "hooks.example", Path: "/geheim"}
	for location, want := range map[string]string{
		"": "", "/geheim": "https://hooks.example", "//sso.example/geheim": "https://sso.example", "https://u:geheim@sso.example:8443/x?geheim#geheim": "https://sso.example:8443",
		"http://\x00": "", "mailto:geheim": "", "https://" + strings.Repeat("a", 5000): "https://" + strings.Repeat("a", maxHost-9) + "…",
	} {
		if got := newPlace(from, location); got != want {
			t.Errorf("%.60q: got %q, want %q", location, got, want)
		}
	}
}

func FuzzNewPlace(f *testing.F) {
	f.Add("https://sso.example/x?y")
	f.Add("//\u202e@x\n")
	from := &url.URL{Scheme: "https", Host: "hooks.example"}
	f.Fuzz(func(t *testing.T, location string) {
		if got := newPlace(from, location); strings.ContainsAny(got, "\r\n\u202e") || len([]rune(got)) > maxHost {
			t.Errorf("%q became %q", location, got)
		}
	})
}
