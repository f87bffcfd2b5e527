package web

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"unicode/utf8"
)

// items are the items of a body, one after the other. Of the body no more than one item is held.
type items struct {
	body *bufio.Reader
	at   place

	// next returns errEnd at the end. A badItemError is of this item alone. raw is valid until the next call.
	next func() (raw []byte, at place, err error)
	buf  []byte // of raw

	inList, first bool // of JSON: within a list, before its first item
}

// place is where an item stands: in a line, or at a number.
type place struct {
	line bool
	n    int
}

func (p place) String() string {
	if p.line {
		return fmt.Sprintf("line %d", p.n)
	}
	return fmt.Sprintf("item %d", p.n)
}

// errEnd is the end of a whole body.
var errEnd = errors.New("end of the body")

// badItemError is an item that cannot be read. The next one can.
type badItemError struct{ why string }

func (e *badItemError) Error() string { return e.why }

// endError ends the reading of a body before its end.
type endError struct {
	code int
	why  string
}

func (e *endError) Error() string { return e.why }

func end(code int, format string, args ...any) error {
	return &endError{code, fmt.Sprintf(format, args...)}
}

// itemsOf finds out what the body is: JSON by its Content-Type or because it begins with a bracket, else JSON lines.
// What would be read wrongly is refused.
func itemsOf(r *http.Request) (*items, error) {
	if enc := r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return nil, end(http.StatusUnsupportedMediaType,
			"Content-Encoding %.40q is not taken; send the body as it is", enc)
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind, params = "", nil // such as none
	}
	if set := params["charset"]; set != "" && !strings.EqualFold(set, "utf-8") && !strings.EqualFold(set, "us-ascii") {
		return nil, end(http.StatusUnsupportedMediaType, "charset %.40q is not taken; send UTF-8", set)
	}
	if strings.HasPrefix(kind, "multipart/") {
		return nil, end(http.StatusUnsupportedMediaType,
			"a form is not taken; send JSON or JSON lines as the body itself")
	}
	it := &items{body: bufio.NewReaderSize(r.Body, 64<<10)}
	first, err := it.body.Peek(3)
	if bytes.HasPrefix(first, []byte("\xff\xfe")) || bytes.HasPrefix(first, []byte("\xfe\xff")) {
		return nil, end(http.StatusUnsupportedMediaType, "the body is UTF-16; send UTF-8")
	}
	if err == nil && string(first) == "\xef\xbb\xbf" {
		_, _ = it.body.Discard(len(first)) // it was peeked at
	}
	if kind == "application/json" || kind == "text/json" || strings.HasSuffix(kind, "+json") || it.startsList() {
		it.next = it.nextValue
		return it, nil
	}
	it.at.line = true
	it.next = it.nextLine
	return it, nil
}

// startsList reports whether the body begins with a list, which no JSON line does.
func (it *items) startsList() bool {
	for n := 1; n <= it.body.Size(); n++ {
		b, err := it.body.Peek(n)
		if err != nil {
			return false
		}
		switch b[n-1] {
		case ' ', '\t', '\r', '\n':
		default:
			return b[n-1] == '['
		}
	}
	return false
}

// nextLine reads a line that is not blank. One that is too long is bad, and is skipped.
func (it *items) nextLine() ([]byte, place, error) {
	for {
		it.at.n++
		line, long, err := it.readLine()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, it.at, broken(it.at, err)
		}
		text := bytes.TrimSpace(line)
		switch {
		case long:
			return nil, it.at, &badItemError{fmt.Sprintf("the line is longer than %d MiB", maxItem>>20)}
		case len(text) > 0 && !utf8.Valid(text):
			return nil, it.at, &badItemError{"the line is not UTF-8, which JSON must be"}
		case len(text) > 0:
			return text, it.at, nil
		case err != nil:
			return nil, it.at, errEnd
		}
	}
}

