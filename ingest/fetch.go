package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// service is an HTTP API that a source asks, one request after the other.
type service struct {
	name    string      // as people know it
	base    string      // without a slash at its end
	header  http.Header // of each request: how we are known there
	advice  string      // what a person can do when it refuses us
	deps    Deps
	pausing time.Time // it said that nothing is left until then
}

func newService(name, base, fallback string, d Deps) (*service, error) {
	if base == "" {
		base = fallback
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("url %q is not of the form https://host", base)
	}
	return &service{name: name, base: strings.TrimSuffix(base, "/"), header: http.Header{}, deps: d}, nil
}

// get reads the JSON answer of path?q into into. Errors are those of Source.Listen; none holds the query, which may hold a key.
func (s *service) get(ctx context.Context, path string, q url.Values, into any) (http.Header, error) {
	head, body, err := s.text(ctx, path, q)
	if err != nil {
		return nil, err
	}
	if err := decode(body, into); err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", s.name, err)
	}
	return head, nil
}

// text is get for answers that are not, or not always, JSON.
func (s *service) text(ctx context.Context, path string, q url.Values) (http.Header, []byte, error) {
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return s.do(ctx, http.MethodGet, path, nil)
}

// do asks and reads the whole answer. A body is sent as a form.
func (s *service) do(ctx context.Context, method, path string, body io.Reader) (http.Header, []byte, error) {
	now := s.deps.Now()
	if now.Before(s.pausing) {
		return nil, nil, &SlowDown{s.pausing, s.name + " has nothing left for us"}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, body)
	if err != nil {
		return nil, nil, fmt.Errorf("ask %s: %w", s.name, redact(err))
	}
	req.Header = s.header.Clone()
	if body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := s.send(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("read the answer of %s: %w", s.name, redact(err))
	}
	if until, ok := spent(res.Header, s.deps.Now()); ok {
		s.pausing = until
	}
	return res.Header, text, nil
}

// send sends a request. A status other than 2xx is an error. No error contains the address.
func (s *service) send(req *http.Request) (*http.Response, error) {
	res, err := s.deps.Client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", s.name, redact(err))
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 4000)) // an error is shorter, or not worth more
	return nil, refusal(s.name, s.advice, res, text, s.deps.Now())
}

// RefusedError is an answer that is none, in the service's words.
type RefusedError struct {
	Service string
	Status  int
	Detail  string // what the service said of it, at most maxSaid bytes
	Advice  string
	GiveUp  bool // only a person can mend it
	Whole   bool // it is not one list that is refused, but all that the source asks for
}

func (e *RefusedError) Error() string {
	s := fmt.Sprintf("%s answered %d %s", e.Service, e.Status, http.StatusText(e.Status))
	for _, more := range []string{e.Detail, e.Advice} {
		if more != "" {
			s += ": " + more
		}
	}
	return s
}

// Answer returns the status and the server's explanation, as package x wants it.
func (e *RefusedError) Answer() (status int, detail string) { return e.Status, e.Detail }

func (e *RefusedError) Unwrap() error {
	if e.GiveUp {
		return ErrGiveUp
	}
	return nil
}

// refusal turns a status into an error: 429, and 503 with its time, slow down; what says that it is us who are wrong is for a person.
func refusal(name, advice string, res *http.Response, text []byte, now time.Time) error {
	code := res.StatusCode
	switch {
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != "":
		until := retryAfter(res.Header, now, 15*time.Minute)
		var doc struct { // as Telegram says it
			Parameters struct {
				After int64 `json:"retry_after"`
			} `json:"parameters"`
		}
		if json.Unmarshal(text, &doc) == nil && doc.Parameters.After > 0 && doc.Parameters.After <= 24*3600 {
			until = now.Add(time.Duration(doc.Parameters.After) * time.Second)
		}
		return &SlowDown{until, fmt.Sprintf("%s answered %d %s", name, code, http.StatusText(code))}
	case code == http.StatusUnauthorized, code == http.StatusPaymentRequired, code == http.StatusForbidden, code == http.StatusNotFound, code == http.StatusGone:
		return &RefusedError{Service: name, Status: code, Detail: detail(text), Advice: advice, GiveUp: true, Whole: code == http.StatusUnauthorized || code == http.StatusPaymentRequired}
	}
	return &RefusedError{Service: name, Status: code, Detail: detail(text)}
}

