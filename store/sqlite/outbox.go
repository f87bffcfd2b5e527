package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func insertCall(ctx context.Context, db execer, c brand.Call, verb string) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, verb+` INTO calls (id, incident, due, waiting, doc) VALUES (?, ?, ?, ?, ?)`,
		c.ID, c.Incident, c.Due.UnixMilli(), c.Sent.IsZero() && !c.GivenUp, doc)
	return err
}

// DueCalls reads the outbox.
func (s *Store) DueCalls(ctx context.Context, now time.Time, limit int) ([]brand.Call, error) {
	return list[brand.Call](ctx, s, callRows, `SELECT rowid, doc, id FROM calls WHERE waiting = 1 AND due <= ? ORDER BY due, id LIMIT ?`, now.UnixMilli(), limit)
}

// SaveCall saves a call's fate.
func (s *Store) SaveCall(ctx context.Context, c brand.Call) error {
	return insertCall(ctx, s.db, c, `INSERT OR REPLACE`)
}

// CallsOf reads an incident's calls.
func (s *Store) CallsOf(ctx context.Context, incident string) ([]brand.Call, error) {
	calls, err := list[brand.Call](ctx, s, callRows, `SELECT rowid, doc, id FROM calls WHERE incident = ?`, incident)
	store.SortCalls(calls)
	return calls, err
}
