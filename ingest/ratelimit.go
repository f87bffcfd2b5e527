package ingest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The heads in which services say when a limit ends and what is left of it, in the order in which they are believed. The forms: X, Reddit, Mastodon, Bluesky
// and the IETF's draft-ietf-httpapi-ratelimit-headers.
var (
	resetHeaders     = []string{"x-rate-limit-reset", "X-RateLimit-Reset", "RateLimit-Reset", "Retry-After"}
	remainingHeaders = []string{"x-rate-limit-remaining", "X-RateLimit-Remaining", "RateLimit-Remaining"}
)

// moment reads a time as services write it: RFC 3339, HTTP's form, seconds since 1970, or seconds from now.
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

// retryAfter is the time at which a server wants to be asked again; one that names none or an absurd one gets fallback.
func retryAfter(h http.Header, now time.Time, fallback time.Duration) time.Time {
	for _, head := range resetHeaders {
		if at, ok := parseTime(h.Get(head), now); ok {
			if d := at.Sub(now); d >= 0 && d <= 24*time.Hour {
				return at
			}
			break // a clock is wrong, theirs or ours
		}
	}
	return now.Add(fallback)
}

// spent says whether an answer is the last that the limit allows, and when there is more.
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
