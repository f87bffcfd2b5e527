package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"brandmelder/brand"
	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// calls reads calls; bad counts IDs that stand for none any more.
func (s *Store) calls(ctx context.Context, ids []string) (calls []brand.Call, bad int, err error) {
	if len(ids) == 0 {
		return nil, 0, nil
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = s.key("call", id)
	}
	raw, err := s.c.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, 0, err
	}
	return documents[brand.Call](ctx, s, "call", ids, raw, func(p redis.Pipeliner, id string) {
		p.Del(ctx, s.key("call", id))
		p.ZRem(ctx, s.key("outbox"), id)
	}, func(ids []any) error { return s.drop(ctx, "call", "string", ids, s.key("outbox")) })
}

// DueCalls reads the outbox.
func (s *Store) DueCalls(ctx context.Context, now time.Time, limit int) ([]brand.Call, error) {
	for {
		ids, err := s.c.ZRangeArgs(ctx, redis.ZRangeArgs{Key: s.key("outbox"), Start: "-inf", Stop: now.UnixMilli(), ByScore: true, Count: int64(limit)}).Result()
		if err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		calls, bad, err := s.calls(ctx, ids)
		if err != nil || bad == 0 {
			return calls, err
		}
	}
}

// SaveCall saves a call's fate.
func (s *Store) SaveCall(ctx context.Context, c brand.Call) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	p := s.c.TxPipeline()
	p.Set(ctx, s.key("call", c.ID), doc, 0)
	p.SAdd(ctx, s.key("calls", c.Incident), c.ID)
	if c.Sent.IsZero() && !c.GivenUp {
		p.ZAdd(ctx, s.key("outbox"), redis.Z{Score: float64(c.Due.UnixMilli()), Member: c.ID})
	} else {
		p.ZRem(ctx, s.key("outbox"), c.ID)
	}
	_, err = p.Exec(ctx)
	return s.mend(ctx, err, map[string]string{s.key("calls", c.Incident): "set"})
}

// CallsOf reads an incident's calls.
func (s *Store) CallsOf(ctx context.Context, incident string) ([]brand.Call, error) {
	key := s.key("calls", incident)
	ids, err := s.c.SMembers(ctx, key).Result()
	if err != nil {
		return nil, s.mend(ctx, err, map[string]string{key: "set"})
	}
	calls, _, err := s.calls(ctx, ids)
	store.SortCalls(calls)
	return calls, err
}
