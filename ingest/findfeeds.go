package ingest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	nethtml "golang.org/x/net/html"
)

// Found is a feed of a site.
type Found struct {
	URL   string
	Title string
	Items int
	How   string // how it was found
}

const (
	maxFound   = 20
	maxVisited = 40  // addresses of one site
	maxTitle   = 200 // bytes of a feed's title
)

// usualFeeds are the usual addresses of feeds, for sites that do not name theirs.
var usualFeeds = []string{"/feed", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/feed.json", "/blog/feed", "/news/rss"}

// Find returns the feeds of a site: those that its page names (https://blog.whatwg.org/feed-autodiscovery) or links
// to, else those at the usual addresses. Each was read. The client is one of NewClient.
func Find(ctx context.Context, client *http.Client, site string) ([]Found, error) {
	if !strings.Contains(site, "://") {
		site = "https://" + site
	}
	base, err := url.Parse(site)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the address of a site; write it as https://news.example", site)
	}
	body, final, err := fetch(ctx, client, base)
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", base, err)
	}
	var out []Found
	if f, ok := readFeed(body, final, "the address itself"); ok {
		return []Found{f}, nil
	}
	type place struct {
		at  *url.URL
		how string
	}
	var places []place
	for _, link := range feedLinks(body, final) {
		places = append(places, place{link, "named by the page"})
	}
	for _, path := range usualFeeds {
		places = append(places, place{final.ResolveReference(&url.URL{Path: path}), "a usual place"})
	}
	var seen []string
	for _, p := range places {
		// A site that names feeds has no others at the usual places.
		if len(seen) >= maxVisited || len(out) >= maxFound || p.how == "a usual place" && len(out) > 0 {
			break
		}
		if slices.Contains(seen, p.at.String()) {
			continue
		}
		seen = append(seen, p.at.String())
		body, at, err := fetch(ctx, client, p.at)
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if err != nil {
			continue // not a feed
		}
		if f, ok := readFeed(body, at, p.how); ok && !slices.ContainsFunc(out, func(o Found) bool { return o.URL == f.URL }) {
			out = append(out, f)
		}
	}
	return out, nil
}

func fetch(ctx context.Context, client *http.Client, u *url.URL) ([]byte, *url.URL, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, nil, redact(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, nil, statusError(res)
	}
	body, err := io.ReadAll(res.Body)
	return body, res.Request.URL, err
}

func readFeed(body []byte, at *url.URL, how string) (Found, bool) {
	doc, err := parseFeed(body)
	if err != nil {
		return Found{}, false
	}
	return Found{at.String(), truncate(strings.TrimSpace(doc.Title), maxTitle), len(doc.Items) + doc.over, how}, true
}

// feedLinks returns the feeds that a page names in its head, then those that it links to.
func feedLinks(page []byte, base *url.URL) (out []*url.URL) {
	var linked []*url.URL
	z := nethtml.NewTokenizer(bytes.NewReader(page))
	z.SetMaxBuf(maxMarkup)
	for {
		switch z.Next() {
		case nethtml.ErrorToken:
			return append(out[:min(len(out), maxVisited)], linked[:min(len(linked), maxFound)]...)
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
		default:
			continue
		}
		tok := z.Token()
		attr := map[string]string{}
		for _, a := range tok.Attr {
			attr[a.Key] = a.Val
		}
		href, err := base.Parse(strings.TrimSpace(attr["href"]))
		if err != nil || attr["href"] == "" || href.Scheme != "http" && href.Scheme != "https" {
			continue
		}
		kind := strings.ToLower(attr["type"])
		switch {
		case tok.Data == "base":
			base = href
		case tok.Data == "link" && slices.Contains(strings.Fields(strings.ToLower(attr["rel"])), "alternate") && (strings.Contains(kind, "rss") || strings.Contains(kind, "atom") || strings.Contains(kind, "feed+json")):
			if len(out) < maxVisited {
				out = append(out, href)
			}
		case tok.Data == "a" && (strings.Contains(strings.ToLower(href.Path), "rss") || strings.Contains(strings.ToLower(href.Path), "feed") || strings.HasSuffix(href.Path, ".xml")):
			if len(linked) < maxFound {
				linked = append(linked, href)
			}
		}
	}
}
