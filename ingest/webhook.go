package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

// webhook receives pushes at /hooks/NAME, signed as in X-Hub-Signature-256: sha256= and the HMAC-SHA256 of the body
// in hexadecimal digits (https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries; WebSub and
// many others sign so).
type webhook struct {
	secret []byte
	fields mapping

	mu   sync.Mutex
	ctx  context.Context // of the visit; nil between visits
	emit Emit
}

const hookSignature = "X-Hub-Signature-256"

func newWebhook(c Config, _ Deps) (Source, error) {
	if len(c.Token) < 16 {
		return nil, errors.New("password_file is missing, or holds fewer than 16 characters: the secret with which pushes are signed")
	}
	fields, err := newMapping(c.Map, c.Items)
	if err != nil {
		return nil, err
	}
	fields.pushed = true
	return &webhook{secret: []byte(c.Token), fields: fields}, nil
}

// Listen accepts pushes until ctx ends.
func (s *webhook) Listen(ctx context.Context, _ string, emit Emit) error {
	s.mu.Lock()
	s.ctx, s.emit = ctx, emit
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.ctx, s.emit = nil, nil
	s.mu.Unlock()
	return ctx.Err()
}

// ServeHTTP receives one push. With 202 it is on the stream. With 503 it should be sent again; another process may
// accept it.
func (s *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "want POST", http.StatusMethodNotAllowed)
		return
	}
	const unsigned = "want " + hookSignature + ": sha256=<HMAC-SHA256 of the body with the secret, in hexadecimal digits>"
	sign := r.Header.Get(hookSignature)
	if !signature(sign, "sha256", 2*sha256.Size) {
		drain(r)
		http.Error(w, unsigned, http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		code, why := cutPush(err)
		http.Error(w, why, code)
		return
	}
	if !signed(sign, s.secret, body) {
		http.Error(w, unsigned, http.StatusUnauthorized)
		return
	}
	b, err := s.fields.document(body)
	if errors.Is(err, errManyItems) {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock() // one push after the other
	defer s.mu.Unlock()
	if s.ctx == nil {
		w.Header().Set("Retry-After", "15")
		http.Error(w, "another process listens to this hook; try again", http.StatusServiceUnavailable)
		return
	}
	if err := s.emit(s.ctx, b); err != nil { //nolint:contextcheck // also stored if the sender has disconnected
		w.Header().Set("Retry-After", "15")
		http.Error(w, "the mentions could not be kept; try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, "%d mentions, %d could not be read\n", len(b.Mentions), len(b.Bad))
	for i, bad := range b.Bad {
		if i == maxNamedBad {
			fmt.Fprintf(w, "and %d more\n", len(b.Bad)-i)
			return
		}
		fmt.Fprintf(w, "%.300s\n", bad.Err)
	}
}

// maxNamedBad is the number of unreadable items that the answer to a push lists, each with at most 300 characters.
const maxNamedBad = 100

// cutPush returns the answer to a body that could not be read to its end. The push is refused as a whole.
func cutPush(err error) (code int, why string) {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		why = fmt.Sprintf("the push is larger than %d MiB; send it in parts", large.Limit>>20)
		return http.StatusRequestEntityTooLarge, why
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout, "the push did not end in time; send it again"
	}
	return http.StatusBadRequest, "the push was cut; send it again"
}
