package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"brandmelder/store"
)

// Keep remembers matches.
func (s *Store) Keep(ctx context.Context, ms []store.Match) error {
	if len(ms) == 0 {
		return nil
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		stmt, err := tx.PrepareContext(ctx, `INSERT OR REPLACE INTO matches (topic, pos, at, negative, positive, weight, doubt) VALUES (?, ?, ?, ?, ?, ?, ?)`)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for _, m := range ms {
			pos, err := number(m.Pos)
			if err != nil {
				return err
			}
			if _, err := stmt.ExecContext(ctx, m.Topic, pos, m.At.UnixMilli(), m.Negative, m.Positive, m.Weight, m.Doubt); err != nil {
				return err
			}
		}
		return nil
	})
}

// Matched reads a topic's mentions.
func (s *Store) Matched(ctx context.Context, topic string, from, to time.Time, limit int) ([]store.Matched, error) {
	var out []store.Matched
	_, err := s.each(ctx, mentionRows, func(key string, doc []byte, row []any) (err error) {
		m := store.Matched{Match: store.Match{Topic: topic, Pos: key}}
		at, ok := row[0].(int64)
		for i, x := range []*float64{&m.Negative, &m.Positive, &m.Weight, &m.Doubt} {
			v, isNumber := row[i+1].(float64)
			*x, ok = v, ok && isNumber
		}
		if !ok {
			return errors.New("its match holds something else than numbers")
		}
		m.At = time.UnixMilli(at).UTC()
		if m.Mention, err = store.DecodeMention(doc); err == nil {
			out = append(out, m)
		}
		return err
	}, `SELECT t.pos, m.doc, t.at, t.negative, t.positive, t.weight, t.doubt FROM matches t JOIN mentions m ON m.pos = t.pos AND length(m.doc) > 0
		WHERE t.topic = ? AND t.at >= ? AND t.at < ? ORDER BY t.at DESC, m.id DESC LIMIT ?`, topic, from.UnixMilli(), to.UnixMilli(), limit)
	if err != nil {
		return nil, fmt.Errorf("read mentions of %s: %w", topic, err)
	}
	return out, nil
}
