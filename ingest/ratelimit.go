package ingest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers in which services say when a limit ends and how much of it is left, in order of preference. They are
// those of X, Reddit, Mastodon, Bluesky and the IETF's draft-ietf-httpapi-ratelimit-headers.
var (
	resetHeaders     = []string{"x-rate-limit-reset", "X-RateLimit-Reset", "RateLimit-Reset", "Retry-After"}
	remainingHeaders = []string{"x-rate-limit-remaining", "X-RateLimit-Remaining", "RateLimit-Remaining"}
)

// parseTime reads a time of a header: RFC 3339, the form of HTTP, seconds since 1970, or seconds from now.
func parseTime(v string, now time.Time) (time.Time, bool) {
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

// retryAfter returns the time at which the server wants the next request. It is fallback from now if the headers have
// no time, or one that is more than a day away.
func retryAfter(h http.Header, now time.Time, fallback time.Duration) time.Time {
	for _, head := range resetHeaders {
		if at, ok := parseTime(h.Get(head), now); ok {
			if d := at.Sub(now); d >= 0 && d <= 24*time.Hour {
				return at
			}
			break // one of the clocks is wrong
		}
	}
	return now.Add(fallback)
}

// limitReached reports whether an answer is the last that the limit allows, and until when.
func limitReached(h http.Header, now time.Time) (until time.Time, ok bool) {
	for _, head := range remainingHeaders {
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
