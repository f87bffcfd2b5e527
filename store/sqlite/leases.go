package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"brandmelder/store"
)

// Acquire takes a lease.
func (s *Store) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (l store.Lease, ok bool, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		now := time.Now()
		l = store.Lease{Name: name, Holder: holder}
		var who string
		var until int64
		err := tx.QueryRowContext(ctx, `SELECT holder, fence, until FROM leases WHERE name = ?`, name).Scan(&who, &l.Fence, &until)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		alive := until > now.UnixMilli()
		if alive && who != holder {
			return nil
		}
		if !alive {
			l.Fence++
		}
		ok = true
		_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO leases (name, holder, fence, until) VALUES (?, ?, ?, ?)`, name, holder, l.Fence, now.Add(ttl).UnixMilli())
		return err
	})
	return l, ok && err == nil, err
}

// Release gives a lease back.
func (s *Store) Release(ctx context.Context, l store.Lease) error {
	_, err := s.db.ExecContext(ctx, `UPDATE leases SET until = 0 WHERE name = ? AND fence = ? AND holder = ?`, l.Name, l.Fence, l.Holder)
	return err
}
