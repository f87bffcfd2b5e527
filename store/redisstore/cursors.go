package redisstore

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// Cursor reads a cursor.
func (s *Store) Cursor(ctx context.Context, name string) (string, error) {
	v, err := s.c.HGet(ctx, s.key("cursors"), name).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return v, err
}

// SetCursor moves a cursor.
func (s *Store) SetCursor(ctx context.Context, name, value string) error {
	return s.c.HSet(ctx, s.key("cursors"), name, value).Err()
}
