package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
)

// oneAnswer is a network that answers what answer returns for a request.
type oneAnswer func(r *http.Request) string

func (a oneAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	return answering(a(r)).RoundTrip(r)
}

// visits lets a source visit several times, from a first cursor. It returns the mentions of all visits and the last
// cursor.
func visits(t *testing.T, conf Config, cursor string, n int, answer func(r *http.Request) string) (ids []string, last string) {
	t.Helper()
	conf.URL, conf.BaseURL = "http://a.test", "http://a.test"
	s, err := kinds[conf.Kind].make(conf, Deps{
		Client: &http.Client{Transport: oneAnswer(answer)}, Topics: []brand.Topic{{Name: "a", Query: "acme"}}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		err := s.Listen(t.Context(), cursor, func(_ context.Context, b Batch) error {
			for _, m := range b.Mentions {
				ids = append(ids, m.ID)
			}
			cursor = b.Cursor
			return nil
		})
		if err != nil {
			t.Fatalf("%s with the cursor %s: %v", conf.Kind, cursor, err)
		}
	}
	return ids, cursor
}

// A cursor that lies years ahead or behind, was damaged, or holds numbers that cannot be: what is published now is read
// all the same.
//
// Fails on 0005da9: with "since" in the year 9999 nothing is read of a list; Telegram is asked from 9223372036854775807
// on; X is asked for posts behind 9223372036854775807.
func TestACursorThatCannotBeHidesNothing(t *testing.T) {
	now := time.Now().UTC().Add(-time.Minute)
	stories := func(*http.Request) string {
		return fmt.Sprintf(`{"hits":[{"objectID":"7","created_at_i":%d,"title":"acme"}]}`, now.Unix())
	}
	for _, cursor := range []string{
		`{"acme":{"since":"9999-12-31T23:59:59Z"}}`, `{"acme":{"since":"0001-01-01T00:00:01Z","newest":"9999-01-01T00:00:00Z"}}`, `{"acme":{"since":"9999-01-01T00:00:00Z","next":"3"}}`,
		`{"acme":null}`, `{"acme":{"since":"-1"}}`, `null`, `[]`, `9223372036854775807`, strings.Repeat("[", 20_000),
	} {
		if ids, last := visits(t, Config{Kind: "hackernews"}, cursor, 1, stories); !slices.Contains(ids, "hn:7") || strings.Contains(last, "9999") {
			t.Errorf("a list with the cursor %.60s: got %v, then %s", cursor, ids, last)
		}
	}
	for _, cursor := range []string{"9223372036854775807", "-9223372036854775808", "-1", "99999999999999999999", "x"} {
		ids, last := visits(t, Config{Kind: "telegram", Token: "a"}, cursor, 1, func(r *http.Request) string {
			if at := r.URL.Query().Get("offset"); at != "" {
				return `{"result":[]}`
			}
			return fmt.Sprintf(`{"result":[{"update_id":7,"channel_post":{"message_id":1,"date":%d,"chat":{"id":1},"text":"acme"}}]}`, now.Unix())
		})
		if len(ids) != 1 || last != "8" {
			t.Errorf("Telegram with the cursor %s: got %v, then %s", cursor, ids, last)
		}
	}
	for _, id := range []string{"9223372036854775807", "-5", "99999999999999999999", "a"} {
		cursor := fmt.Sprintf(`{"queries":{"(acme)":{"since":%q}}}`, id)
		ids, _ := visits(t, Config{Kind: "x", Token: "a"}, cursor, 1, func(r *http.Request) string {
			if r.URL.Query().Get("since_id") != "" {
				return `{"meta":{"total_tweet_count":0}}`
			}
			return fmt.Sprintf(`{"data":[{"id":"20","text":"acme","created_at":%q}],"meta":{"newest_id":"20"}}`, now.Format(time.RFC3339))
		})
		if len(ids) != 1 {
			t.Errorf("X with the cursor %s: got %v", id, ids)
		}
	}
}

// A service says numbers and times that cannot be: they do not become the cursor, and what comes next is read.
//
// Fails on 0005da9: an update numbered 2^63-1 makes Telegram's cursor negative; an ID of 40 digits becomes X's cursor;
// an event of the year 294,000 becomes Jetstream's.
func TestWhatCannotBeDoesNotMoveTheCursor(t *testing.T) {
	now := time.Now().UTC().Add(-time.Minute)
	_, last := visits(t, Config{Kind: "telegram", Token: "a"}, "", 1, func(*http.Request) string {
		return fmt.Sprintf(`{"result":[{"update_id":7,"channel_post":"?"},{"update_id":9223372036854775807,"channel_post":{"date":%d,"text":"acme"}},{"update_id":-9}]}`, now.Unix())
	})
	if last != "8" {
		t.Errorf("Telegram's cursor is %s, want 8: behind the one that cannot be read", last)
	}
	for _, newest := range []string{"9223372036854775807", strings.Repeat("9", 40), "x"} {
		_, last = visits(t, Config{Kind: "x", Token: "a"}, "", 1, func(*http.Request) string { return `{"meta":{"newest_id":"` + newest + `","next_token":""}}` })
		if strings.Contains(last, newest) {
			t.Errorf("X's cursor is %s", last)
		}
	}
	made, err := newBluesky(Config{}, Deps{Topics: []brand.Topic{{Name: "a", Query: "acme"}}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, us := range []int64{1<<63 - 1, -1 << 63, -1, now.Add(time.Hour).UnixMicro()} {
		s := made.(*bluesky)
		b, at := s.event([]byte(`{"did":"d","kind":"commit","time_us":` + strconv.FormatInt(us, 10) + `,"commit":{"operation":"create","collection":"app.bsky.feed.post","rkey":"1","record":{"text":"acme"}}}`))
		if len(b.Mentions) != 1 || b.Mentions[0].At.After(time.Now()) || b.Mentions[0].At.Before(now) || s.plausible(at) {
			t.Errorf("an event of %d: got %+v", us, b)
		}
	}
}

// A service's pages lead in a circle. New posts are read all the same.
//
// Fails on 0005da9: the list never ends, and its first page, where what is new stands, is not read again.
func TestPagesInACircleHideNothing(t *testing.T) {
	now := time.Now().UTC().Add(-time.Minute)
	asked := 0
	ids, _ := visits(t, Config{Kind: "lemmy", Communities: []string{"c"}}, "", 2*maxPassVisits+2, func(r *http.Request) string {
		if strings.Contains(r.URL.Path, "comment") {
			return `{}`
		}
		next := map[string]string{"": "A", "A": "B", "B": "A"}[r.URL.Query().Get("page_cursor")]
		id := "old" + next
		if r.URL.Query().Get("page_cursor") == "" {
			asked++
			id = fmt.Sprintf("new%d", asked)
		}
		return fmt.Sprintf(`{"posts":[{"post":{"ap_id":%q,"name":"acme","published":%q}}],"next_page":%q}`, id, now.Format(time.RFC3339), next)
	})
	if !slices.Contains(ids, "new2") {
		t.Errorf("the first page was asked for %d times", asked)
	}
}

// A cursor stays small, whatever a server sends.
func TestACursorStaysSmall(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	_, last := visits(t, Config{Kind: "lemmy", Communities: []string{"c"}}, "", 1, func(*http.Request) string {
		return fmt.Sprintf(`{"posts":[{"post":{"ap_id":"1","name":"acme","published":%q}}],"next_page":%q}`, time.Now().UTC().Format(time.RFC3339), long)
	})
	if len(last) > 2000 {
		t.Errorf("the cursor has %d bytes", len(last))
	}
	h := http.Header{"Etag": {long}, "Last-Modified": {"x"}}
	if validator(h, "ETag") != "" || validator(h, "Last-Modified") != "x" {
		t.Error("a validator of 1 MiB is kept")
	}
	var r remembered
	r.put(long, "a")
	if _, ok := r.get(long); ok {
		t.Error("an ID of 1 MiB is remembered")
	}
}
