package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// RefusedError is an answer with another status than 2xx.
type RefusedError struct {
	Service string
	Status  int
	Detail  string // the service's explanation, at most maxDetail bytes
	Advice  string
	GiveUp  bool // only a person can correct it
	Whole   bool // it concerns all lists of the source
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

// refusal makes an error of an answer with another status than 2xx. For 429, and for 503 with a time, it is a
// SlowDown. A status that says that the request is at fault needs a person.
func refusal(name, advice string, res *http.Response, text []byte, now time.Time) error {
	code := res.StatusCode
	switch {
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != "":
		until := retryAfter(res.Header, now, 15*time.Minute)
		var doc struct { // Telegram's form
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
	return visible(truncate(strings.Join(said, " "), maxDetail))
}

// visible returns the text as one line without control characters and characters that change the direction of
// writing.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, strings.Join(strings.Fields(s), " "))
}

// statusError is the error of an unexpected status, without the server's own text.
func statusError(res *http.Response) error {
	return fmt.Errorf("the server answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))
}

// wholeSource marks a refusal, as of a login, as one that concerns all lists of the source.
func wholeSource(err error) error {
	var no *RefusedError
	if errors.As(err, &no) {
		no.Whole = true
	}
	return err
}
