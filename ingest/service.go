package ingest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// service is an HTTP API. A source sends it one request after the other.
type service struct {
	name    string      // in errors
	base    string      // without a slash at the end
	header  http.Header // of each request, with the authorization
	advice  string      // for a person, when it refuses
	deps    Deps
	pausing time.Time // its rate limit is used up until then
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

// get decodes the JSON answer of path?q. Errors are those of Source.Listen. None contains the query, which may
// contain a key.
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

// text is get for answers that are not always JSON.
func (s *service) text(ctx context.Context, path string, q url.Values) (http.Header, []byte, error) {
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return s.do(ctx, http.MethodGet, path, nil)
}

// do sends a request and reads the whole answer. A body is a form unless the header says otherwise.
func (s *service) do(ctx context.Context, method, path string, body io.Reader) (http.Header, []byte, error) {
	now := s.deps.Now()
	if now.Before(s.pausing) {
		return nil, nil, &SlowDown{s.pausing, s.name + "'s rate limit is used up"}
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
	if until, ok := limitReached(res.Header, s.deps.Now()); ok {
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

// anyTime is a time in a service's answer: RFC 3339, with or without a zone (then UTC), or seconds since 1970. It is
// zero if it cannot be read.
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
