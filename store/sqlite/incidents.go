package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"brandmelder/brand"
	"brandmelder/store"
)

// Incident reads one.
func (s *Store) Incident(ctx context.Context, id string) (brand.Incident, error) {
	ins, err := list[brand.Incident](ctx, s, caseRows, `SELECT rowid, doc, id FROM incidents WHERE id = ?`, id)
	if err == nil && len(ins) == 0 {
		err = fmt.Errorf("incident %s: %w", id, store.ErrNotFound)
	}
	if err != nil {
		return brand.Incident{}, err
	}
	return ins[0], nil
}

// ListIncidents reads many.
func (s *Store) ListIncidents(ctx context.Context, open bool, limit int) ([]brand.Incident, error) {
	where := ""
	if open {
		where = `WHERE open = 1`
	}
	return list[brand.Incident](ctx, s, caseRows, `SELECT rowid, doc, id FROM incidents `+where+` ORDER BY detected DESC, id LIMIT ?`, limit)
}

// SaveIncident saves one, with its calls.
func (s *Store) SaveIncident(ctx context.Context, in *brand.Incident, calls []brand.Call) error {
	saved := *in
	saved.Version++
	err := s.write(ctx, func(tx *sql.Tx) error {
		var version int
		var doc []byte
		var old brand.Incident
		err := tx.QueryRowContext(ctx, `SELECT version, doc FROM incidents WHERE id = ?`, in.ID).Scan(&version, &doc)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if doc != nil {
			if err := json.Unmarshal(doc, &old); err != nil {
				return err
			}
		}
		if version != in.Version || len(in.Timeline) < len(old.Timeline) {
			return fmt.Errorf("incident %s: %w", in.ID, store.ErrConflict)
		}
		if doc, err = json.Marshal(saved); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO incidents (id, version, open, detected, doc) VALUES (?, ?, ?, ?, ?)`,
			in.ID, saved.Version, in.Open(), in.Detected.UnixMilli(), doc); err != nil {
			return err
		}
		for _, c := range calls {
			if err := insertCall(ctx, tx, c, `INSERT OR IGNORE`); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		in.Version = saved.Version
	}
	return err
}
