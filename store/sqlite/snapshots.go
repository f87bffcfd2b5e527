package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"brandmelder/brand"
	"brandmelder/store"

	_ "modernc.org/sqlite" // the driver
)

// Snapshot reads a fold.
func (s *Store) Snapshot(ctx context.Context, name string) (store.Snapshot, error) {
	var pos any
	var state []byte
	err := s.db.QueryRowContext(ctx, `SELECT pos, state FROM snapshots WHERE name = ?`, name).Scan(&pos, &state)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Snapshot{Name: name}, fmt.Errorf("snapshot %s: %w", name, store.ErrNotFound)
	}
	if err != nil {
		return store.Snapshot{Name: name}, fmt.Errorf("snapshot %s: %w", name, err)
	}
	n, ok := pos.(int64)
	if !ok {
		return store.Snapshot{Name: name}, fmt.Errorf("snapshot %s: %w: its position is %.40v, not a number", name, store.ErrDamaged, pos)
	}
	return store.Unseal(name, position(n), state)
}

// Commit saves a fold and its spikes.
func (s *Store) Commit(ctx context.Context, lease store.Lease, snap store.Snapshot, spikes []brand.Spike) error {
	pos, err := number(snap.Pos)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		var fence int64
		if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(fence), 0) FROM leases WHERE name = ?`, lease.Name).Scan(&fence); err != nil {
			return err
		}
		if fence != lease.Fence {
			return fmt.Errorf("snapshot %s: %w", snap.Name, store.ErrFenced)
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO snapshots (name, pos, state) VALUES (?, ?, ?)`, snap.Name, pos, store.Seal(snap)); err != nil {
			return err
		}
		return addSpikes(ctx, tx, spikes)
	})
}

// DropSnapshots removes snapshots.
func (s *Store) DropSnapshots(ctx context.Context, keep func(name string) bool) error {
	rows, err := s.db.QueryContext(ctx, `SELECT name FROM snapshots`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var drop []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		if !keep(name) {
			drop = append(drop, name)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil { // there is one connection
		return err
	}
	for _, name := range drop {
		if _, err := s.db.ExecContext(ctx, `DELETE FROM snapshots WHERE name = ?`, name); err != nil {
			return fmt.Errorf("drop snapshot %s: %w", name, err)
		}
	}
	return nil
}
