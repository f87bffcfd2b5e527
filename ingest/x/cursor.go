package x

import (
	"encoding/json"
	"strconv"
	"time"
)

// cursor is the position of each query.
type cursor struct {
	Queries map[string]*progress `json:"queries"`
}

// progress is the position of one query. X returns the newest posts first: while older pages are read, Newest is what
// Since becomes after the last page, so that no gap is left.
type progress struct {
	Since  string `json:"since,omitempty"`
	Newest string `json:"newest,omitempty"`
	Next   string `json:"next,omitempty"` // page token
}

// decodeCursor reads a cursor; one of another form begins anew.
func decodeCursor(position string) *cursor {
	var cur cursor
	if json.Unmarshal([]byte(position), &cur) != nil || cur.Queries == nil {
		return &cursor{Queries: map[string]*progress{}}
	}
	return &cur
}

func (c *cursor) encode() (string, error) {
	doc, err := json.Marshal(c)
	return string(doc), err
}

// open reports whether older pages of a query are left.
func (c *cursor) open() bool {
	for _, p := range c.Queries {
		if p.Next != "" {
			return true
		}
	}
	return false
}

// check removes IDs that cannot exist yet: after one in the future X would return nothing new for years.
func (p *progress) check(now time.Time) {
	if p.Since != "" && !validID(p.Since, now) || p.Newest != "" && !validID(p.Newest, now) {
		*p = progress{}
	}
}

// advance moves the position behind a page that was read.
func (p *progress) advance(found *page, now time.Time) {
	if id := found.Meta.NewestID; validID(id, now) && newer(id, p.Newest) {
		p.Newest = id
	}
	asked := p.Next
	if p.Next = found.Meta.NextToken; p.Next == asked || len(p.Next) > maxToken {
		p.Next = "" // a token that leads nowhere
	}
	if p.Next == "" {
		if newer(p.Newest, p.Since) {
			p.Since = p.Newest
		}
		p.Newest = ""
	}
}

const (
	epoch     = 1288834974657 // milliseconds since 1970; X's IDs hold the time since then in the bits above 22
	clockSkew = time.Hour     // how far X's clock may be ahead of ours
)

// validID reports whether id may be the number of a post that exists now.
func validID(id string, now time.Time) bool {
	n, err := strconv.ParseInt(id, 10, 64)
	return err == nil && n > 0 && n>>22+epoch <= now.Add(clockSkew).UnixMilli()
}

// newer reports whether ID a is larger than ID b.
func newer(a, b string) bool { return len(a) > len(b) || len(a) == len(b) && a > b }
