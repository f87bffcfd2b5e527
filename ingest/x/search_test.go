package x

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/ingest/x/xtest"
)

var t0 = time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC)

// posts starts X with n posts, and a source that reads it.
func posts(t *testing.T, n int, c Config) (*xtest.Server, Source) {
	t.Helper()
	srv := xtest.New(t, "geheim")
	srv.Page = 10
	for i := range n {
		srv.Post(t0.Add(time.Duration(i)*time.Minute), "en", fmt.Sprintf("acme &amp; %d", i+1))
	}
	c.Token, c.BaseURL = "geheim", srv.URL
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	s, err := New(c, depsOf(&http.Client{Transport: transport}, time.Now, brand.Topic{Name: "a", Query: "acme OR @acme"}))
	if err != nil {
		t.Fatal(err)
	}
	return srv, s
}

// complete reports each of n posts that is missing.
func complete(t *testing.T, ms []brand.Mention, n int) {
	t.Helper()
	have := map[string]bool{}
	for _, m := range ms {
		have[m.ID] = true
	}
	for i := 1; i <= n; i++ {
		if !have[fmt.Sprintf("x:%d", i)] {
			t.Errorf("post %d is missing", i)
		}
	}
}

func TestXIsReadPageByPageWithoutAGapAlsoWhenItIsCutShort(t *testing.T) {
	srv, s := posts(t, 25, Config{})
	srv.Next(xtest.None, xtest.TooMany) // the second page fails
	all, cursor, err := listen(t, s, "")
	var no *refused
	if !errors.As(err, &no) || no.status != http.StatusTooManyRequests || len(all) != 10 || all[0].Text != "acme & 25" || all[0].Author != "user25" || all[0].Followers != 250 {
		t.Fatalf("got %d posts, %v; want the first page, and the refusal of the second", len(all), err)
	}
	srv.Post(t0.Add(time.Hour), "de", "acme 26") // meanwhile
	for range 2 {
		ms, next, err := listen(t, s, cursor)
		if err != nil {
			t.Fatal(err)
		}
		all, cursor = append(all, ms...), next
	}
	if complete(t, all, 26); len(all) != 26 {
		t.Errorf("26 posts were read as %d", len(all))
	}
	reads := srv.Reads()
	if ms, _, err := listen(t, s, cursor); err != nil || len(ms) != 0 || srv.Reads() != reads {
		t.Errorf("nothing new: got %v, %v, %d reads", ms, err, srv.Reads()-reads)
	}
}

// Whatever fails, and however often: in the end each post was read.
func TestXWithEveryFaultLeavesNoGap(t *testing.T) {
	for _, c := range []Config{{}, {API: "v1.1"}} {
		srv, s := posts(t, 30, c)
		srv.Again, srv.Skew, srv.Reset = true, 30*time.Second, 0
		srv.Wild(rand.New(rand.NewPCG(1, 2)))
		var all []brand.Mention
		cursor, n := "", 30
		for i := range 200 {
			if i%4 == 0 && n < 60 {
				n++
				srv.Post(t0.Add(time.Duration(n)*time.Minute), "en", "acme")
			}
			ms, next, _ := listen(t, s, cursor)
			all, cursor = append(all, ms...), next
		}
		complete(t, all, n)
	}
}
