// Package outbound makes HTTP requests to services that the operator configured: channels and language models. Whatever
// must not count as a success is an error: a redirect, a web page, an answer that is too long or cannot be read. No
// error names a secret part of an address.
package outbound

import (
	"bytes"
	"context"
	"encoding/json"
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

	"brandmelder/alert/foreign"
)

// ErrGiveUp is wrapped by errors for which trying again is useless: the address is wrong, not the hour.
var ErrGiveUp = errors.New("trying again is useless")

// ErrTooLong is returned by an answer's body when more than the limit was sent.
var ErrTooLong = errors.New("the answer is too long")

// Guard is the transport of every HTTP request of this package, whichever library makes it. It turns an answer that
// must not count as a success into an error: a redirect, which would make a GET of a POST, a web page, which is what a
// sign-in page answers, and what cannot be read. It reads at most Limit bytes of an answer's body after decompression;
// reading on returns ErrTooLong.
type Guard struct {
	Next    http.RoundTripper
	Limit   int64
	Timeout time.Duration // of request and answer, for clients that have none; 0 for none
}

// RoundTrip implements http.RoundTripper. Its own errors wrap ErrGiveUp, and name no more of an address than scheme and
// host.
func (g *Guard) RoundTrip(req *http.Request) (*http.Response, error) {
	cancel := context.CancelFunc(func() {})
	if g.Timeout > 0 {
		var ctx context.Context
		ctx, cancel = context.WithTimeout(req.Context(), g.Timeout)
		req = req.WithContext(ctx)
	}
	res, err := g.Next.RoundTrip(req)
	if err != nil {
		cancel()
		return nil, err
	}
	body := &bounded{from: res.Body, left: g.Limit, cancel: cancel}
	res.Body = body
	if err := body.look(req, res); err != nil {
		_ = body.Close()
		return nil, err
	}
	return res, nil
}

// look returns the error of an answer that must not count as a success. Of one that may, the body is still there.
func (b *bounded) look(req *http.Request, res *http.Response) error {
	switch encoding := res.Header.Get("Content-Encoding"); {
	case res.StatusCode/100 == 3:
		return &movedError{status: res.StatusCode, to: newPlace(req.URL, res.Header.Get("Location"))}
	case res.StatusCode/100 != 2:
		return nil
	case encoding != "" && !strings.EqualFold(encoding, "identity"): // Go has undone the one that it asks for
		return &pageError{status: res.StatusCode, encoded: true}
	case res.Header.Get("Refresh") != "":
		return &pageError{status: res.StatusCode}
	}
	text, err := io.ReadAll(io.LimitReader(b, b.left))
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if isPage(res.Header.Get("Content-Type"), text) {
		return &pageError{status: res.StatusCode}
	}
	b.read = text
	return nil
}

// CloseIdleConnections passes the request on, as http.Client.CloseIdleConnections expects.
func (g *Guard) CloseIdleConnections() {
	if c, ok := g.Next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// bounded is a body of which at most left bytes are read from its source.
type bounded struct {
	read []byte // was read already, and comes first
	from io.ReadCloser
	left int64

	cancel context.CancelFunc
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
		return 0, ErrTooLong
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func (b *bounded) Close() error {
	defer b.cancel()
	return b.from.Close()
}

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

// pageError is a web page, or what cannot be read, where the receipt for a call was expected.
type pageError struct {
	status  int
	encoded bool // in an encoding that nobody asked for
}

func (e *pageError) Error() string {
	if e.encoded {
		return fmt.Sprintf("the other side answered %d%s and no receipt that can be read (let it answer uncompressed)",
			e.status, encoded)
	}
	return fmt.Sprintf("the other side answered %d%s and no receipt (if it is a sign-in page, configure the address that "+
		"takes calls without signing in)", e.status, aPage)
}

func (e *pageError) Unwrap() error { return ErrGiveUp }

// newPlace is the scheme and host that a redirect of the address leads to. The rest may be a secret.
func newPlace(from *url.URL, location string) string {
	to, err := from.Parse(location)
	if err != nil || location == "" || to.Host == "" {
		return ""
	}
	return foreign.Line((&url.URL{Scheme: to.Scheme, Host: to.Host}).String(), maxHost)
}

const maxHost = 260 // characters of scheme, host and port; a name in the DNS has at most 253

// A tag that no receipt has: one that only pages are made of, where a browser would show one; and what makes a page of
// any text.
var (
	pageTag = regexp.MustCompile(`(?i)<(?:!doctype|html|head|body|title|meta|link|script|style|form|input|iframe|` +
		`frameset|noscript|div|table|h[1-6]|a)[\s/>]`)
	wholePage = regexp.MustCompile(`(?i)<(?:!doctype\s+)?(?:[a-z]+:)?html[\s>]|^<(?:meta|form|input|noscript)[\s/>]|` +
		`<meta\s[^>]*http-equiv|<form\s[^>]*(?:action|method)\s*=`)
)

// isPage reports whether an answer is a web page. The content type alone does not say so: Slack and many small scripts
// answer a plain "ok" or JSON as text/html.
func isPage(contentType string, text []byte) bool {
	text = bytes.ReplaceAll(text, []byte{0}, nil) // half of a page's bytes in UTF-16
	for _, mark := range []string{"\ufeff", "\xff\xfe", "\xfe\xff"} {
		text = bytes.TrimPrefix(text, []byte(mark))
	}
	text = bytes.TrimSpace(text)
	kind, _, _ := mime.ParseMediaType(contentType)
	tagged := bytes.HasPrefix(text, []byte("<"))
	switch {
	case !tagged && strings.HasSuffix(kind, "json"), json.Valid(text):
		return false
	case kind == "text/html", kind == "application/xhtml+xml":
		return tagged || pageTag.Match(text)
	}
	return wholePage.Match(text) || tagged && strings.HasPrefix(http.DetectContentType(text), "text/html")
}

// OwnError returns the error of this package's transport that a library's error wraps or repeats, or nil. A library's
// error may repeat a secret address too.
func OwnError(err error) error {
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
	case errors.Is(err, ErrTooLong):
		return ErrTooLong
	}
	// Some of shoutrrr's services repeat an error's text without wrapping it.
	m := repeated.FindStringSubmatch(err.Error())
	if m == nil {
		return nil
	}
	code, _ := strconv.Atoi(m[1]) // three digits
	if m[2] == aPage || m[2] == encoded {
		return &pageError{code, m[2] == encoded}
	}
	return &movedError{code, m[3]}
}

var repeated = regexp.MustCompile(
	`the other side answered (\d{3})( without a new address| with the new address (\S+)|` + aPage + `|` + encoded + `)`)

const (
	aPage   = " with a web page"
	encoded = " in an unknown encoding"
)

// Client returns a client for requests to what the operator configured. Private addresses are allowed there.
func Client(timeout time.Duration, limit int64) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &Guard{Next: own, Limit: limit}}
}

// own is apart from http.DefaultTransport, which shoutrrr's services share.
var own = http.DefaultTransport.(*http.Transport).Clone()

// Transport returns a transport of its own, with the settings that all requests of this package have.
func Transport() *http.Transport { return own.Clone() }

// WithoutURL takes the address out of an error: it may be a secret.
func WithoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
