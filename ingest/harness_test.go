package ingest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// played is a service that the tests simulate from its documentation.
type played struct {
	conf    Config                               // what it is listened to with; its url is filled in
	serve   func(w *world) http.Handler          // its documented form
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

// fault is what can be wrong with an answer.
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

// world is the state of the service, and how it behaves.
type world struct {
	mu       sync.Mutex
	posts    []post // in the order of their publication
	size     int    // of its pages
	last     int    // how many a feed holds; 0: all
	again    bool   // a page repeats the last of the one before
	disorder *rand.Rand
	skew     time.Duration // of its clock
	next     func() fault
	asked    []time.Time
	streams  map[chan post]bool
	expire   int // so many answers later its tokens run out; 0: never
}

func (w *world) now() time.Time { return time.Now().Add(w.skew) }

// publish adds a post with the time now.
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

// newest returns a page: posts with a number below before (0: all), newest first, and whether there are more.
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

// shuffled returns the page in another order.
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

// listen returns a channel of the posts from now on.
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

// aBomb is a little more than maxBody, compressed.
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

// wire is a network with one server, in the time of the test.
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

// network serves h and returns a client whose connections all lead there, with the limits of the real client and a
// pace by host.
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
