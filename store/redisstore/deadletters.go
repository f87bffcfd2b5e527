package redisstore

import (
	"context"
	"fmt"
	"time"

	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// AddDeadLetters adds dead letters.
func (s *Store) AddDeadLetters(ctx context.Context, ds ...store.DeadLetter) error {
	if len(ds) == 0 {
		return nil
	}
	p := s.c.TxPipeline()
	for _, d := range ds {
		if err := s.bury(ctx, p, d); err != nil {
			return err
		}
	}
	_, err := p.Exec(ctx)
	return err
}

// ListDeadLetters reads dead letters.
func (s *Store) ListDeadLetters(ctx context.Context, limit int) ([]store.DeadLetter, error) {
	for {
		ids, err := s.c.ZRangeArgs(ctx, redis.ZRangeArgs{Key: s.key("dead:at"), Start: 0, Stop: limit - 1, Rev: true}).Result()
		if err != nil || len(ids) == 0 {
			return nil, err
		}
		raw, err := s.c.HMGet(ctx, s.key("dead"), ids...).Result()
		if err != nil {
			return nil, err
		}
		letters, bad, err := documents[store.DeadLetter](ctx, s, "dead letter", ids, raw, func(p redis.Pipeliner, id string) {
			p.HDel(ctx, s.key("dead"), id)
			p.ZRem(ctx, s.key("dead:at"), id)
		}, func(ids []any) error {
			return dropLetterScript.Run(ctx, s.c, []string{s.key("dead"), s.key("dead:at")}, ids...).Err()
		})
		if err != nil || bad == 0 {
			return letters, err
		}
	}
}

// TrimDeadLetters removes old ones.
func (s *Store) TrimDeadLetters(ctx context.Context, before time.Time) (int, error) {
	ids, err := s.c.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: s.key("dead:at"), Start: "-inf", Stop: fmt.Sprintf("(%d", before.UnixMilli()), ByScore: true, Count: manyLetters,
	}).Result()
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	p := s.c.TxPipeline()
	p.HDel(ctx, s.key("dead"), ids...)
	for _, id := range ids {
		p.ZRem(ctx, s.key("dead:at"), id)
	}
	_, err = p.Exec(ctx)
	return len(ids), err
}

// manyLetters is how many dead letters are removed at once.
const manyLetters = 10_000

// DropDeadLetter removes a dead letter.
func (s *Store) DropDeadLetter(ctx context.Context, id string) error {
	p := s.c.TxPipeline()
	n := p.HDel(ctx, s.key("dead"), id)
	p.ZRem(ctx, s.key("dead:at"), id)
	if _, err := p.Exec(ctx); err != nil {
		return err
	}
	if n.Val() == 0 {
		return fmt.Errorf("dead letter %s: %w", id, store.ErrNotFound)
	}
	return nil
}
