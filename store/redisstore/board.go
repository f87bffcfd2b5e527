package redisstore

import (
	"context"
	"encoding/json"
)

// Pin pins a document to the board.
func (s *Store) Pin(ctx context.Context, key string, doc json.RawMessage) error {
	return s.c.HSet(ctx, s.key("board"), key, []byte(doc)).Err()
}

// Unpin takes a document away.
func (s *Store) Unpin(ctx context.Context, key string) error {
	return s.c.HDel(ctx, s.key("board"), key).Err()
}

// Pinned reads the board.
func (s *Store) Pinned(ctx context.Context, prefix string) (map[string]json.RawMessage, error) {
	all, err := s.c.HGetAll(ctx, s.key("board")).Result()
	if err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	for k, v := range all {
		if len(k) >= len(prefix) && k[:len(prefix)] == prefix {
			out[k] = json.RawMessage(v)
		}
	}
	return out, nil
}
