package ingest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brandmelder/brand"
	"brandmelder/store/sqlite"

	"golang.org/x/time/rate"
)

// played is a service that the tests play from its documentation.
type played struct {
	conf    Config                               // what it is listened to with; its url is filled in
	say     func(w *world) http.Handler          // its documented form
	limit   func(h http.Header, until time.Time) // its own kind of 429
	refused int                                  // status with which it refuses a token
	pushes  bool                                 // it streams: one visit lasts
	lists   int                                  // how many things it asks for; 0 is one
	body    string                               // of a 429
	only    func(f fault) bool                   // faults that it can have; nil: all
}

type post struct {
	n    int
	at   time.Time
	text string
}

func (p post) author() string { return fmt.Sprintf("user%d", p.n%7) }

// fault is what can go wrong with an answer.
type fault int

const (
	none fault = iota
	tooMany
	unavailable
	refused
	cut
	bomb
	foreign
	drip
	unknown
	faults
)

func (f fault) String() string {
	return [...]string{"none", "429", "503", "refused", "cut", "gzip bomb", "wrong charset", "slow drip", "unknown fields"}[f]
}

// world is what the service knows, and how it behaves.
type world struct {
	mu       sync.Mutex
	posts    []post // in the order of their publication
	size     int    // of its pages
	again    bool   // a page repeats the last of the one before
	disorder *rand.Rand
	skew     time.Duration // of its clock
	next     func() fault
	asked    []time.Time
	streams  map[chan post]bool
	expire   int // so many answers later its tokens run out; 0: never
}

func (w *world) now() time.Time { return time.Now().Add(w.skew) }

// publish adds a post of now.
func (w *world) publish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.posts) + 1
	w.add(post{n, w.now().Truncate(time.Second), ""})
}

func (w *world) add(p post) {
	p.text = fmt.Sprintf("acme n%dn ist über & <neu>", p.n)
	w.posts = append(w.posts, p)
	for ch := range w.streams {
		select {
		case ch <- p:
		default: // too slow: cut
			close(ch)
			delete(w.streams, ch)
		}
	}
}

// newest is a page: posts with a number below before (0: all), newest first, and whether there are more.
func (w *world) newest(before, size int) (out []post, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if size = min(size, w.size); before == 0 {
		before = len(w.posts) + 1
	} else if w.again {
		before++
	}
	for i := min(before-2, len(w.posts)-1); i >= 0 && len(out) < size; i-- {
		out = append(out, w.posts[i])
	}
	more = len(out) > 0 && out[len(out)-1].n > 1
	return out, more
}

// shuffled is the page out of order.
func (w *world) shuffled(ps []post) []post {
	if w.disorder == nil {
		return ps
	}
	ps = slices.Clone(ps)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.disorder.Shuffle(len(ps), func(i, j int) { ps[i], ps[j] = ps[j], ps[i] })
	return ps
}

// listen is a channel of what is published from now on.
func (w *world) listen() (ch chan post, done func()) {
	ch = make(chan post, 1000)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.streams == nil {
		w.streams = map[chan post]bool{}
	}
	w.streams[ch] = true
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.streams, ch)
	}
}

// hangup ends all streams.
func (w *world) hangup() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.streams {
		close(ch)
		delete(w.streams, ch)
	}
}

// faulty is the service with the faults that are due.
func (w *world) faulty(p *played, h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked = append(w.asked, time.Now())
		f := none
		if w.next != nil {
			f = w.next()
		}
		w.mu.Unlock()
		upgrade := r.Header.Get("Upgrade") != ""
		switch {
		case f == tooMany:
			p.limit(rw.Header(), w.now().Add(5*time.Minute))
			http.Error(rw, cmp.Or(p.body, `{"error":"Too many requests"}`), http.StatusTooManyRequests)
		case f == unavailable:
			http.Error(rw, "<html>nginx</html>", http.StatusServiceUnavailable)
		case f == refused:
			http.Error(rw, `{"error":"The access token is invalid"}`, p.refused)
		case f == none || upgrade:
			h.ServeHTTP(rw, r)
		default:
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			spoil(rw, r, rec, f)
		}
	})
}

// spoil writes an answer with its fault.
func spoil(rw http.ResponseWriter, r *http.Request, rec *httptest.ResponseRecorder, f fault) {
	for k, v := range rec.Header() {
		rw.Header()[k] = v
	}
	body := rec.Body.Bytes()
	switch f {
	case bomb:
		rw.Header().Set("Content-Encoding", "gzip")
		body = aBomb()
	case foreign:
		body = bytes.ReplaceAll(body, []byte("über"), []byte("\xfcber"))
		rw.Header().Set("Content-Type", "application/json; charset=utf-16")
	case unknown:
		var doc any
		if json.Unmarshal(body, &doc) == nil {
			body, _ = json.Marshal(withUnknown(doc))
		}
	}
	rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
	rw.WriteHeader(rec.Code)
	switch f {
	case cut:
		_, _ = rw.Write(body[:len(body)/2])
		_ = http.NewResponseController(rw).Flush()
		panic(http.ErrAbortHandler)
	case drip:
		for i := range body {
			if _, err := rw.Write(body[i : i+1]); err != nil {
				return
			}
			_ = http.NewResponseController(rw).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(10 * time.Second):
			}
		}
	default:
		_, _ = rw.Write(body)
	}
}

