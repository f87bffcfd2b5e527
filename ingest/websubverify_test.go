package ingest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A hub asks back whether we want a subscription. Only the feed that was subscribed to is confirmed, also by a process
// that did not ask itself, and a lease or challenge that cannot be is not believed.
//
// Fails on 0005da9: another feed's topic is confirmed with 200 and the challenge; a lease of 300 days is believed; a
// denial gets 404.
func TestOnlyTheFeedThatWasSubscribedToIsConfirmed(t *testing.T) {
	now := time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC)
	hub := func() *websub {
		return &websub{name: "my paper", wake: func() {}, deps: Deps{
			Now: func() time.Time { return now }, Key: func(context.Context, string) ([]byte, error) { return []byte("key"), nil },
		}}
	}
	const topic = "http://feed.test/rss"
	key, err := hub().secret(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		mode, topic, lease, challenge string
		code                          int
		until                         time.Duration // from now; 0: none
	}{
		"as asked":              {"subscribe", topic, "864000", "abc", 200, 10 * day},
		"another feed":          {"subscribe", "http://feed.test/other", "864000", "abc", 404, 0},
		"no topic":              {"subscribe", "", "864000", "abc", 404, 0},
		"topic as a prefix":     {"subscribe", topic + "x", "864000", "abc", 404, 0},
		"an end":                {"unsubscribe", topic, "864000", "abc", 404, 0},
		"no mode":               {"", topic, "864000", "abc", 404, 0},
		"denied":                {"denied", topic, "", "", 200, 0},
		"another feed denied":   {"denied", "http://feed.test/other", "", "", 404, 0},
		"no challenge":          {"subscribe", topic, "864000", "", 404, 0},
		"an endless challenge":  {"subscribe", topic, "864000", strings.Repeat("a", hubText+1), 404, 0},
		"no lease":              {"subscribe", topic, "", "abc", 200, day},
		"a negative lease":      {"subscribe", topic, "-5", "abc", 200, day},
		"an absurd lease":       {"subscribe", topic, "9223372036854775807", "abc", 200, hubMaxLease},
		"a lease of 300 days":   {"subscribe", topic, "25920000", "abc", 200, hubMaxLease},
		"a lease beyond 64 bit": {"subscribe", topic, "99999999999999999999", "abc", 200, day},
	} {
		w := hub()
		q := url.Values{
			"k": {token(key)}, "t": {topicToken(key, topic)}, "hub.mode": {c.mode}, "hub.topic": {c.topic}, "hub.lease_seconds": {c.lease},
			"hub.challenge": {c.challenge}, "hub.reason": {strings.Repeat("no ", 1000)},
		}
		rw := httptest.NewRecorder()
		w.ServeHTTP(rw, httptest.NewRequest(http.MethodGet, "/hooks/my%20paper?"+q.Encode(), nil))
		if rw.Code != c.code || c.code == 200 && c.mode == "subscribe" && rw.Body.String() != c.challenge {
			t.Errorf("%s: got %d %.100q, want %d", name, rw.Code, rw.Body, c.code)
		}
		if got := w.until.Sub(now); w.until.IsZero() != (c.until == 0) || c.until > 0 && got != c.until {
			t.Errorf("%s: the lease lasts %s, want %s", name, got, c.until)
		}
		if note := w.note(); c.mode == "denied" && c.code == 200 && (!strings.Contains(note, "denies") || len(note) > 500) {
			t.Errorf("%s: the note is %q", name, note)
		}
	}
}
