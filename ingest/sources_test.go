package ingest

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"brandmelder/brand"
	"brandmelder/store/sqlite"
)

// stage is a service with a store, and one listener after the other.
type stage struct {
	t     *testing.T
	w     *world
	conf  Config
	conns *http.Client
	st    *sqlite.Store
	fails func() bool // the store refuses
}

func newStage(t *testing.T, p played, w *world) *stage {
	t.Helper()
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	c := p.conf
	if c.URL == "" {
		c.URL = "http://service.test"
	}
	c.Name = c.Kind
	return &stage{t: t, w: w, conf: c, conns: network(t, w.faulty(&p, p.serve(w)), rate.Inf), st: st}
}

// moody is a store that fails sometimes.
type moody struct {
	Store
	fails func() bool
}

var errMoody = errors.New("the store is away")

func (m moody) Append(ctx context.Context, received time.Time, ms []brand.Mention) (int, error) {
	if m.fails != nil && m.fails() {
		return 0, errMoody
	}
	return m.Store.Append(ctx, received, ms)
}

func (m moody) SetCursor(ctx context.Context, name, value string) error {
	if m.fails != nil && m.fails() {
		return errMoody
	}
	return m.Store.SetCursor(ctx, name, value)
}

// topics match the posts of the services.
var topics = []brand.Topic{{Name: "a", Query: "acme"}}

// run reads for a time, and is cut then at any point.
func (s *stage) run(d time.Duration) sourceStatus {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), d)
	defer cancel()
	l, err := assemble(moody{s.st, s.fails}, []Config{s.conf}, Deps{Client: s.conns, Topics: topics, Now: time.Now, Log: slog.New(slog.DiscardHandler)}, Options{Holder: "test"})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := l.Run(ctx); err != nil {
		s.t.Fatal(err)
	}
	return l.sources[0].status
}

var mark = regexp.MustCompile(`n(\d+)n`)

// onStream returns the mentions of the stream by the number of the post; a duplicate is an error.
func (s *stage) onStream() map[int]brand.Mention {
	s.t.Helper()
	out := map[int]brand.Mention{}
	for pos := ""; ; {
		es, err := s.st.After(s.t.Context(), pos, 1000)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(es) == 0 {
			return out
		}
		for _, e := range es {
			pos = e.Pos
			found := mark.FindStringSubmatch(e.Mention.Body())
			if found == nil {
				s.t.Errorf("heard %+v, which nobody said", e.Mention)
				continue
			}
			n, _ := strconv.Atoi(found[1])
			if before, twice := out[n]; twice {
				s.t.Errorf("post %d counts twice, as %s and as %s", n, before.ID, e.Mention.ID)
			}
			out[n] = e.Mention
		}
	}
}

// all reports missing posts, and mentions that differ from their posts.
func (s *stage) all() {
	s.t.Helper()
	got := s.onStream()
	var missing []int
	for _, p := range s.w.posts {
		m, ok := got[p.n]
		if !ok {
			missing = append(missing, p.n)
			continue
		}
		// A clock ahead of ours is not believed: then the post counts when it was received.
		if off := m.At.Sub(p.at); off < -time.Second-s.w.skew || off > time.Second || m.Author == "" || m.Source == "" || m.URL == "" || !strings.Contains(m.Body(), "acme") {
			s.t.Errorf("post %d of %s was heard as %+v", p.n, p.at, m)
		}
	}
	if len(missing) > 0 {
		cur, _ := s.st.Cursor(s.t.Context(), "source/"+s.conf.Name)
		s.t.Logf("now %s, cursor %s, post %d of %s", time.Now(), cur, missing[0], s.w.posts[missing[0]-1].at)
		s.t.Errorf("%d of %d posts were not heard: %v", len(missing), len(s.w.posts), missing[:min(len(missing), 20)])
	}
}

// dice are random numbers for several goroutines.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *dice) IntN(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(n)
}

// past is a world in which n posts were published in the last hours.
func past(n int, span time.Duration) *world {
	w := &world{size: 20}
	for i := range n {
		w.add(post{i + 1, w.now().Add(-span + time.Duration(i+1)*span/time.Duration(n+1)).Truncate(time.Second), ""})
	}
	return w
}

