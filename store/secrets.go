package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Identity is the name of the secret that tells one store from another: an emptied store gets another one.
const Identity = "identity"

// KeyFunc stores fresh under the name unless there is a secret of that name, and returns what is stored.
type KeyFunc func(ctx context.Context, name string, fresh []byte) ([]byte, error)

// Secrets are those that a process asked its store for. The zero value is ready. Both stores have one.
type Secrets struct {
	mu    sync.Mutex
	known map[string][]byte
}

// Key is Board's Key.
func (s *Secrets) Key(ctx context.Context, name string, store KeyFunc) ([]byte, error) {
	fresh := make([]byte, 32)
	if _, err := rand.Read(fresh); err != nil {
		return nil, err
	}
	key, err := store(ctx, name, fresh)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string][]byte{}
	}
	s.known[name] = key
	return key, nil
}

// Identity is Integrity's Identity.
func (s *Secrets) Identity(ctx context.Context, store KeyFunc) (string, error) {
	fresh := make([]byte, 32)
	if _, err := rand.Read(fresh); err != nil {
		return "", err
	}
	id, err := store(ctx, Identity, fresh)
	return string(id), err
}

// Check is the part of Integrity's Check that compares secrets. Another process may have stored a secret of its own by
// then: the error names it.
func (s *Secrets) Check(ctx context.Context, store KeyFunc) error {
	s.mu.Lock()
	known := maps.Clone(s.known)
	s.mu.Unlock()
	was := known[Identity]
	now, err := s.Key(ctx, Identity, store)
	if err != nil || bytes.Equal(was, now) {
		return err
	}
	delete(known, Identity)
	errs := []error{fmt.Errorf("the store was emptied or replaced by somebody else: %w", ErrLost)}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		key, err := store(ctx, name, known[name])
		if err == nil && !bytes.Equal(key, known[name]) {
			err = fmt.Errorf("key %s: another process stored its own; restart this one, or links of one are not valid for the other", name)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
