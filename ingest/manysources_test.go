package ingest

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brandmelder/store/sqlite"
)

// Five hundred sources in one process: no host gets more requests than allowed, requests are spread over time, and
// memory stays small. Ten minutes by default, a day with make sources.
func TestFiveHundredSourcesKeepTheirPace(t *testing.T) {
	span := 10 * time.Minute
	switch {
	case os.Getenv("BRANDMELDER_SOURCES") == "day":
		span = 24 * time.Hour
	case testing.Short():
		t.Skip("it plays 500 sources")
	case raced:
		span = 3 * time.Minute
	}
	synctest.Test(t, func(t *testing.T) {
		w := past(30, 20*time.Hour)
		w.last = 30
		var mu sync.Mutex
		perSecond, byHost := map[int64]int{}, map[string][]time.Time{}
		served := map[string]http.Handler{"feed": serveFeed(w), "mastodon": serveMastodon(w), "reddit": serveReddit(w), "hn": serveHn(w)}
		client := network(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			perSecond[time.Now().Unix()]++
			byHost[r.Host] = append(byHost[r.Host], time.Now())
			mu.Unlock()
			kind, _, _ := strings.Cut(r.Host, ".")
			served[kind].ServeHTTP(rw, r)
		}), perHost)
		var confs []Config
		for i := range 500 {
			c := Config{Name: fmt.Sprint("source ", i)}
			switch {
			case i < 300: // papers of their own
				c.Kind, c.URL = "feed", fmt.Sprintf("http://feed.n%d.test/rss", i)
			case i < 400: // many of one publisher
				c.Kind, c.URL = "feed", fmt.Sprintf("http://feed.big.test/rss/%d", i)
			case i < 460:
				c.Kind, c.URL, c.Tags = "mastodon", fmt.Sprintf("http://mastodon.n%d.test", i), []string{"acme"}
			case i < 480:
				c.Kind, c.URL, c.Account, c.Token, c.Subreddits = "reddit", "http://reddit.test", "app", "geheim", []string{"acme"}
			default:
				c.Kind, c.URL = "hackernews", "http://hn.test"
			}
			confs = append(confs, c)
		}
		st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "s.db")) // what is remembered is no memory
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		l, err := assemble(st, confs, Deps{Client: client, Topics: topics}, Options{Holder: "test", Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context()) // no deadline: the rate limiter would refuse waits beyond it
		defer cancel()
		time.AfterFunc(span, cancel)
		var wg sync.WaitGroup
		wg.Go(func() { _ = l.Run(ctx) })
		var most uint64
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Minute):
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.Sys-m.HeapReleased)
			w.publish()
		}
		wg.Wait()
		counts := map[int]int{} // seconds by how many requests began in them
		total, peak := 0, 0
		for s := range int64(span.Seconds()) {
			n := perSecond[time.Now().Add(-span).Unix()+s]
			counts[n]++
			total += n
			peak = max(peak, n)
		}
		var histogram []string
		for _, n := range slices.Sorted(maps.Keys(counts)) {
			histogram = append(histogram, fmt.Sprintf("%d: %d", n, counts[n]))
		}
		t.Logf("%d requests in %s, %.1f a second; seconds by the requests that began in them: %s; %d MiB of memory with the tests' own servers", total, span, float64(total)/span.Seconds(), strings.Join(histogram, ", "), most>>20)
		if mean := float64(total) / span.Seconds(); float64(peak) > 8*mean+8 {
			t.Errorf("%d requests in one second, %.1f on average: they bunch", peak, mean)
		}
		if most > 150<<20 {
			t.Errorf("%d MiB of memory", most>>20)
		}
		for host, at := range byHost {
			slices.SortFunc(at, func(a, b time.Time) int { return cmp.Compare(a.UnixNano(), b.UnixNano()) })
			for i := hostBurst + 2*10; i < len(at); i++ {
				if d := at[i].Sub(at[i-hostBurst-2*10]); d < 10*time.Second-time.Millisecond {
					t.Errorf("%s was asked %d times in %s", host, hostBurst+2*10, d)
					break
				}
			}
		}
		for _, s := range l.sources {
			if s.status.Error != "" {
				t.Errorf("%s: %s", s.conf.Name, s.status.Error)
			}
		}
	})
}
