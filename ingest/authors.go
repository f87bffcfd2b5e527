package ingest

import (
	"fmt"
	"net/url"
	"strings"

	"brandmelder/brand"
)

// Authors knows the accounts with a standing: press, public figures, employees.
type Authors struct {
	standing map[string]brand.Standing // by network:name, :name for all networks, or a site's domain
}

// NewAuthors takes lists of accounts. An entry is network:name, such as x:tagesschau; @name, on any network, such as
// @press@mastodon.example; or the domain of articles, such as bote.example. The error names an invalid entry.
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
				return nil, fmt.Errorf("%q is not an account: write network:name, @name, or a site's domain", e)
			}
		}
	}
	return a, nil
}

func plainName(s string) string { return strings.ToLower(strings.TrimPrefix(s, "@")) }

// Of returns the standing of the author of the mention, or "".
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
		return "" // all posts of a network link to its domain
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
