package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"brandmelder/incident"
	"brandmelder/store"
)

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func putCall(ctx context.Context, db execer, c incident.Call, verb string) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, verb+` INTO calls (id, incident, due, waiting, version, doc) VALUES (?, ?, ?, ?, ?, ?)`,
		c.ID, c.Incident, c.Due.UnixMilli(), c.Waiting(), c.Version, doc)
	return err
}

// DueCalls reads the outbox.
func (s *Store) DueCalls(ctx context.Context, now time.Time, limit int) ([]incident.Call, error) {
	return list[incident.Call](ctx, s, callRows, `SELECT rowid, doc, id FROM calls WHERE waiting = 1 AND due <= ? ORDER BY due, id LIMIT ?`, now.UnixMilli(), limit)
}

// SaveCall saves what became of a call.
func (s *Store) SaveCall(ctx context.Context, lease *store.Lease, c *incident.Call) error {
	saved := *c
	saved.Version++
	err := s.write(ctx, func(tx *sql.Tx) error {
		if err := fenced(ctx, tx, lease); err != nil {
			return err
		}
		var version int
		err := tx.QueryRowContext(ctx, `SELECT version FROM calls WHERE id = ?`, c.ID).Scan(&version)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if version != c.Version {
			return store.ErrConflict
		}
		return putCall(ctx, tx, saved, `INSERT OR REPLACE`)
	})
	if err != nil {
		return fmt.Errorf("save call %s: %w", c.ID, err)
	}
	c.Version = saved.Version
	return nil
}

// CallsOf reads an incident's calls.
func (s *Store) CallsOf(ctx context.Context, id string) ([]incident.Call, error) {
	calls, err := list[incident.Call](ctx, s, callRows, `SELECT rowid, doc, id FROM calls WHERE incident = ?`, id)
	store.SortCalls(calls)
	return calls, err
}
