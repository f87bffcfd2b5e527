package ingest

import (
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// hooks limits the pushes that are read at the same time: a body must be read whole before its signature can be
// checked.
type hooks struct {
	mu      sync.Mutex
	reading map[string]int // bodies that are being read, by peer address
	all     int
	logged  rate.Sometimes
}

const (
	maxBodies        = 16               // that are read at the same time, of 8 MiB each
	maxBodiesPerPeer = 4                // of one address
	hookBodyLimit    = 15 * time.Second // for a whole body
)

// enter reports whether a body of the peer may be read now. leave must follow.
func (h *hooks) enter(peer string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reading == nil {
		h.reading = map[string]int{}
	}
	if h.all >= maxBodies || h.reading[peer] >= maxBodiesPerPeer {
		return false
	}
	h.all++
	h.reading[peer]++
	return true
}

func (h *hooks) leave(peer string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all--
	if h.reading[peer]--; h.reading[peer] == 0 {
		delete(h.reading, peer)
	}
}

// Handler receives pushes at /hooks/NAME for the sources that accept them.
func (l *Listener) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, s := range l.sources {
			if h, ok := s.source.(http.Handler); ok && r.URL.Path == "/hooks/"+s.conf.Name {
				l.push(w, r, s.conf.Name, h)
				return
			}
		}
		http.NotFound(w, r)
	})
}

// push passes one push to its source, and counts and logs a refusal.
func (l *Listener) push(w http.ResponseWriter, r *http.Request, name string, h http.Handler) {
	seen := &status{ResponseWriter: w, code: http.StatusOK}
	peer, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		peer = r.RemoteAddr
	}
	if l.hooks.enter(peer) {
		func() {
			defer l.hooks.leave(peer)
			// Without a connection, as in tests, there is no deadline.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(hookBodyLimit))
			h.ServeHTTP(seen, r)
		}()
	} else {
		seen.Header().Set("Retry-After", "5")
		http.Error(seen, "too many pushes at once; try again", http.StatusServiceUnavailable)
	}
	if seen.code >= http.StatusBadRequest {
		l.opt.Metrics.refuse(name)
		l.hooks.logged.Do(func() {
			l.opt.Log.Warn("a push was refused", "source", name, "peer", peer, "status", seen.code)
		})
	}
}

// status is a ResponseWriter that keeps the status.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// signature reports whether a header has the form of a signature: the method, =, and hexadecimal digits. Without one
// the body is not read.
func signature(head, method string, digits int) bool {
	if len(head) != len(method)+1+digits || head[:len(method)+1] != method+"=" {
		return false
	}
	_, err := hex.DecodeString(head[len(method)+1:])
	return err == nil
}

// drain reads the rest of a small body, so that a peer that is still sending gets the answer.
func drain(r *http.Request) { _, _ = io.CopyN(io.Discard, r.Body, 64<<10) }
