package alert

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// maxAnswer bounds an answer of a channel, in bytes after decompression. The longest that a service documents has a
	// few hundred.
	maxAnswer = 64 << 10
	// maxModelAnswer bounds an answer of a language model. A draft of maxDraft characters takes less than 20 KiB; the
	// rest is for servers that send their model's reasoning along. The widest JSON of this size takes about 70 MB in
	// memory.
	maxModelAnswer = 128 << 10
	// sniffed is how many bytes of an answer are looked at to see whether it is a web page.
	sniffed = 512
)

// errTooLong is returned by an answer's body when more than the limit was sent.
var errTooLong = errors.New("the answer is too long")

// guard is the transport of every HTTP request of this package, whichever library makes it. It turns an answer that
// must not count as a success into an error: a redirect, which would make a GET of a POST, and a web page, which is
// what a sign-in page answers. It reads at most limit bytes of an answer's body after decompression; reading on returns
// errTooLong.
type guard struct {
	next  http.RoundTripper
	limit int64
}

// RoundTrip implements http.RoundTripper. Its own errors wrap ErrGiveUp, and name no more of an address than scheme and
// host.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := g.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 == 3 {
		_ = res.Body.Close()
		return nil, &movedError{status: res.StatusCode, to: newPlace(req.URL, res.Header.Get("Location"))}
	}
	body := &bounded{from: res.Body, left: g.limit}
	res.Body = body
	if res.StatusCode/100 == 2 {
		head, err := io.ReadAll(io.LimitReader(body, sniffed))
		if err != nil {
			_ = res.Body.Close()
			return nil, err
		}
		if isPage(res.Header.Get("Content-Type"), head) {
			_ = res.Body.Close()
			return nil, &pageError{status: res.StatusCode}
		}
		body.read = head
	}
	return res, nil
}

// CloseIdleConnections passes the request on, as http.Client.CloseIdleConnections expects.
func (g *guard) CloseIdleConnections() {
	if c, ok := g.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// bounded is a body of which at most left bytes are read from its source.
type bounded struct {
	read []byte // was read already, and comes first
	from io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if len(b.read) > 0 {
		n := copy(p, b.read)
		b.read = b.read[n:]
		return n, nil
	}
	if b.left <= 0 {
		var one [1]byte
		if n, err := b.from.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, errTooLong
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func (b *bounded) Close() error { return b.from.Close() }

// movedError is a redirect that was not followed.
type movedError struct {
	status int
	to     string // scheme and host; "" where the answer names none
}

func (e *movedError) Error() string {
	to := "without a new address"
	if e.to != "" {
		to = "with the new address " + e.to
	}
	return fmt.Sprintf("the other side answered %d %s (a call does not follow a redirect: configure the address that "+
		"takes calls without signing in)", e.status, to)
}

func (e *movedError) Unwrap() error { return ErrGiveUp }

// pageError is a web page where the receipt for a call was expected.
type pageError struct{ status int }

func (e *pageError) Error() string {
	return fmt.Sprintf("the other side answered %d with a web page and no receipt (if it is a sign-in page, configure "+
		"the address that takes calls without signing in)", e.status)
}

func (e *pageError) Unwrap() error { return ErrGiveUp }

// newPlace is the scheme and host that a redirect of the address leads to. The rest may be a secret.
func newPlace(from *url.URL, location string) string {
	to, err := from.Parse(location)
	if err != nil || location == "" || to.Host == "" {
		return ""
	}
	return ForeignLine((&url.URL{Scheme: to.Scheme, Host: to.Host}).String(), maxHost)
}

const maxHost = 260 // characters of scheme, host and port; a name in the DNS has at most 253

// isPage reports whether an answer is a web page. The content type alone does not say so: Slack and many small scripts
// answer a plain "ok" as text/html.
func isPage(contentType string, head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
	if !bytes.HasPrefix(head, []byte("<")) {
		return false
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	return kind == "text/html" || kind == "application/xhtml+xml" ||
		strings.HasPrefix(http.DetectContentType(head), "text/html")
}

// ownError returns the error of this package's transport that a library's error wraps or repeats, or nil. A library's
// error may repeat a secret address too.
func ownError(err error) error {
	if err == nil {
		return nil
	}
	var moved *movedError
	var page *pageError
	switch {
	case errors.As(err, &moved):
		return moved
	case errors.As(err, &page):
		return page
	case errors.Is(err, errTooLong):
		return errTooLong
	}
	// Some of shoutrrr's services repeat an error's text without wrapping it.
	m := repeated.FindStringSubmatch(err.Error())
	if m == nil {
		return nil
	}
	code, _ := strconv.Atoi(m[1]) // three digits
	if m[2] == aPage {
		return &pageError{code}
	}
	return &movedError{code, m[3]}
}

var repeated = regexp.MustCompile(
	`the other side answered (\d{3}) with(out a new address| the new address (\S+)| a web page)`)

const aPage = " a web page"

// newClient returns a client for requests to what the operator configured. Private addresses are allowed there.
func newClient(timeout time.Duration, limit int64) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &guard{ownTransport, limit}}
}

// ownTransport is apart from http.DefaultTransport, which shoutrrr's services share.
var ownTransport = http.DefaultTransport.(*http.Transport).Clone()
