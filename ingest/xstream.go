package ingest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// xQuiet is how long the stream may be silent: X sends a blank line every 20 seconds.
const xQuiet = 30 * time.Second

// xDisorder is how much later than a newer post an older one may come on the stream: the cursor stays that far behind.
const xDisorder = time.Minute

// streamed is a post heard on the stream.
type streamed struct {
	id string
	at time.Time
}

// xGap is how often the search for what the stream missed goes on, maxPages each time.
const xGap = 20

const xTag = "brandmelder"

// listenStream connects to the filtered stream, then fills the gap since the cursor by search, then hears the stream. In that order
// nothing falls between the two; what both bring counts once.
func (s *x) listenStream(ctx context.Context, cur *xCursor, emit Emit) error {
	if err := s.syncRules(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	v := url.Values{}
	xFields(v)
	res, err := s.request(ctx, http.MethodGet, "/2/tweets/search/stream?"+v.Encode(), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	for range xGap {
		if err := s.search(ctx, cur, emit); err != nil {
			return err
		}
		if !cur.open() {
			break
		}
	}
	watchdog := time.AfterFunc(xQuiet, func() { cancel(fmt.Errorf("the stream was silent for %s", xQuiet)) })
	defer watchdog.Stop()
	br := bufio.NewReaderSize(res.Body, 1<<16)
	var heard []streamed // the last minute's
	for {
		line, _, err := readLine(br)
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			if errors.Is(err, io.EOF) {
				return errors.New("X closed the stream")
			}
			return fmt.Errorf("read the stream: %w", redact(err))
		}
		watchdog.Reset(xQuiet)
		if b, ok := res.Body.(*bounded); ok {
			b.left = maxBody
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		b, id, err := streamLine(line)
		if err != nil {
			return err
		}
		heard = append(heard, streamed{upTo(id, 20), s.deps.Now()})
		for ; len(heard) > 0 && s.deps.Now().Sub(heard[0].at) > xDisorder; heard = heard[1:] {
			for _, p := range cur.Queries {
				if xID(heard[0].id, s.deps.Now()) && newer(heard[0].id, p.Since) {
					p.Since = heard[0].id
				}
			}
		}
		if b.Cursor, err = cur.encode(); err != nil {
			return err
		}
		if err := emit(ctx, b); err != nil {
			return err
		}
	}
}

// streamLine reads one line of the stream: a post, or X's word that it ends.
func streamLine(line []byte) (Batch, string, error) {
	var doc struct {
		Data     json.RawMessage `json:"data"`
		Includes struct {
			Users []xUser `json:"users"`
		} `json:"includes"`
		Errors []struct {
			Title  string `json:"title"`
			Detail string `json:"detail"`
		} `json:"errors"`
	}
	if err := decode(line, &doc); err != nil {
		return Batch{Bad: []Bad{unread(line, fmt.Errorf("read a line of X's stream: %w", err))}}, "", nil
	}
	if len(doc.Data) == 0 && len(doc.Errors) > 0 {
		return Batch{}, "", fmt.Errorf("X ended the stream: %s %s", upTo(doc.Errors[0].Title, maxSaid), upTo(doc.Errors[0].Detail, maxSaid))
	}
	page := xPageDoc{Data: []json.RawMessage{doc.Data}}
	page.Includes.Users = doc.Includes.Users
	var id struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(doc.Data, &id) // a post without one is bad, and page.batch says so
	return page.batch(), id.ID, nil
}

// syncRules makes the stream's rules those of the topics. Rules of others, without our tag, stay.
func (s *x) syncRules(ctx context.Context) error {
	const path = "/2/tweets/search/stream/rules"
	type rule struct {
		ID    string `json:"id,omitempty"`
		Value string `json:"value"`
		Tag   string `json:"tag,omitempty"`
	}
	var have struct {
		Data []rule `json:"data"`
	}
	if err := s.get(ctx, path, &have); err != nil {
		return err
	}
	want := map[string]bool{}
	for _, q := range s.queries {
		want[q] = true
	}
	var gone []string
	for _, r := range have.Data {
		if want[r.Value] {
			delete(want, r.Value)
		} else if r.Tag == xTag {
			gone = append(gone, r.ID)
		}
	}
	post := func(body any) error {
		doc, err := json.Marshal(body)
		if err != nil {
			return err
		}
		res, err := s.request(ctx, http.MethodPost, path, bytes.NewReader(doc))
		if err != nil {
			return fmt.Errorf("set the stream's rules: %w", err)
		}
		return res.Body.Close()
	}
	if len(gone) > 0 {
		if err := post(map[string]any{"delete": map[string]any{"ids": gone}}); err != nil {
			return err
		}
	}
	var add []rule
	for _, q := range s.queries {
		if want[q] {
			add = append(add, rule{Value: q, Tag: xTag})
		}
	}
	if len(add) > 0 {
		return post(map[string]any{"add": add})
	}
	return nil
}
