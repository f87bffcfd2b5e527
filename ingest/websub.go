package ingest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // hubs sign with it still, by HMAC, which it is good enough for
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// websub lets a feed's hub say when there is something new (https://www.w3.org/TR/websub/). What it pushes is not read: it makes the feed be visited at once, so that there is
// one way in for items. Where the push lands in another process than the one that listens, the next visit brings what it told.
type websub struct {
	deps     Deps
	name     string // of the source, in the callback's address
	wake     func()
	mu       sync.Mutex
	key      []byte
	until    time.Time // the hub's word holds so long
	tried    time.Time
	hub, own string // addresses: the hub's, and the feed's as the hub knows it
}

const (
	hubLease = 10 * 24 * time.Hour
	hubEarly = 24 * time.Hour
	hubAgain = 6 * time.Hour // between two attempts
)

// secret is known to all processes: it signs what the hub pushes, and shows that a callback's address is ours.
func (w *websub) secret(ctx context.Context) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.key == nil {
		if w.deps.Key == nil {
			return nil, errors.New("there is no store to keep a secret")
		}
		key, err := w.deps.Key(ctx, "websub")
		if err != nil {
			return nil, err
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(w.name))
		w.key = mac.Sum(nil)
	}
	return w.key, nil
}

func token(key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("callback"))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// offered finds the hub and the feed's own address in an answer: in its Link heads, or in the feed.
func (w *websub) offered(head http.Header, body []byte) {
	var hub, own string
	for _, line := range head.Values("Link") {
		for _, part := range strings.Split(line, ",") {
			at, rest, ok := strings.Cut(strings.TrimSpace(part), ">")
			if rel := strings.ReplaceAll(rest, `"`, ""); ok && strings.HasPrefix(at, "<") {
				switch {
				case strings.Contains(rel, "rel=hub"):
					hub = at[1:]
				case strings.Contains(rel, "rel=self"):
					own = at[1:]
				}
			}
		}
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // addresses are ASCII
	for range 200 {                                                                    // they stand before the items
		t, err := d.Token()
		if err != nil {
			break
		}
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "link" {
			attr := map[string]string{}
			for _, a := range e.Attr {
				attr[a.Name.Local] = a.Value
			}
			if attr["rel"] == "hub" && hub == "" {
				hub = attr["href"]
			}
			if attr["rel"] == "self" && own == "" {
				own = attr["href"]
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub, w.own = hub, own
}

// subscribe asks the hub, when its word runs out; the hub answers by asking back. A hub that will not is none: the feed is visited all the same.
func (w *websub) subscribe(ctx context.Context) error {
	now := w.deps.Now()
	w.mu.Lock()
	hub, own := w.hub, w.own
	due := hub != "" && own != "" && w.until.Sub(now) < hubEarly && now.Sub(w.tried) >= hubAgain
	if due {
		w.tried = now
	}
	w.mu.Unlock()
	if !due || !strings.HasPrefix(w.deps.Public, "https://") {
		return nil
	}
	key, err := w.secret(ctx)
	if err != nil {
		return err
	}
	s, err := newService("the feed's hub", hub, "", w.deps)
	if err != nil {
		return err
	}
	form := url.Values{
		"hub.mode": {"subscribe"}, "hub.topic": {own}, "hub.callback": {w.deps.Public + "/hooks/" + url.PathEscape(w.name) + "?k=" + token(key)},
		"hub.secret": {hex.EncodeToString(key)}, "hub.lease_seconds": {strconv.Itoa(int(hubLease.Seconds()))},
	}
	_, _, err = s.do(ctx, http.MethodPost, "", strings.NewReader(form.Encode()))
	return err
}

// ServeHTTP answers the hub.
func (w *websub) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	key, err := w.secret(r.Context())
	q := r.URL.Query()
	if err != nil || !hmac.Equal([]byte(q.Get("k")), []byte(token(key))) {
		http.NotFound(rw, r)
		return
	}
	if r.Method == http.MethodGet {
		if q.Get("hub.mode") != "subscribe" {
			http.NotFound(rw, r) // we never leave; and denied is no question
			return
		}
		lease, err := strconv.Atoi(q.Get("hub.lease_seconds"))
		if err != nil || lease <= 0 || lease > 366*24*3600 {
			lease = int(hubEarly.Seconds())
		}
		w.mu.Lock()
		w.until = w.deps.Now().Add(time.Duration(lease) * time.Second)
		w.mu.Unlock()
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(rw, q.Get("hub.challenge"))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
	if err != nil {
		http.Error(rw, ErrTooLarge.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	rw.WriteHeader(http.StatusAccepted) // also for what is signed wrongly, as the standard wants it
	if signed(r.Header.Get("X-Hub-Signature"), []byte(hex.EncodeToString(key)), body) {
		w.wake()
	}
}

// signed checks a signature: the method, =, and the HMAC of the body in hexadecimal digits.
func signed(signature string, secret, body []byte) bool {
	method, given, _ := strings.Cut(signature, "=")
	made := map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}[method]
	sum, err := hex.DecodeString(given)
	if made == nil || err != nil {
		return false
	}
	mac := hmac.New(made, secret)
	mac.Write(body)
	return hmac.Equal(sum, mac.Sum(nil))
}

// told is a word for the status.
func (w *websub) told() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.until.After(w.deps.Now()) {
		return fmt.Sprintf("its hub tells what is new, until %s", w.until.UTC().Format(time.DateOnly))
	}
	return ""
}
