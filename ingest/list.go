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

// The functions of this file read lists without a gap. Most services offer lists, newest first, page by page. Since
// moves after the last page was read.

// list is one of a source's lists: a tag, a search, a subreddit.
type list struct {
	key  string // its name in the cursor and in notes
	page func(ctx context.Context, since time.Time, next string) (page, error)
}

// searches returns one list for each search term.
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

// progress is the position in a list. While older pages are read, Newest is what Since becomes after the last one.
type progress struct {
	Since  time.Time `json:"since,omitzero"`
	Newest time.Time `json:"newest,omitzero"`
	Next   string    `json:"next,omitempty"`
	Visits int       `json:"visits,omitempty"` // that read older pages
}

// oldestYear is the first year in which a mention can have been published. An older one becomes a dead letter.
const oldestYear = 1990

const (
	firstReach    = 24 * time.Hour   // that the first visit reads
	overlap       = 10 * time.Minute // how much later than a newer entry an older one may appear
	maxPages      = 50               // of a list in one visit; the next goes on
	maxPassVisits = 20               // visits for older pages, which may form a circle; then the list begins anew
)

func decodeLists(cursor string) lists {
	cur := lists{}
	if json.Unmarshal([]byte(cursor), &cur) != nil {
		return lists{} // of another version: begin anew; known mentions count once
	}
	return cur
}

func (l lists) encode() string {
	doc, _ := json.Marshal(l) // cannot fail
	return string(doc)
}

// readLists reads the new entries of each list. If a list is refused, the note names it and the others are read. If
// all are refused, that is the error.
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

// begin prepares a position for a visit. It reports whether the list was too long, so that older entries are left out.
func (p *progress) begin(now time.Time) (tooLong bool) {
	// A time in the future, of a wrong clock, would skip all entries until then.
	if p.Since.IsZero() || p.Since.After(now) {
		*p = progress{Since: now.Add(overlap - firstReach)}
	}
	if p.Newest.After(now) {
		p.Newest = time.Time{}
	}
	if p.Visits++; p.Next == "" {
		p.Visits = 0
	} else if p.Visits > maxPassVisits {
		*p = progress{Since: latest(p.Since, p.Newest)}
		return true
	}
	return false
}

// advance moves the position behind a page. A page without new entries is the last, unless its entries cannot be read.
// So is a page that leads to itself.
func (p *progress) advance(pg *page, fresh int) {
	asked := p.Next
	if p.Next = pg.next; p.Next == asked || len(p.Next) > maxValidator {
		p.Next = ""
	}
	if fresh == 0 && len(pg.mentions) > 0 || len(pg.mentions)+len(pg.bad) == 0 {
		p.Next = ""
	}
	if p.Next == "" {
		p.Since = latest(p.Since, p.Newest)
		p.Newest, p.Visits = time.Time{}, 0
	}
}

// invalidToken reports whether an error says that the service does not know a page token any more.
func invalidToken(err error) bool {
	var no *RefusedError
	return errors.As(err, &no) && (no.Status == http.StatusBadRequest || no.Status == http.StatusNotFound || no.Status == http.StatusGone)
}

func (l *list) read(ctx context.Context, cur lists, now func() time.Time, emit Emit) error {
	p := cur[l.key]
	note := ""
	if p.begin(now()) {
		note = fmt.Sprintf("%s: the list did not end within %d pages; older entries are left out", l.key, maxPassVisits*maxPages)
	}
	from := p.Since.Add(-overlap)
	again := p.Next != "" // entries since the begin of that pass lie before its first page
	for range maxPages {
		first := p.Next == ""
		pg, err := l.page(ctx, from, p.Next)
		if !first && invalidToken(err) {
			p.Next, p.Newest = "", time.Time{} // read from the top again: Since has not moved
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
			// A time in the future must not hide other entries.
			if at := m.At; first && at.After(newest) && !at.After(now()) {
				newest = at
			}
		}
		p.Newest = newest
		p.advance(&pg, len(b.Mentions))
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
