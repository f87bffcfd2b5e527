package x

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

const (
	// maxSilence is the longest silence of the stream: X sends a blank line every 20 seconds.
	maxSilence = 30 * time.Second
	// disorder is how much later than a newer post an older one may arrive: the cursor stays so far behind.
	disorder = time.Minute
	// gapSearches is how often the search for the gap goes on before the stream is read.
	gapSearches = 20

	maxLine = 1 << 20 // bytes of a line that are read
	maxSaid = 300     // bytes of X's own words in an error
)

// stream reads the filtered stream, and fills its gaps by search.
type stream struct{ search }

// received is a post of the stream, with the time at which it arrived.
type received struct {
	id string
	at time.Time
}

// Listen connects to the stream, then searches for the posts since the cursor, then reads the stream. In this order
// no post falls between the two. A post that both return has one ID.
func (s *stream) Listen(ctx context.Context, position string, emit Emit) error {
	cur := decodeCursor(position)
	if err := s.syncRules(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	fields := url.Values{}
	setFields(fields)
	res, err := s.request(ctx, http.MethodGet, "/2/tweets/search/stream?"+fields.Encode(), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	for range gapSearches {
		if err := s.all(ctx, cur, emit); err != nil {
			return err
		}
		if !cur.open() {
			break
		}
	}
	watchdog := time.AfterFunc(maxSilence, func() { cancel(fmt.Errorf("the stream was silent for %s", maxSilence)) })
	defer watchdog.Stop()
	lines := bufio.NewReaderSize(res.Body, 1<<16)
	var recent []received // of the last minute
	for {
		line, err := readLine(lines)
		if err != nil {
			return streamError(ctx, err)
		}
		watchdog.Reset(maxSilence)
		if limited, ok := res.Body.(interface{ Reset() }); ok {
			limited.Reset()
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		b, id, err := s.readPost(line)
		if err != nil {
			return err
		}
		recent = append(recent, received{id, s.deps.Now()})
		for ; len(recent) > 0 && s.deps.Now().Sub(recent[0].at) > disorder; recent = recent[1:] {
			cur.passed(recent[0].id, s.deps.Now())
		}
		if b.Cursor, err = cur.encode(); err != nil {
			return err
		}
		if err := emit(ctx, b); err != nil {
			return err
		}
	}
}

// streamError is the reason why the stream ended.
func streamError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if errors.Is(err, io.EOF) {
		return errors.New("X closed the stream")
	}
	return fmt.Errorf("read X's stream: %w", err)
}

// passed moves the positions of all queries behind a post of the stream.
func (c *cursor) passed(id string, now time.Time) {
	for _, p := range c.Queries {
		if validID(id, now) && newer(id, p.Since) {
			p.Since = id
		}
	}
}

// readLine reads a line. Of a line longer than maxLine it returns the beginning.
func readLine(r *bufio.Reader) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part[:min(len(part), maxLine-len(line))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// readPost reads a line of the stream: a post with its ID, or X's notice that the stream ends, as an error.
func (s *stream) readPost(line []byte) (b Batch, id string, err error) {
	var doc struct {
		page
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Title  string `json:"title"`
			Detail string `json:"detail"`
		} `json:"errors"`
	}
	if err := s.deps.Decode(line, &doc); err != nil {
		return Batch{Bad: []Bad{{line, fmt.Errorf("read a line of X's stream: %w", err)}}}, "", nil
	}
	if len(doc.Data) == 0 && len(doc.Errors) > 0 {
		said := doc.Errors[0].Title + " " + doc.Errors[0].Detail
		return Batch{}, "", fmt.Errorf("X ended the stream: %q", said[:min(len(said), maxSaid)])
	}
	var one struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(doc.Data, &one) // batch reports a post without an ID
	found := page{Data: []json.RawMessage{doc.Data}, Includes: doc.Includes}
	return found.batch(), one.ID[:min(len(one.ID), 20)], nil
}
