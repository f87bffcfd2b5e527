package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"brandmelder/store"
)

// AddDeadLetters adds dead letters.
func (s *Store) AddDeadLetters(ctx context.Context, ds ...store.DeadLetter) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		for _, d := range ds {
			if err := bury(ctx, tx, d); err != nil {
				return err
			}
		}
		return nil
	})
}

// ListDeadLetters reads dead letters.
func (s *Store) ListDeadLetters(ctx context.Context, limit int) ([]store.DeadLetter, error) {
	return list[store.DeadLetter](ctx, s, deadRows, `SELECT rowid, doc, id FROM dead_letters ORDER BY at DESC, id LIMIT ?`, limit)
}

// TrimDeadLetters removes old ones.
func (s *Store) TrimDeadLetters(ctx context.Context, before time.Time) (int, error) {
	res, err := s.db.ExecContext(ctx, `DELETE FROM dead_letters WHERE at < ?`, before.UnixMilli())
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// DropDeadLetter removes a dead letter.
func (s *Store) DropDeadLetter(ctx context.Context, id string) error {
	res, err := s.db.ExecContext(ctx, `DELETE FROM dead_letters WHERE id = ?`, id)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(fmt.Errorf("dead letter %s: %w", id, store.ErrNotFound), err)
	}
	return nil
}
