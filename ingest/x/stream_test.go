package x

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/ingest/x/xtest"
)

// The search finds the posts from before the stream, from between two connections, and from while it was cut.
func TestXsStreamAndSearchTogetherLeaveNoGap(t *testing.T) {
	srv, s := posts(t, 12, Config{Mode: "stream"})
	srv.AddRule("theirs", "other")
	srv.AddRule("brandmelder", "of an old configuration")
	var mu sync.Mutex
	var all []brand.Mention
	cursor := ""
	connect := func() (ended chan error) {
		ended = make(chan error, 1)
		go func() {
			ended <- s.Listen(t.Context(), cursor, func(_ context.Context, b Batch) error {
				mu.Lock()
				defer mu.Unlock()
				all, cursor = append(all, b.Mentions...), b.Cursor
				return nil
			})
		}()
		return ended
	}
	arrives := func(text string) {
		t.Helper()
		for range 1000 {
			mu.Lock()
			is := slices.ContainsFunc(all, func(m brand.Mention) bool { return m.Text == text })
			mu.Unlock()
			if is {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("%q did not arrive", text)
	}
	ended := connect()
	arrives("acme & 1")
	srv.Post(t0, "en", "acme 13, live")
	arrives("acme 13, live")
	srv.Hangup()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "closed the stream") {
		t.Errorf("got %v", err)
	}
	srv.Post(t0, "en", "acme 14, while disconnected")
	srv.Next(xtest.None, xtest.Cut) // the rules are read, then the stream is cut within its third line
	ended = connect()
	arrives("acme 14, while disconnected")
	for i := 15; i <= 17; i++ {
		srv.Post(t0, "en", fmt.Sprintf("acme %d", i))
	}
	if err := <-ended; err == nil {
		t.Error("a cut stream is no error")
	}
	ended = connect()
	arrives("acme 17")
	srv.Hangup()
	<-ended
	complete(t, all, 17)
	rules := srv.Rules()
	slices.Sort(rules)
	if !slices.Equal(rules, []string{"brandmelder: ((acme OR @acme))", "theirs: other"}) {
		t.Errorf("the rules are %q", rules)
	}
}

// Any line gives posts, items that cannot be read, or an error.
func FuzzStream(f *testing.F) {
	f.Add(`{"data":[{"id":"1"}]}`)
	f.Add(`{"data":{"id":"1","created_at":"2026-03-14T18:00:00Z"},"errors":[{"title":"x"}]}`)
	s := &stream{search{client: client{deps: depsOf(nil, time.Now)}}}
	f.Fuzz(func(_ *testing.T, line string) {
		_, _, _ = s.readPost([]byte(line))
	})
}
