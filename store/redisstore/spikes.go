package redisstore

import (
	"context"
	"encoding/json"
	"fmt"

	"brandmelder/brand"
	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// SpikesAfter reads the stream of spikes.
func (s *Store) SpikesAfter(ctx context.Context, pos string, limit int) ([]store.SpikeEntry, error) {
	out := []store.SpikeEntry{}
	for {
		xs, err := s.read(ctx, "spikes", pos, limit-len(out))
		if err != nil {
			return nil, fmt.Errorf("read spikes: %w", err)
		}
		spikes, bad, err := s.spikes(ctx, xs)
		if err != nil {
			return nil, err
		}
		if out = append(out, spikes...); bad == 0 || len(out) == limit {
			return out, nil
		}
		pos = xs[len(xs)-1].ID
	}
}

// spikes reads entries of the stream; bad counts those that were moved to the dead letters.
func (s *Store) spikes(ctx context.Context, xs []redis.XMessage) (out []store.SpikeEntry, bad int, err error) {
	for _, x := range xs {
		e := store.SpikeEntry{Pos: x.ID}
		doc, _ := x.Values["d"].(string)
		if err := json.Unmarshal([]byte(doc), &e.Spike); err != nil {
			bad++
			err = s.setAside(ctx, "spike", x.ID, doc, err, func(p redis.Pipeliner) { p.XDel(ctx, s.key("spikes"), x.ID) })
			if err != nil {
				return nil, bad, err
			}
			continue
		}
		out = append(out, e)
	}
	return out, bad, nil
}

// RedactSpikes takes the changed ones off the stream, whose entries cannot be written anew; the incidents keep the last telling of each.
func (s *Store) RedactSpikes(ctx context.Context, pos string, f func(*brand.Spike) bool) (int, error) {
	changed, at := 0, ""
	for {
		es, err := s.SpikesAfter(ctx, at, 500)
		if err != nil {
			return changed, err
		}
		for _, e := range es {
			if pos == "" || less(pos, e.Pos) {
				return changed, nil
			}
			if at = e.Pos; !f(&e.Spike) {
				continue
			}
			if err := s.c.XDel(ctx, s.key("spikes"), e.Pos).Err(); err != nil {
				return changed, fmt.Errorf("redact a spike: %w", err)
			}
			changed++
		}
		if len(es) == 0 {
			return changed, nil
		}
	}
}

// RecentSpikes reads it backwards.
func (s *Store) RecentSpikes(ctx context.Context, limit int) ([]brand.Spike, error) {
	xs, err := s.c.XRevRangeN(ctx, s.key("spikes"), "+", "-", int64(limit)).Result()
	if err != nil {
		return nil, fmt.Errorf("read spikes: %w", err)
	}
	es, _, err := s.spikes(ctx, xs)
	if err != nil {
		return nil, err
	}
	out := make([]brand.Spike, len(es))
	for i := range es {
		out[i] = es[i].Spike
	}
	return out, nil
}