func TestEverySourceHearsAllOnce(t *testing.T) {
	for name, p := range services(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := past(90, 20*time.Hour)
				w.skew = 20 * time.Second
				s := newStage(t, p, w)
				s.run(time.Hour)
				s.all()
				for range 10 {
					w.publish()
					s.run(20 * time.Minute)
				}
				s.all()
			})
		})
	}
}

// Whatever fails, wherever it is cut and however often it starts again: in the end each post was read, and counts
// once.
func TestEverySourceGetsOverEverything(t *testing.T) {
	for name, p := range services(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := &dice{r: rand.New(rand.NewPCG(1, uint64(len(name))))}
				w := past(60, 20*time.Hour)
				w.again, w.disorder, w.expire = true, rand.New(rand.NewPCG(2, 3)), 9
				w.next = func() fault {
					if f := fault(r.IntN(3 * int(faults))); f < faults && (p.only == nil || p.only(f)) {
						return f
					}
					return none
				}
				s := newStage(t, p, w)
				s.fails = func() bool { return r.IntN(10) == 0 }
				stop := make(chan struct{})
				var wg sync.WaitGroup
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						case <-time.After(time.Duration(r.IntN(600)) * time.Second):
						}
						if w.publish(); r.IntN(4) == 0 {
							w.hangup()
						}
					}
				})
				for range 8 {
					s.run(time.Duration(r.IntN(30*60)) * time.Second)
					time.Sleep(time.Duration(r.IntN(600)) * time.Second)
				}
				close(stop)
				wg.Wait()
				w.mu.Lock()
				w.next, s.fails = nil, nil
				w.mu.Unlock()
				st := s.run(time.Hour)
				s.all()
				if st.Error != "" && !p.pushes {
					t.Errorf("in the end: %s", st.Error)
				}
			})
		})
	}
}

// A source that is refused forever, or asked forever to slow down, keeps its pace, reports it, and never shows its
// token.
func TestEverySourceRespectsANo(t *testing.T) {
	for name, p := range services(t) {
		for _, f := range []fault{refused, tooMany} {
			t.Run(name+"/"+f.String(), func(t *testing.T) {
				t.Parallel()
				if p.only != nil && !p.only(f) {
					return
				}
				synctest.Test(t, func(t *testing.T) {
					w := past(3, time.Hour)
					w.next = func() fault { return f }
					s := newStage(t, p, w)
					st := s.run(24 * time.Hour)
					// A refusal is tried again each half hour, a 429 when it says, here after five minutes.
					if limit := max(1, p.lists) * map[fault]int{refused: 49, tooMany: 24*12 + 1}[f]; len(w.asked) > limit || len(w.asked) < 2 {
						t.Errorf("asked %d times in a day, want 2 to %d", len(w.asked), limit)
					}
					if st.Error == "" || strings.Contains(st.Error, "geheim") || strings.Contains(st.Error, "?") && strings.Contains(st.Error, "key=") {
						t.Errorf("says %q", st.Error)
					}
					if want := map[fault]string{refused: "stopped by an error", tooMany: "slowed down"}[f]; st.State != want {
						t.Errorf("is %q (%s), want %q", st.State, st.Error, want)
					}
				})
			})
		}
	}
}

// Each fault alone is reported, and does not affect the next visit.
func TestEverySourceTellsEachFault(t *testing.T) {
	for name, p := range services(t) {
		if p.pushes {
			continue
		}
		for f := tooMany; f < faults; f++ {
			if p.only != nil && !p.only(f) {
				continue
			}
			t.Run(name+"/"+f.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := past(30, 20*time.Hour)
					w.next = func() fault { return f }
					s := newStage(t, p, w)
					st := s.run(20 * time.Second)
					if f == drip {
						st = s.run(3 * time.Minute)
					}
					harmless := f == foreign || f == unknown
					if (st.Error == "") != harmless {
						t.Errorf("says %q", st.Error)
					}
					// Play Store: a library gets its token.
					if f == bomb && !strings.Contains(st.Error, "larger than") && name != "playstore" {
						t.Errorf("says %q of a bomb", st.Error)
					}
					w.mu.Lock()
					w.next = nil
					w.mu.Unlock()
					s.run(time.Hour)
					if s.all(); f == foreign && st.Bad > 0 {
						t.Errorf("%d posts are dead letters for their charset", st.Bad)
					}
				})
			})
		}
	}
}
