package ingest

import (
	"encoding/json"
	"strconv"
	"time"
)

// xCursor is how far each query was heard.
type xCursor struct {
	Queries map[string]*xProgress `json:"queries"`
}

// xProgress is one query's place. X gives the newest first: while older pages are being read, Newest is what Since
// becomes when the last page is done, so that no gap is left.
type xProgress struct {
	Since  string `json:"since,omitempty"`
	Newest string `json:"newest,omitempty"`
	Next   string `json:"next,omitempty"` // page token
}

// check forgets IDs that cannot be: after one that lies ahead X would have nothing new for years.
func (p *xProgress) check(now time.Time) {
	if p.Since != "" && !xID(p.Since, now) || p.Newest != "" && !xID(p.Newest, now) {
		*p = xProgress{}
	}
}

const (
	xEpoch = 1288834974657 // milliseconds since 1970 at which X's IDs begin to hold the time, in the bits above 22
	xAhead = time.Hour     // how far X's clock may be ahead of ours
)

// xID reports whether id is a number of a post that may exist now.
func xID(id string, now time.Time) bool {
	n, err := strconv.ParseInt(id, 10, 64)
	return err == nil && n > 0 && n>>22+xEpoch <= now.Add(xAhead).UnixMilli()
}

// open reports whether older pages of a query are still to be read.
func (c *xCursor) open() bool {
	for _, p := range c.Queries {
		if p.Next != "" {
			return true
		}
	}
	return false
}

func (c *xCursor) encode() (string, error) {
	doc, err := json.Marshal(c)
	return string(doc), err
}

// newer compares post IDs: longer, then larger.
func newer(a, b string) bool { return len(a) > len(b) || len(a) == len(b) && a > b }