func (it *items) readLine() (line []byte, long bool, err error) {
	it.buf = it.buf[:0]
	for {
		part, err := it.body.ReadSlice('\n')
		if long = long || len(it.buf)+len(part) > maxItem+2; !long { // and its end
			it.buf = append(it.buf, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return it.buf, long, err
		}
	}
}

// nextValue finds the next value, or the next item of a list. It goes by quotes and brackets alone and uses no
// recursion: what is wrong within an item is wrong with that item, and the next one is found.
func (it *items) nextValue() ([]byte, place, error) {
	it.at.n++
	c, err := it.solid()
	for err == nil && (it.inList || c == '[') {
		switch {
		case !it.inList:
			it.inList, it.first = true, true
		case c == ']':
			it.inList = false
		case !it.first && c != ',':
			return nil, it.at, it.syntax(c, "a comma or the end of the list")
		case !it.first:
			if c, err = it.solid(); err != nil {
				return nil, it.at, it.cut(err)
			}
			return it.value(c)
		default:
			it.first = false
			return it.value(c)
		}
		c, err = it.solid()
	}
	switch {
	case errors.Is(err, io.EOF) && !it.inList:
		return nil, it.at, errEnd
	case err != nil:
		return nil, it.at, it.cut(err)
	}
	return it.value(c)
}

// solid reads the next byte that is not white space.
func (it *items) solid() (byte, error) {
	for {
		c, err := it.body.ReadByte()
		if err != nil || c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, err
		}
	}
}

// value reads the value that begins with c, to its end.
func (it *items) value(c byte) ([]byte, place, error) {
	if strings.IndexByte(",:]}", c) >= 0 {
		return nil, it.at, it.syntax(c, "a value")
	}
	it.buf = it.buf[:0]
	depth, quoted, escaped, long := 0, false, false, false
	for {
		if long = long || len(it.buf) == maxItem; !long {
			it.buf = append(it.buf, c)
		}
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = c == '\\', c != '"'
		case c == '"':
			quoted = true
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		}
		if depth == 0 && !quoted {
			whole, err := it.closes(c)
			if err != nil {
				return nil, it.at, broken(it.at, err)
			}
			if whole {
				break
			}
		}
		var err error
		if c, err = it.body.ReadByte(); err != nil {
			return nil, it.at, it.cut(err)
		}
	}
	switch {
	case long:
		return nil, it.at, &badItemError{fmt.Sprintf("it is longer than %d MiB", maxItem>>20)}
	case !utf8.Valid(it.buf):
		return nil, it.at, &badItemError{"it is not UTF-8, which JSON must be"}
	}
	return it.buf, it.at, nil
}

// closes reports whether c, at depth 0, ends its value: a bracket or quote does, and so does what a number or word is
// followed by.
func (it *items) closes(c byte) (bool, error) {
	if strings.IndexByte("]}\"", c) >= 0 {
		return true, nil
	}
	next, err := it.body.Peek(1)
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return err == nil && strings.IndexByte(" \t\r\n,:[]{}\"", next[0]) >= 0, err
}

func (it *items) syntax(c byte, want string) error {
	return end(http.StatusBadRequest, "%s: got %q, want %s; it and what follows was not read", it.at, c, want)
}

// cut is the error of a body that ends within a value or list.
func (it *items) cut(err error) error {
	if errors.Is(err, io.EOF) {
		return end(http.StatusBadRequest,
			"%s: the body ends within it or its list; a bracket or quote is not closed", it.at)
	}
	return broken(it.at, err)
}

// broken is the error of a body that cannot be read on.
func broken(at place, err error) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return end(http.StatusRequestEntityTooLarge,
			"more than %d MiB in one request; %s and what follows was not read: send it in another request",
			large.Limit>>20, at)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return end(http.StatusRequestTimeout,
			"the body did not end in time; %s and what follows was not read: send it again", at)
	}
	return end(http.StatusBadRequest, "the body was cut; %s and what follows was not read: send it again", at)
}

// shorten makes an error's text fit into an answer.
func shorten(text string) string {
	if len(text) <= maxErrorText {
		return strings.ToValidUTF8(text, "")
	}
	return strings.ToValidUTF8(text[:maxErrorText], "") + "…"
}
