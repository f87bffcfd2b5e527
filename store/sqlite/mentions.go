package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

// Append puts mentions on the stream.
func (s *Store) Append(ctx context.Context, heard time.Time, ms []brand.Mention) (added int, err error) {
	if len(ms) == 0 {
		return 0, nil
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		stmt, err := tx.PrepareContext(ctx, `INSERT INTO mentions (id, heard, doc) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING`)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for _, m := range ms {
			doc, err := store.EncodeMention(&m)
			if err != nil {
				return err
			}
			res, err := stmt.ExecContext(ctx, m.ID, heard.UnixMilli(), doc)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			added += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("append %d mentions: %w", len(ms), err)
	}
	return added, nil
}

// After reads the stream.
func (s *Store) After(ctx context.Context, pos string, limit int) ([]store.Entry, error) {
	from, err := number(pos)
	if err != nil {
		return nil, err
	}
	var out []store.Entry
	for {
		n := 0
		bad, err := s.each(ctx, mentionRows, func(key string, doc []byte, row []any) error {
			n++
			e := store.Entry{Pos: key}
			if from, err = number(key); err != nil {
				return err
			}
			heard, ok := row[0].(int64)
			if !ok {
				return fmt.Errorf("its time is %v, not a number", row[0])
			}
			e.Heard = time.UnixMilli(heard).UTC()
			e.Mention, err = store.DecodeMention(doc)
			if err == nil {
				out = append(out, e)
			}
			return err
		}, `SELECT pos, doc, heard FROM mentions WHERE pos > ? AND length(doc) > 0 ORDER BY pos LIMIT ?`, from, limit-len(out))
		if err != nil {
			return nil, fmt.Errorf("read mentions: %w", err)
		}
		if n == 0 || bad == 0 || len(out) == limit {
			return out, nil
		}
	}
}

// Last reads the counter of positions, which knows also those of removed entries.
func (s *Store) Last(ctx context.Context) (string, error) {
	var n int64
	err := s.db.QueryRowContext(ctx, `SELECT seq FROM sqlite_sequence WHERE name = 'mentions'`).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) || err == nil && n == 0 {
		return "", nil
	}
	return strconv.FormatInt(n, 10), err
}

// Remove takes mentions away. Their empty rows stay until they are trimmed, so that the IDs are known.
func (s *Store) Remove(ctx context.Context, ids []string) (removed int, err error) {
	return s.remove(ctx, ids, func(*sql.Tx, string) error { return nil })
}

// remove calls then for each mention that was there, in the same transaction.
func (s *Store) remove(ctx context.Context, ids []string, then func(tx *sql.Tx, id string) error) (removed int, err error) {
	if len(ids) == 0 {
		return 0, nil
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, `DELETE FROM matches WHERE pos = (SELECT pos FROM mentions WHERE id = ?)`, id); err != nil {
				return err
			}
			n, err := changed(tx.ExecContext(ctx, `UPDATE mentions SET doc = '' WHERE id = ? AND length(doc) > 0`, id))
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			removed++
			if err := then(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("remove %d mentions: %w", len(ids), err)
	}
	return removed, nil
}

// Trim deletes what is old.
func (s *Store) Trim(ctx context.Context, before time.Time) (removed int, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		const old = `heard < ? AND pos <= COALESCE((SELECT MIN(pos) FROM snapshots), 0)`
		if _, err := tx.ExecContext(ctx, `DELETE FROM matches WHERE pos IN (SELECT pos FROM mentions WHERE `+old+`)`, before.UnixMilli()); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM mentions WHERE `+old, before.UnixMilli())
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		removed = int(n)
		return err
	})
	return removed, err
}
