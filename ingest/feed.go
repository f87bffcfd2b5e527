package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"brandmelder/brand"

	"github.com/mmcdole/gofeed"
	nethtml "golang.org/x/net/html"
)

// feed reads RSS, Atom and JSON Feed.
type feed struct {
	url   string
	deps  Deps
	pages *pages // nil unless the linked pages are read
	*websub
}

func newFeed(c Config, d Deps) (Source, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("url %q is not of the form https://host/path", c.URL)
	}
	f := &feed{url: c.URL, deps: d, websub: &websub{deps: d, name: NameOf(c), wake: d.Wake}}
	if c.FullText {
		f.pages = &pages{deps: d}
	}
	return f, nil
}

// feedCursor is the server's validators (RFC 9110) and the known items without a date. Such an item gets the time of
// its receipt, so those of the first visit, whose age is unknown, are left out.
type feedCursor struct {
	ETag     string   `json:"etag,omitempty"`
	Modified string   `json:"modified,omitempty"`
	Undated  []string `json:"undated,omitempty"`
	Read     []string `json:"read,omitempty"` // IDs of items whose pages were read
}

const maxRead = 500 // IDs of items whose pages were read

func (f *feed) Listen(ctx context.Context, cursor string, emit Emit) error {
	var cur feedCursor
	first := cursor == ""
	if !first {
		if err := json.Unmarshal([]byte(cursor), &cur); err != nil {
			first, cur = true, feedCursor{}
		}
	}
	visit, cancel := context.WithTimeout(ctx, 2*fetchTimeout)
	defer cancel()
	res, err := f.fetch(visit, &cur)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	now := f.deps.Now()
	switch {
	case res.StatusCode == http.StatusNotModified:
		return f.ask(ctx)
	case res.StatusCode != http.StatusOK:
		return refusal("the server", "is the address still right?", res, nil, now)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("read the feed: %w", err)
	}
	parsed, err := parseFeed(body)
	if err != nil {
		return f.broken(ctx, cursor, body, err, emit)
	}
	f.offered(res.Header, parsed.doc)
	if err := f.ask(ctx); err != nil {
		return err
	}
	next := feedCursor{ETag: validator(res.Header, "ETag"), Modified: validator(res.Header, "Last-Modified")}
	if parsed.err != nil {
		next.ETag, next.Modified = "", "" // read the feed again: its rest may be readable then
	}
	b := f.batch(parsed, &cur, &next, first, now)
	if f.pages != nil {
		next.Read = f.readPages(ctx, b.Mentions, cur.Read)
	}
	if b.Note == "" {
		b.Note = f.note()
	}
	doc, err := json.Marshal(next)
	if err != nil {
		return err
	}
	b.Cursor = string(doc)
	if err := emit(ctx, b); err != nil || parsed.err == nil {
		return err
	}
	return fmt.Errorf("read the feed: %w; the %d items before that are read", parsed.err, len(parsed.Items))
}

// fetch sends the request, with the validators of the visit before.
func (f *feed) fetch(ctx context.Context, cur *feedCursor) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5")
	if cur.ETag != "" {
		req.Header.Set("If-None-Match", cur.ETag)
	}
	if cur.Modified != "" {
		req.Header.Set("If-Modified-Since", cur.Modified)
	}
	res, err := f.deps.Client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the feed's server: %w", redact(err))
	}
	return res, nil
}

// validator returns a header that is sent back with the next request, or "" if it is too long.
func validator(h http.Header, name string) string {
	if v := h.Get(name); len(v) <= maxValidator {
		return v
	}
	return ""
}

// batch returns the items of the feed, with those that cannot be read. It adds to next the known items without a
// date.
func (f *feed) batch(parsed *parsedFeed, cur, next *feedCursor, first bool, now time.Time) Batch {
	b := Batch{Bad: parsed.bad}
	known := map[string]bool{}
	for _, id := range cur.Undated {
		known[id] = true
	}
	left := 0
	for _, item := range parsed.Items {
		m, dated := f.mention(item)
		if !dated {
			next.Undated = append(next.Undated, m.ID)
			if first || known[m.ID] {
				left++
				continue
			}
			m.At = now
		}
		b.Mentions = append(b.Mentions, m)
	}
	if len(parsed.Items) == 0 {
		next.Undated = cur.Undated
	}
	if first && left > 0 {
		b.Note = fmt.Sprintf("%d items without a date are left out at the first visit: their age is unknown", left)
	}
	if parsed.over > 0 {
		b.Note = fmt.Sprintf("the feed has %d items; %d of them are read. Ask its publisher for a shorter one", parsed.items+parsed.over, parsed.items)
	}
	return b
}

// parsedFeed is a feed within the limits.
type parsedFeed struct {
	*gofeed.Feed
	trimmed
}

