package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"brandmelder/brand"
)

// Most services offer lists, the newest first, page by page. What follows reads such lists without a gap: Since moves on when the last page is read.

// list is one of a source's lists: a tag, a search, a subreddit.
type list struct {
	key  string // names it in the cursor, and in what is told to people
	page func(ctx context.Context, since time.Time, next string) (page, error)
}

// searches are the lists of what is searched for.
func searches(terms []string, search func(ctx context.Context, term string, since time.Time, next string) (page, error)) (out []list) {
	for _, term := range terms {
		out = append(out, list{term, func(ctx context.Context, since time.Time, next string) (page, error) {
			return search(ctx, term, since, next)
		}})
	}
	return out
}

// page is one page of a list.
type page struct {
	mentions []brand.Mention
	bad      []Bad
	gone     []string // IDs that were deleted
	next     string   // token of the next, older page; "" for none
}

// lists is the cursor of a source with lists.
type lists map[string]*progress

// progress is how far a list was read. While older pages are being read, Newest is what Since becomes when that is done.
type progress struct {
	Since  time.Time `json:"since,omitzero"`
	Newest time.Time `json:"newest,omitzero"`
	Next   string    `json:"next,omitempty"`
	Visits int       `json:"visits,omitempty"` // in which older pages were read
}

// oldestYear is the first in which a mention can have been published. An older one is set aside, not left out in
// silence.
const oldestYear = 1990

const (
	firstReach    = 24 * time.Hour   // how far back the first visit reads
	overlap       = 10 * time.Minute // how much later than a newer entry an older one may appear in a list
	maxPages      = 50               // of a list in one visit; the next goes on
	maxPassVisits = 20               // visits in which older pages are read; then the list is begun anew, so that a circle of pages hides nothing
)

func decodeLists(cursor string) lists {
	cur := lists{}
	if json.Unmarshal([]byte(cursor), &cur) != nil {
		return lists{} // of another version, or none: begin anew; what is known counts once
	}
	return cur
}

func (l lists) encode() string {
	doc, _ := json.Marshal(l) // cannot fail
	return string(doc)
}

// readLists reads what is new in each list. One that is refused is named in the note, and the others are read; if all are, that is the error.
func readLists(ctx context.Context, all []list, cursor string, now func() time.Time, emit Emit) error {
	old, cur := decodeLists(cursor), lists{}
	for _, l := range all {
		if cur[l.key] = old[l.key]; cur[l.key] == nil {
			cur[l.key] = &progress{}
		}
	}
	var refused []error
	for _, l := range all {
		err := l.read(ctx, cur, now, emit)
		var no *RefusedError
		if whole := errors.As(err, &no) && no.Whole; errors.Is(err, ErrGiveUp) && !whole {
			if err = fmt.Errorf("%s: %w", l.key, err); len(all) == 1 {
				return err
			}
			refused = append(refused, err)
			continue
		}
		if err != nil {
			return err
		}
	}
	if len(refused) == 0 {
		return nil
	}
	if len(refused) == len(all) {
		return errors.Join(refused...)
	}
	return emit(ctx, Batch{Cursor: cur.encode(), Note: strings.ReplaceAll(errors.Join(refused...).Error(), "\n", "; ")})
}

func (l *list) read(ctx context.Context, cur lists, now func() time.Time, emit Emit) error {
	p := cur[l.key]
	if p.Since.IsZero() || p.Since.After(now()) { // one that lies ahead, by a clock that was wrong, would leave out all that comes until then
		*p = progress{Since: now().Add(overlap - firstReach)}
	}
	if p.Newest.After(now()) {
		p.Newest = time.Time{}
	}
	note := ""
	if p.Visits++; p.Next == "" {
		p.Visits = 0
	} else if p.Visits > maxPassVisits {
		note = fmt.Sprintf("%s: the list did not end within %d pages; what is older is left out", l.key, maxPassVisits*maxPages)
		*p = progress{Since: latest(p.Since, p.Newest)}
	}
	from := p.Since.Add(-overlap)
	again := p.Next != "" // what was published since that pass began lies before its first page
	for range maxPages {
		first := p.Next == ""
		pg, err := l.page(ctx, from, p.Next)
		if no := (*RefusedError)(nil); !first && errors.As(err, &no) && (no.Status == http.StatusBadRequest || no.Status == http.StatusNotFound || no.Status == http.StatusGone) {
			p.Next, p.Newest = "", time.Time{} // the token is known no more: once again from the top, since Since has not moved
			continue
		}
		if err != nil {
			return err
		}
		b := Batch{Bad: pg.bad, Gone: pg.gone, Note: note}
		newest := p.Newest
		for _, m := range pg.mentions {
			if y := m.At.Year(); m.At.Before(from) && y >= oldestYear {
				continue
			}
			b.Mentions = append(b.Mentions, m)
			if at := m.At; first && at.After(newest) && !at.After(now()) { // some clocks are ahead: what they say must not hide others
				newest = at
			}
		}
		p.Newest = newest
		// A page with nothing new is the last, but one whose entries could not be read says nothing. So is one that leads to itself.
		asked := p.Next
		if len(pg.next) > maxValidator {
			pg.next = "" // no service's is so long
		}
		if p.Next = pg.next; p.Next == asked || len(b.Mentions) == 0 && len(pg.mentions) > 0 || len(pg.mentions)+len(pg.bad) == 0 {
			p.Next = ""
		}
		if p.Next == "" {
			p.Since = latest(p.Since, p.Newest)
			p.Newest, p.Visits = time.Time{}, 0
		}
		b.Cursor = cur.encode()
		if err := emit(ctx, b); err != nil {
			return err
		}
		if p.Next == "" && !again {
			return nil
		}
		if p.Next == "" {
			again, from = false, p.Since.Add(-overlap)
		}
	}
	return nil
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
