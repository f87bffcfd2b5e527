package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"brandmelder/store"
)

// documentTable is the table of small documents.
type documentTable struct{ s *Store }

var _ store.DocumentTable = documentTable{}

// Put saves a document.
func (d documentTable) Put(ctx context.Context, kind, name string, doc []byte) error {
	_, err := d.s.db.ExecContext(ctx, `INSERT OR REPLACE INTO documents (kind, name, doc) VALUES (?, ?, ?)`, kind, name, doc)
	return err
}

// Drop removes documents.
func (d documentTable) Drop(ctx context.Context, kind string, names ...string) (dropped int, err error) {
	err = d.s.write(ctx, func(tx *sql.Tx) error {
		for _, name := range names {
			n, err := changed(tx.ExecContext(ctx, `DELETE FROM documents WHERE kind = ? AND name = ?`, kind, name))
			if err != nil {
				return err
			}
			dropped += n
		}
		return nil
	})
	return dropped, err
}

// List reads documents.
func (d documentTable) List(ctx context.Context, kind string, names ...string) (map[string][]byte, error) {
	query, args := `SELECT name, doc FROM documents WHERE kind = ?`, []any{kind}
	if len(names) > 0 {
		query += ` AND name IN (?` + strings.Repeat(`, ?`, len(names)-1) + `)`
		for _, n := range names {
			args = append(args, n)
		}
	}
	rows, err := d.s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string][]byte{}
	for rows.Next() {
		var name string
		var doc []byte
		if err := rows.Scan(&name, &doc); err != nil {
			return nil, err
		}
		out[name] = doc
	}
	return out, rows.Err()
}

// SetAside moves a document to the dead letters.
func (d documentTable) SetAside(ctx context.Context, kind, name string, letter store.DeadLetter) error {
	return d.s.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM documents WHERE kind = ? AND name = ?`, kind, name); err != nil {
			return err
		}
		return bury(ctx, tx, letter)
	})
}

// changed is how many rows a statement changed.
func changed(res sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("count rows: %w", err)
	}
	return int(n), nil
}
