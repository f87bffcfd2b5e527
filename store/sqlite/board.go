package sqlite

import (
	"context"
	"encoding/json"
)

// Pin pins a document to the board.
func (s *Store) Pin(ctx context.Context, key string, doc json.RawMessage) error {
	_, err := s.db.ExecContext(ctx, `INSERT OR REPLACE INTO board (key, doc) VALUES (?, ?)`, key, []byte(doc))
	return err
}

// Unpin takes a document away.
func (s *Store) Unpin(ctx context.Context, key string) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM board WHERE key = ?`, key)
	return err
}

// Pinned reads the board.
func (s *Store) Pinned(ctx context.Context, prefix string) (map[string]json.RawMessage, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT key, doc FROM board WHERE substr(key, 1, length(?1)) = ?1`, prefix)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]json.RawMessage{}
	for rows.Next() {
		var k string
		var doc []byte
		if err := rows.Scan(&k, &doc); err != nil {
			return nil, err
		}
		out[k] = doc
	}
	return out, rows.Err()
}