// aBomb is a little more than is read, zipped.
var aBomb = sync.OnceValue(func() []byte {
	var zip bytes.Buffer
	z := gzip.NewWriter(&zip)
	for range maxBody>>20 + 1 {
		_, _ = z.Write(bytes.Repeat([]byte(" "), 1<<20))
	}
	_ = z.Close()
	return zip.Bytes()
})

func withUnknown(doc any) any {
	switch v := doc.(type) {
	case map[string]any:
		for k := range v {
			v[k] = withUnknown(v[k])
		}
		v["zz_new"] = map[string]any{"deep": []any{1, "2", nil}}
	case []any:
		for i := range v {
			v[i] = withUnknown(v[i])
		}
	}
	return doc
}

// wire is a network with one server on it, within the test's own time.
type wire struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *wire) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *wire) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}
func (l *wire) Addr() net.Addr { return &net.TCPAddr{} }

// network serves h and returns a client whose every connection leads there, with the limits of the real one, and a pace by host.
func network(t *testing.T, h http.Handler, pace rate.Limit) *http.Client {
	t.Helper()
	l := &wire{conns: make(chan net.Conn), done: make(chan struct{})}
	srv := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(l) })
	tr := &http.Transport{ResponseHeaderTimeout: fetchTimeout, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		here, there := net.Pipe()
		select {
		case l.conns <- there:
			return here, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		_ = srv.Close()
		wg.Wait()
	})
	c := NewClient(nil, "")
	c.Transport = &polite{next: tr, pace: pace, hosts: map[string]*rate.Limiter{}}
	return c
}

// stage is a service with a store and one listener after the other.
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
	return &stage{t: t, w: w, conf: c, conns: network(t, w.faulty(&p, p.say(w)), rate.Inf), st: st}
}

// moody is a store that fails at times.
type moody struct {
	Store
	fails func() bool
}

var errMoody = errors.New("the store is away")

func (m moody) Append(ctx context.Context, heard time.Time, ms []brand.Mention) (int, error) {
	if m.fails != nil && m.fails() {
		return 0, errMoody
	}
	return m.Store.Append(ctx, heard, ms)
}

func (m moody) SetCursor(ctx context.Context, name, value string) error {
	if m.fails != nil && m.fails() {
		return errMoody
	}
	return m.Store.SetCursor(ctx, name, value)
}

// topics of what is played.
var topics = []brand.Topic{{Name: "a", Query: "acme"}}

// run listens for a time, and is cut then, at whatever it does.
func (s *stage) run(d time.Duration) Status {
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

// heard is what is on the stream, by the number of the post; one that is there twice is an error.
func (s *stage) heard() map[int]brand.Mention {
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

// all says what is missing, and that what was heard is what was said.
func (s *stage) all(p played) {
	s.t.Helper()
	got := s.heard()
	var missing []int
	for _, p := range s.w.posts {
		m, ok := got[p.n]
		if !ok {
			missing = append(missing, p.n)
			continue
		}
		if off := m.At.Sub(p.at); off < -time.Second || off > time.Second || m.Author == "" || m.Source == "" || m.URL == "" || !strings.Contains(m.Body(), "acme") {
			s.t.Errorf("post %d of %s was heard as %+v", p.n, p.at, m)
		}
	}
	if len(missing) > 0 {
		cur, _ := s.st.Cursor(s.t.Context(), "source/"+s.conf.Name)
		s.t.Logf("now %s, cursor %s, post %d of %s", time.Now(), cur, missing[0], s.w.posts[missing[0]-1].at)
		s.t.Errorf("%d of %d posts were not heard: %v", len(missing), len(s.w.posts), missing[:min(len(missing), 20)])
	}
}

// dice are thrown by many.
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
				s.all(p)
				for range 10 {
					w.publish()
					s.run(20 * time.Minute)
				}
				s.all(p)
			})
		})
	}
}

// Whatever goes wrong, wherever it is cut and however often it is started anew: in the end each post was heard, and counts once.
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
				s.all(p)
				if st.Error != "" && !p.pushes {
					t.Errorf("in the end: %s", st.Error)
				}
			})
		})
	}
}

// A source that is refused for ever, or told to slow down for ever, asks no more than is right, says so, and never shows its token.
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

// Each fault alone: it is told in words, and the next visit is as if nothing had been.
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
					if f == bomb && !strings.Contains(st.Error, "larger than") && name != "playstore" { // its token is asked for by a library

						t.Errorf("says %q of a bomb", st.Error)
					}
					w.mu.Lock()
					w.next = nil
					w.mu.Unlock()
					s.run(time.Hour)
					if s.all(p); f == foreign && st.Bad > 0 {
						t.Errorf("%d posts are dead letters for their charset", st.Bad)
					}
				})
			})
		}
	}
}
