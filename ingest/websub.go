package ingest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // some hubs sign with it, by HMAC, for which it is safe
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

// websub subscribes to a feed's hub (https://www.w3.org/TR/websub/). The content of a push is not read: a push starts
// a visit of the feed, so that items arrive in one way only. If the push reaches a process that does not read the
// feed, the next regular visit finds the items.
type websub struct {
	deps     Deps
	name     string // of the source, part of the callback's address
	wake     func()
	mu       sync.Mutex
	key      []byte
	until    time.Time // end of the subscription
	tried    time.Time
	hub, own string // addresses of the hub, and of the feed at the hub
	denied   string // the hub's reason for a refusal, or ""
}

const (
	hubLease    = 10 * 24 * time.Hour
	hubEarly    = 24 * time.Hour
	hubAgain    = 6 * time.Hour       // between two attempts to subscribe
	hubMaxLease = 30 * 24 * time.Hour // the longest subscription
	hubText     = 2000                // bytes of an address or a challenge
)

// secret returns a key that all processes share. It signs the hub's pushes and the callback's address.
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

func token(key []byte) string { return sealed(key, "callback") }

// topicToken binds a callback's address to the feed, so that each process can check hub.topic.
func topicToken(key []byte, topic string) string { return sealed(key, "topic\x00"+topic) }

func sealed(key []byte, what string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(what))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// offered finds the addresses of the hub and of the feed in an answer: in its Link headers, or in the feed.
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
	if len(hub) > hubText || len(own) > hubText {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub, w.own = hub, own
}

// subscribe renews the subscription before it ends. The hub answers by a request to the callback. Without a
// subscription the feed is visited as usual.
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
		"hub.mode": {"subscribe"}, "hub.topic": {own}, "hub.callback": {w.deps.Public + "/hooks/" + url.PathEscape(w.name) + "?k=" + token(key) + "&t=" + topicToken(key, own)},
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
		w.verify(rw, r, key)
		return
	}
	if r.Method != http.MethodPost {
		rw.Header().Set("Allow", "GET, POST")
		http.Error(rw, "want GET or POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
	if err != nil {
		http.Error(rw, ErrTooLarge.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	rw.WriteHeader(http.StatusAccepted) // also with a wrong signature, as the standard says
	if signed(r.Header.Get("X-Hub-Signature"), []byte(hex.EncodeToString(key)), body) {
		w.wake()
	}
}

// verify answers a hub that asks whether we subscribed to hub.topic, or that refuses the subscription
// (https://www.w3.org/TR/websub/#hub-verifies-intent, 5.2 and 5.3). For another feed, or the end of a subscription,
// it answers 404.
func (w *websub) verify(rw http.ResponseWriter, r *http.Request, key []byte) {
	q := r.URL.Query()
	mode, topic, challenge := q.Get("hub.mode"), q.Get("hub.topic"), q.Get("hub.challenge")
	ours := len(topic) <= hubText && hmac.Equal([]byte(q.Get("t")), []byte(topicToken(key, topic)))
	switch {
	case ours && mode == "denied":
		w.mu.Lock()
		w.until, w.denied = time.Time{}, "without a reason"
		if reason := q.Get("hub.reason"); reason != "" {
			w.denied = truncate(reason, maxDetail)
		}
		w.mu.Unlock()
		rw.WriteHeader(http.StatusOK)
		return
	case !ours || mode != "subscribe" || challenge == "" || len(challenge) > hubText:
		http.NotFound(rw, r)
		return
	}
	lease := hubEarly // for a hub that names no lease
	if n, err := strconv.ParseInt(q.Get("hub.lease_seconds"), 10, 64); err == nil && n > 0 {
		lease = hubMaxLease
		if n < int64(hubMaxLease.Seconds()) {
			lease = time.Duration(n) * time.Second
		}
	}
	w.mu.Lock()
	w.until, w.denied = w.deps.Now().Add(lease), ""
	w.mu.Unlock()
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(rw, challenge)
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

// note returns the state of the subscription for the status.
func (w *websub) note() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.until.After(w.deps.Now()) {
		return fmt.Sprintf("its hub reports new items until %s", w.until.UTC().Format(time.DateOnly))
	}
	if w.denied != "" {
		return fmt.Sprintf("its hub denies the subscription: %q; the feed is visited as usual", w.denied)
	}
	return ""
}
