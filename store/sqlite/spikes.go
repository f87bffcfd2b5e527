package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"time"

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

// RecentSpikes reads the last report of each spike.
func (s *Store) RecentSpikes(ctx context.Context, topic, before string, limit int) ([]store.SpikeEntry, error) {
	from, err := number(before)
	if err != nil {
		return nil, err
	}
	if before == "" {
		from = math.MaxInt64
	}
	which, args := ``, []any{}
	if topic != "" {
		which, args = `WHERE topic = ?`, []any{topic}
	}
	query := `SELECT pos, doc FROM spikes WHERE pos IN (SELECT MAX(pos) FROM spikes ` + which + ` GROUP BY topic, id)
		AND pos < ? ORDER BY pos DESC LIMIT ?`
	for {
		var out []store.SpikeEntry
		bad, err := s.each(ctx, spikeRows, func(key string, doc []byte, _ []any) error {
			e := store.SpikeEntry{Pos: key}
			err := json.Unmarshal(doc, &e.Spike)
			if err == nil {
				out = append(out, e)
			}
			return err
		}, query, append(args, from, limit)...)
		if err != nil {
			return nil, fmt.Errorf("read recent spikes: %w", err)
		}
		if bad == 0 {
			return out, nil
		}
	}
}

// AppendSpikes puts spikes at the end.
func (s *Store) AppendSpikes(ctx context.Context, spikes []brand.Spike) error {
	return s.write(ctx, func(tx *sql.Tx) error { return addSpikes(ctx, tx, spikes) })
}

func addSpikes(ctx context.Context, tx *sql.Tx, spikes []brand.Spike) error {
	for _, sp := range spikes {
		doc, err := json.Marshal(sp)
		if err != nil {
			return err
		}
		const insert = `INSERT INTO spikes (id, topic, at, doc) VALUES (?, ?, ?, ?)`
		if _, err := tx.ExecContext(ctx, insert, sp.ID, sp.Topic, time.Now().UnixMilli(), doc); err != nil {
			return err
		}
	}
	return nil
}

// TrimSpikes removes old entries.
func (s *Store) TrimSpikes(ctx context.Context, pos string, before time.Time) (int, error) {
	last, err := number(pos)
	if err != nil {
		return 0, err
	}
	n, err := changed(s.db.ExecContext(ctx, `DELETE FROM spikes WHERE at < ? AND pos <= ?`, before.UnixMilli(), last))
	if err != nil {
		return 0, fmt.Errorf("trim spikes: %w", err)
	}
	return n, nil
}
