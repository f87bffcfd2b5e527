package sqlite

import (
	"context"
	"database/sql"
	"time"

	"brandmelder/store"
)

// Delete removes mentions and notes their deletions.
func (s *Store) Delete(ctx context.Context, at time.Time, ids []string) (int, error) {
	return s.remove(ctx, ids, func(tx *sql.Tx, id string) error {
		_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO deletions (id, at) VALUES (?, ?)`, id, at.UnixMilli())
		return err
	})
}

// Deletions reads the deletions that are not done.
func (s *Store) Deletions(ctx context.Context) (out []store.Deletion, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, at FROM deletions ORDER BY at, id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d store.Deletion
		var at int64
		if err := rows.Scan(&d.Mention, &at); err != nil {
			return nil, err
		}
		d.At = time.UnixMilli(at).UTC()
		out = append(out, d)
	}
	return out, rows.Err()
}

// EndDeletions takes deletions off the list.
func (s *Store) EndDeletions(ctx context.Context, ids []string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, `DELETE FROM deletions WHERE id = ?`, id); err != nil {
				return err
			}
		}
		return nil
	})
}
