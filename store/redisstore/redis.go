// Package redisstore is the store for many processes: Redis 7 streams, hashes and leases.
//
// Whatever must happen together is one Lua script, so that a process killed at any moment leaves both or neither.
package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// Store is a connected Redis. All keys begin with its prefix.
type Store struct {
	store.Documents
	c       *redis.Client
	prefix  string
	process string // names this process among the marks
	secrets store.KnownSecrets
}

var _ store.Store = (*Store)(nil)

// Open connects to redis://[:password@]host:port/db or unix://path; ?prefix=name puts its keys beside those of others.
func Open(ctx context.Context, address string) (*Store, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("store: the address is not of the form redis://host:6379/0")
	}
	q := u.Query()
	prefix := "bm:"
	if p := q.Get("prefix"); p != "" {
		prefix = p + ":"
	}
	q.Del("prefix")
	u.RawQuery = q.Encode()
	opt, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", u.Redacted(), err)
	}
	opt.ContextTimeoutEnabled = true // or a caller with less time waits for as long as Redis may take
	s := &Store{c: redis.NewClient(opt), prefix: prefix, process: rand.Text()}
	s.Documents = store.NewDocuments(documentTable{s})
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: %w", u.Redacted(), err), s.Close())
	}
	if _, err := s.Key(ctx, store.Identity); err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: %w", u.Redacted(), err), s.Close())
	}
	return s, nil
}

// Close ends the connections.
func (s *Store) Close() error { return s.c.Close() }

func (s *Store) key(parts ...string) string { return s.prefix + strings.Join(parts, ":") }
