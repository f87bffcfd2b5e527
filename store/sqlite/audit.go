package sqlite

import (
	"context"
	"fmt"

	"brandmelder/store"
)

// StoredIDs lists the incidents.
func (s *Store) StoredIDs(ctx context.Context) (ids []string, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id FROM incidents UNION SELECT incident FROM events ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("list stored incidents: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// StoredIncident reads one by one statement, which sees one moment.
func (s *Store) StoredIncident(ctx context.Context, id string) (store.StoredIncident, error) {
	in := store.StoredIncident{ID: id}
	rows, err := s.db.QueryContext(ctx, `SELECT 0 AS part, 0 AS place, doc FROM incidents WHERE id = ?1
		UNION ALL SELECT 1, seq, doc FROM events WHERE incident = ?1 ORDER BY part, place`, id)
	if err != nil {
		return in, fmt.Errorf("stored incident %s: %w", id, err)
	}
	defer rows.Close()
	for rows.Next() {
		var part int
		var place any
		var doc []byte
		if err := rows.Scan(&part, &place, &doc); err != nil {
			return in, err
		}
		if part == 0 {
			in.State = doc
		} else {
			in.Events = append(in.Events, doc)
		}
	}
	if err := rows.Err(); err != nil {
		return in, err
	}
	if in.State == nil && in.Events == nil {
		return in, fmt.Errorf("incident %s: %w", id, store.ErrNotFound)
	}
	return in, nil
}
