package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/ingest/xtest"
)

var t0 = time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC)

// xs is X with n posts, and a source that listens to it.
func xs(t *testing.T, n int, c Config) (*xtest.Server, Source) {
	t.Helper()
	srv := xtest.New(t, "geheim")
	srv.Page = 10
	for i := range n {
		srv.Post(t0.Add(time.Duration(i)*time.Minute), "en", fmt.Sprintf("acme &amp; %d", i+1))
	}
	c.Kind, c.Token, c.BaseURL = "x", "geheim", srv.URL
	// A client without the pace that real hosts are due.
	made, err := newX(c, Deps{Client: &http.Client{Transport: http.DefaultTransport}, Topics: []brand.Topic{{Name: "a", Query: "acme OR @acme"}}, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return srv, made
}

// once says that each of n posts was heard exactly once by ID.
func once(t *testing.T, ms []brand.Mention, n int) {
	t.Helper()
	heard := map[string]bool{}
	for _, m := range ms {
		heard[m.ID] = true
	}
	for i := 1; i <= n; i++ {
		if !heard[fmt.Sprintf("x:%d", i)] {
			t.Errorf("post %d was not heard", i)
		}
	}
}

func TestXIsReadPageByPageWithoutAGapAlsoWhenItIsCutShort(t *testing.T) {
	srv, s := xs(t, 25, Config{})
	srv.Next(xtest.None, xtest.TooMany) // the second page fails
	all, _, cursor, err := heard(t, s, "")
	var slow *SlowDown
	if !errors.As(err, &slow) || len(all) != 10 || all[0].Text != "acme & 25" || all[0].Author != "user25" || all[0].Followers != 250 {
		t.Fatalf("got %d posts, %v; want the first page and a word to slow down", len(all), err)
	}
	srv.Post(t0.Add(time.Hour), "de", "acme 26") // meanwhile
	for range 2 {
		ms, _, next, err := heard(t, s, cursor)
		if err != nil {
			t.Fatal(err)
		}
		all, cursor = append(all, ms...), next
	}
	if once(t, all, 26); len(all) != 26 {
		t.Errorf("26 posts were read as %d", len(all))
	}
	reads := srv.Reads()
	if ms, _, _, err := heard(t, s, cursor); err != nil || len(ms) != 0 || srv.Reads() != reads {
		t.Errorf("nothing new: got %v, %v, %d reads", ms, err, srv.Reads()-reads)
	}
}

// Whatever goes wrong, and however often: in the end each post was heard.
func TestXWithEveryFaultLeavesNoGap(t *testing.T) {
	for _, c := range []Config{{}, {API: "v1.1"}} {
		srv, s := xs(t, 30, c)
		srv.Again, srv.Skew, srv.Reset = true, 30*time.Second, 0
		srv.Wild(rand.New(rand.NewPCG(1, 2)))
		var all []brand.Mention
		cursor, n := "", 30
		for i := range 200 {
			if i%4 == 0 && n < 60 {
				n++
				srv.Post(t0.Add(time.Duration(n)*time.Minute), "en", "acme")
			}
			ms, _, next, err := heard(t, s, cursor)
			if errors.Is(err, ErrGiveUp) {
				t.Fatalf("%q: %v", c.API, err)
			}
			all, cursor = append(all, ms...), next
		}
		once(t, all, n)
	}
}

func TestARefusedTokenIsForAPersonAndNeverShown(t *testing.T) {
	for _, c := range []Config{{}, {API: "v1.1"}, {Mode: "stream"}} {
		srv, s := xs(t, 1, c)
		srv.Token = "another"
		if _, _, _, err := heard(t, s, ""); !errors.Is(err, ErrGiveUp) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

// The stream is joined to what was published before it, between two connections, and while it was cut.
func TestXsStreamAndSearchTogetherLeaveNoGap(t *testing.T) {
	srv, s := xs(t, 12, Config{Mode: "stream"})
	srv.AddRule("theirs", "other")
	srv.AddRule("brandmelder", "of an old configuration")
	var mu sync.Mutex
	var all []brand.Mention
	cursor := ""
	listen := func() (ended chan error) {
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
	hears := func(text string) {
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
		t.Fatalf("%q was not heard", text)
	}
	ended := listen()
	hears("acme & 1")
	srv.Post(t0, "en", "acme 13, live")
	hears("acme 13, live")
	srv.Hangup()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "closed the stream") {
		t.Errorf("got %v", err)
	}
	srv.Post(t0, "en", "acme 14, when nobody listened")
	srv.Next(xtest.None, xtest.Cut) // the rules are read, then the stream is cut within its third line
	ended = listen()
	hears("acme 14, when nobody listened")
	for i := 15; i <= 17; i++ {
		srv.Post(t0, "en", fmt.Sprintf("acme %d", i))
	}
	if err := <-ended; err == nil {
		t.Error("a cut stream is no error")
	}
	ended = listen()
	hears("acme 17")
	srv.Hangup()
	<-ended
	once(t, all, 17)
	rules := srv.Rules()
	slices.Sort(rules)
	if !slices.Equal(rules, []string{"brandmelder: ((acme OR @acme))", "theirs: other"}) {
		t.Errorf("the rules are %q", rules)
	}
}