// parseFeed reads RSS, Atom and JSON Feed. The result says which parts exceed the limits and were left out. An error
// says that no part can be read.
func parseFeed(body []byte) (*parsedFeed, error) {
	defer lockLarge(len(body))()
	out := &parsedFeed{}
	begin := bytes.TrimLeft(body, "\xef\xbb\xbf\xfe\xff\x00 \t\r\n")
	switch {
	case bytes.HasPrefix(begin, []byte("<")):
		out.trimmed = trimXML(body)
	case bytes.HasPrefix(begin, []byte("{")):
		out.trimmed = trimJSON(body)
	default:
		return nil, gofeed.ErrFeedTypeNotDetected
	}
	if out.doc == nil {
		return nil, out.err
	}
	var err error
	out.Feed, err = gofeed.NewParser().Parse(bytes.NewReader(out.doc))
	return out, err
}

// ask subscribes to the feed's hub. A failure of the hub is no failure of the feed.
func (f *feed) ask(ctx context.Context) error {
	if err := f.subscribe(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.deps.Log.Info("the feed's hub does not take us", "feed", f.name, "error", err)
	}
	return nil
}

// readPages reads the linked pages that were not read before. It returns the IDs of all items whose pages were read.
func (f *feed) readPages(ctx context.Context, ms []brand.Mention, read []string) (now []string) {
	var fresh []*brand.Mention
	for i := range ms {
		m := &ms[i]
		if now = append(now, m.ID); !slices.Contains(read, m.ID) && len(now) <= maxRead {
			fresh = append(fresh, m)
		}
	}
	f.pages.fill(ctx, fresh)
	return now[:min(len(now), maxRead)]
}

// broken makes a dead letter of a feed that cannot be read, once for each content, and returns the error.
func (f *feed) broken(ctx context.Context, cursor string, body []byte, err error, emit Emit) error {
	err = fmt.Errorf("read the feed: %w", err)
	return errors.Join(err, emit(ctx, Batch{Cursor: cursor, Bad: []Bad{unreadable(body, err)}}))
}

func (f *feed) mention(item *gofeed.Item) (m brand.Mention, dated bool) {
	text := item.Content
	if len(item.Description) > len(text) || text == "" {
		text = item.Description
	}
	m = brand.Mention{Title: html.UnescapeString(plain(item.Title)), Text: plain(text), URL: item.Link, Kind: brand.Article}
	if m.Text == "" {
		m.Text = m.Title
	}
	if len(item.Authors) > 0 && item.Authors[0] != nil {
		m.Author, m.AuthorName = item.Authors[0].Name, item.Authors[0].Name
		if m.Author == "" {
			m.Author = item.Authors[0].Email
		}
	}
	if m.Author == "" {
		if u, err := url.Parse(item.Link); err == nil {
			m.Author = u.Hostname()
		}
	}
	id := item.GUID
	if id == "" {
		id = item.Link
	}
	if id == "" {
		id = m.Title + "\x00" + m.Text
	}
	m.ID = "feed:" + brand.Hash(f.url, id)
	for _, t := range []*time.Time{item.PublishedParsed, item.UpdatedParsed} {
		if t != nil && t.Year() > 1990 {
			m.At = t.UTC()
			return m, true
		}
	}
	return m, false
}

// inline are the elements within a word or a line.
var inline = map[string]bool{"a": true, "abbr": true, "b": true, "code": true, "em": true, "font": true, "i": true, "mark": true, "s": true, "small": true, "span": true, "strong": true, "sub": true, "sup": true, "u": true, "wbr": true}

// plain returns the text of the first maxMarkup bytes of HTML, without tags and scripts.
func plain(s string) string {
	s = truncate(s, maxMarkup)
	if !strings.ContainsAny(s, "<&") {
		return strings.TrimSpace(s)
	}
	var sb strings.Builder
	z := nethtml.NewTokenizer(strings.NewReader(s))
	skip := 0
	for {
		switch z.Next() {
		case nethtml.ErrorToken:
			return strings.Join(strings.Fields(sb.String()), " ")
		case nethtml.TextToken:
			if skip == 0 {
				sb.Write(z.Text())
			}
		case nethtml.StartTagToken:
			name, _ := z.TagName()
			switch string(name) {
			case "script", "style":
				skip++
			case "p", "br", "li", "div", "h1", "h2", "h3", "td", "blockquote":
				sb.WriteByte(' ')
			}
		case nethtml.EndTagToken:
			name, _ := z.TagName()
			if (string(name) == "script" || string(name) == "style") && skip > 0 {
				skip--
			}
			if !inline[string(name)] {
				sb.WriteByte(' ')
			}
		case nethtml.SelfClosingTagToken:
			sb.WriteByte(' ')
		}
	}
}
