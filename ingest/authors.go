package ingest

import (
	"fmt"
	"net/url"
	"strings"

	"brandmelder/brand"
)

// Authors knows whom one should know: the press, public figures, and one's own people.
type Authors struct {
	standing map[string]brand.Standing // by network:name, :name for all networks, or a site's domain
}

// NewAuthors takes lists of accounts. An entry is network:name, such as x:tagesschau; @name, on any network, such as @press@mastodon.example; or a domain, whose
// articles are meant, such as bote.example. The error names the entry that is none.
func NewAuthors(lists map[brand.Standing][]string) (*Authors, error) {
	a := &Authors{map[string]brand.Standing{}}
	for standing, entries := range lists {
		for _, e := range entries {
			network, name, ok := strings.Cut(e, ":")
			switch {
			case strings.HasPrefix(e, "@") && len(e) > 1:
				a.standing[":"+plainName(e)] = standing
			case ok && network != "" && name != "" && !strings.ContainsAny(e, "/ "):
				a.standing[strings.ToLower(network)+":"+plainName(name)] = standing
			case !ok && strings.Contains(e, ".") && !strings.ContainsAny(e, "/@ "):
				a.standing[strings.ToLower(e)] = standing
			default:
				return nil, fmt.Errorf("%q is no account: write network:name, @name, or a site's domain", e)
			}
		}
	}
	return a, nil
}

func plainName(s string) string { return strings.ToLower(strings.TrimPrefix(s, "@")) }

// Of is the standing of who wrote the mention; "" for nobody known.
func (a *Authors) Of(m *brand.Mention) brand.Standing {
	if a == nil || len(a.standing) == 0 {
		return ""
	}
	name := plainName(m.Author)
	for _, key := range []string{strings.ToLower(m.Source) + ":" + name, ":" + name} {
		if s, ok := a.standing[key]; ok && name != "" {
			return s
		}
	}
	if m.Kind != brand.Article {
		return "" // a domain is known by its articles: a network's own domain is in everybody's links
	}
	u, err := url.Parse(m.URL)
	if err != nil {
		return ""
	}
	for host := strings.ToLower(u.Hostname()); host != ""; {
		if s, ok := a.standing[host]; ok {
			return s
		}
		_, host, _ = strings.Cut(host, ".")
	}
	return ""
}
