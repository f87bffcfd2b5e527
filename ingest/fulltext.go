package ingest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"brandmelder/brand"

	"codeberg.org/readeck/go-readability/v2"
	"github.com/temoto/robotstxt"
	"golang.org/x/net/html/charset"
)

// pages reads the articles that feeds link to, where the site's robots.txt allows it.
type pages struct {
	deps   Deps
	robots map[string]robots // by host
}

type robots struct {
	rules *robotstxt.RobotsData
	until time.Time
}

const (
	robotsName  = "brandmelder" // in robots.txt
	robotsKeep  = 24 * time.Hour
	robotsSites = 200
	pageSize    = 1 << 20         // bytes of a page that are read
	pagesVisit  = 20              // pages of one visit
	pagesTime   = 2 * time.Minute // for all pages of a visit
	robotsSize  = 500 << 10       // bytes of robots.txt; RFC 9309 asks for at least as many
	robotsRules = 2000            // lines of robots.txt; each may become a regular expression
)

// fill replaces the texts of mentions by those of the pages that they link to, if these are longer. After an error
// the text stays.
func (p *pages) fill(ctx context.Context, ms []*brand.Mention) {
	ctx, cancel := context.WithTimeout(ctx, pagesTime)
	defer cancel()
	asked := 0
	for _, m := range ms {
		u, err := url.Parse(m.URL)
		if err != nil || u.Host == "" || asked >= pagesVisit || ctx.Err() != nil {
			continue
		}
		asked++
		if text, err := p.read(ctx, u); err == nil && len(text) > len(m.Text) {
			m.Text = text
		} else if err != nil {
			p.deps.Log.Debug("an article cannot be read", "host", u.Host, "error", err)
		}
	}
}

func (p *pages) read(ctx context.Context, u *url.URL) (string, error) {
	if ok, err := p.allowed(ctx, u); err != nil || !ok {
		return "", fmt.Errorf("robots.txt does not allow it: %w", err)
	}
	body, head, err := p.get(ctx, u)
	if err != nil {
		return "", err
	}
	if kind := head.Get("Content-Type"); kind != "" && !strings.Contains(kind, "html") {
		return "", fmt.Errorf("it is %s", kind)
	}
	r, err := charset.NewReader(bytes.NewReader(body), head.Get("Content-Type"))
	if err != nil {
		return "", err
	}
	page, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	if err := checkHTML(page); err != nil {
		return "", err
	}
	article, err := readability.FromReader(bytes.NewReader(page), u)
	if err != nil {
		return "", err
	}
	var text bytes.Buffer
	if article.Node == nil {
		return "", nil
	}
	err = article.RenderText(&text)
	return strings.TrimSpace(text.String()), err
}

// allowed asks robots.txt (RFC 9309). A missing file allows everything, an unavailable one nothing.
func (p *pages) allowed(ctx context.Context, u *url.URL) (bool, error) {
	now := p.deps.Now()
	known, ok := p.robots[u.Host]
	if !ok || now.After(known.until) {
		body, status, err := p.ask(ctx, &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/robots.txt"})
		if err != nil {
			return false, err
		}
		if bytes.Count(body, []byte("\n"))+bytes.Count(body, []byte("\r")) > robotsRules {
			return false, &LimitError{"lines in robots.txt", robotsRules}
		}
		rules, err := robotstxt.FromStatusAndBytes(status, body)
		if err != nil {
			return false, err
		}
		if known = (robots{rules, now.Add(robotsKeep)}); status >= http.StatusInternalServerError {
			known.until = now.Add(time.Hour)
		}
		if len(p.robots) >= robotsSites || p.robots == nil {
			p.robots = map[string]robots{}
		}
		p.robots[u.Host] = known
	}
	return known.rules.TestAgent(u.EscapedPath(), robotsName), nil
}

func (p *pages) get(ctx context.Context, u *url.URL) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	res, err := p.do(ctx, u)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, nil, statusError(res)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, pageSize))
	return body, res.Header, err
}

func (p *pages) ask(ctx context.Context, u *url.URL) ([]byte, int, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	res, err := p.do(ctx, u)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, robotsSize))
	return body, res.StatusCode, err
}

func (p *pages) do(ctx context.Context, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1")
	res, err := p.deps.Client.Do(req)
	if err != nil {
		return nil, redact(err)
	}
	return res, nil
}
