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

// Identity is the name of the secret that tells one store from another: a store that was emptied, or brought back to an
// older state, gets another one.
const Identity = "identity"

// KeyFunc stores fresh under the name unless there is a secret of that name, and returns what is stored.
type KeyFunc func(ctx context.Context, name string, fresh []byte) ([]byte, error)

// MarkFunc writes this process's mark, greater than the one that it finds, and returns it. Where it finds one less than
// last, or none, the store was brought back to an older state: in the same transaction it replaces the identity, if
// that still is known, by fresh. So all processes see one change of the identity, whoever notices first.
type MarkFunc func(ctx context.Context, last int64, known, fresh []byte) (mark int64, err error)

// KnownSecrets remembers the secrets that a process asked its store for, and compares them with what is stored. The
// zero value is ready. Both stores have one.
type KnownSecrets struct {
	mu    sync.Mutex
	known map[string][]byte

	checks sync.Mutex // one Check after the other
	mark   int64      // of the last one; 0 before
}

// Key is the method of Secrets.
func (s *KnownSecrets) Key(ctx context.Context, name string, store KeyFunc) ([]byte, error) {
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

// Identity is the method of Integrity.
func (s *KnownSecrets) Identity(ctx context.Context, store KeyFunc) (string, error) {
	fresh := make([]byte, 32)
	if _, err := rand.Read(fresh); err != nil {
		return "", err
	}
	id, err := store(ctx, Identity, fresh)
	return string(id), err
}

// Check is the part of the method of Integrity that compares what is stored. Another process may have stored a secret
// of its own by then: the error names it.
func (s *KnownSecrets) Check(ctx context.Context, store KeyFunc, mark MarkFunc) error {
	s.checks.Lock()
	defer s.checks.Unlock()
	s.mu.Lock()
	known := maps.Clone(s.known)
	s.mu.Unlock()
	was := known[Identity]
	fresh := make([]byte, 32)
	if _, err := rand.Read(fresh); err != nil {
		return err
	}
	m, err := mark(ctx, s.mark, was, fresh)
	if err != nil {
		return err
	}
	s.mark = m
	now, err := s.Key(ctx, Identity, store)
	if err != nil || bytes.Equal(was, now) {
		return err
	}
	delete(known, Identity)
	errs := []error{fmt.Errorf("the store was emptied, replaced or brought back to an older state by somebody else: %w", ErrLost)}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		key, err := store(ctx, name, known[name])
		if err == nil && !bytes.Equal(key, known[name]) {
			err = fmt.Errorf("key %s: another process stored its own; restart this one, or links of one are not valid for the other", name)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