// detail is a server's explanation of an error, if it is JSON and in one of the usual fields: one line of visible
// characters.
func detail(text []byte) string {
	var doc map[string]any
	if json.Unmarshal(text, &doc) != nil {
		return ""
	}
	var said []string
	for _, key := range []string{"detail", "error_description", "description", "message", "error", "title"} {
		switch v := doc[key].(type) {
		case string:
			said = append(said, v)
		case map[string]any:
			if m, ok := v["message"].(string); ok {
				said = append(said, m)
			}
		}
		if len(said) > 0 {
			break
		}
	}
	if list, ok := doc["errors"].([]any); ok { // X names the wrong parameter here
		for _, one := range list {
			if v, ok := one.(map[string]any); ok {
				if m, ok := v["message"].(string); ok {
					said = append(said, m)
				}
			}
		}
	}
	return seen(upTo(strings.Join(said, " "), maxSaid))
}

// seen makes one line of what a server said, without controls and what changes the direction of writing.
func seen(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, strings.Join(strings.Fields(s), " "))
}

// The heads in which services say when a limit ends and what is left of it, in the order in which they are believed. The forms: X, Reddit, Mastodon, Bluesky
// and the IETF's draft-ietf-httpapi-ratelimit-headers.
var (
	resetHeads = []string{"x-rate-limit-reset", "X-RateLimit-Reset", "RateLimit-Reset", "Retry-After"}
	leftHeads  = []string{"x-rate-limit-remaining", "X-RateLimit-Remaining", "RateLimit-Remaining"}
)

// moment reads a time as services write it: RFC 3339, HTTP's form, seconds since 1970, or seconds from now.
func moment(v string, now time.Time) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return t, true
	}
	if t, err := http.ParseTime(v); err == nil {
		return t, true
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
	switch {
	case err != nil || n < 0 || n > 1e11:
		return time.Time{}, false
	case n > 1e9:
		return time.Unix(int64(n), 0), true
	}
	return now.Add(time.Duration(n * float64(time.Second))), true
}

// answered is the error of a status that is not expected. The server's own words for it are left out.
func answered(res *http.Response) error {
	return fmt.Errorf("the server answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))
}

// whole says of a refusal at the login that it is not one list alone that is refused.
func whole(err error) error {
	var no *RefusedError
	if errors.As(err, &no) {
		no.Whole = true
	}
	return err
}

// retryAfter is the time at which a server wants to be asked again; one that names none or an absurd one gets fallback.
func retryAfter(h http.Header, now time.Time, fallback time.Duration) time.Time {
	for _, head := range resetHeads {
		if at, ok := moment(h.Get(head), now); ok {
			if d := at.Sub(now); d >= 0 && d <= 24*time.Hour {
				return at
			}
			break // a clock is wrong, theirs or ours
		}
	}
	return now.Add(fallback)
}

// spent says whether an answer is the last that the limit allows, and when there is more.
func spent(h http.Header, now time.Time) (until time.Time, ok bool) {
	for _, head := range leftHeads {
		v := h.Get(head)
		if v == "" {
			continue
		}
		if left, err := strconv.ParseFloat(v, 64); err != nil || left >= 1 {
			return time.Time{}, false
		}
		return retryAfter(h, now, 0), true
	}
	return time.Time{}, false
}

// anyTime is a time in a service's answer: RFC 3339, also without its zone, which is UTC then, or seconds since 1970. What cannot be read is zero.
type anyTime struct{ time.Time }

func (t *anyTime) UnmarshalJSON(doc []byte) error {
	v := strings.Trim(string(doc), `"`)
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if at, err := time.Parse(form, v); err == nil {
			t.Time = at.UTC()
			return nil
		}
	}
	if n, err := strconv.ParseFloat(v, 64); err == nil && n > 1e8 && n < 1e11 {
		t.Time = time.Unix(int64(n), 0).UTC()
	}
	return nil
}
