package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"brandmelder/brand"
	"brandmelder/store"
)

// SpikesAfter reads the stream of spikes.
func (s *Store) SpikesAfter(ctx context.Context, pos string, limit int) ([]store.SpikeEntry, error) {
	from, err := number(pos)
	if err != nil {
		return nil, err
	}
	var out []store.SpikeEntry
	for {
		n := 0
		bad, err := s.each(ctx, spikeRows, func(key string, doc []byte, _ []any) (err error) {
			n++
			e := store.SpikeEntry{Pos: key}
			if from, err = number(key); err == nil {
				err = json.Unmarshal(doc, &e.Spike)
			}
			if err == nil {
				out = append(out, e)
			}
			return err
		}, `SELECT pos, doc FROM spikes WHERE pos > ? ORDER BY pos LIMIT ?`, from, limit-len(out))
		if err != nil {
			return nil, fmt.Errorf("read spikes: %w", err)
		}
		if n == 0 || bad == 0 || len(out) == limit {
			return out, nil
		}
	}
}

// RedactSpikes writes the changed ones anew.
func (s *Store) RedactSpikes(ctx context.Context, pos string, f func(*brand.Spike) bool) (int, error) {
	last, err := number(pos)
	if err != nil {
		return 0, err
	}
	changed, at := 0, ""
	for {
		es, err := s.SpikesAfter(ctx, at, 500)
		if err != nil {
			return changed, err
		}
		for _, e := range es {
			n, err := number(e.Pos)
			if err != nil || n > last {
				return changed, err
			}
			if at = e.Pos; !f(&e.Spike) {
				continue
			}
			doc, err := json.Marshal(e.Spike)
			if err != nil {
				return changed, err
			}
			if _, err := s.db.ExecContext(ctx, `UPDATE spikes SET doc = ? WHERE pos = ?`, doc, n); err != nil {
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
	var out []brand.Spike
	_, err := s.each(ctx, spikeRows, func(_ string, doc []byte, _ []any) error {
		var sp brand.Spike
		err := json.Unmarshal(doc, &sp)
		if err == nil {
			out = append(out, sp)
		}
		return err
	}, `SELECT pos, doc FROM spikes ORDER BY pos DESC LIMIT ?`, limit)
	return out, err
}
