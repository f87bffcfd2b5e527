package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"brandmelder/store"
)

// rows says what a table holds, and how a row that cannot be read is taken out of it.
type rows struct {
	what   string // for the dead letter
	remove string // statements whose parameter ?1 is the row's key
}

var (
	// The ID of a mention stays known, so that it is not taken in again.
	mentionRows = rows{"mention", `DELETE FROM matches WHERE pos = ?1; UPDATE mentions SET doc = '' WHERE pos = ?1`}
	spikeRows   = rows{"spike", `DELETE FROM spikes WHERE pos = ?1`}
	caseRows    = rows{"incident", `DELETE FROM incidents WHERE id = ?1`}
	callRows    = rows{"call", `DELETE FROM calls WHERE id = ?1`}
	deadRows    = rows{"dead letter", `DELETE FROM dead_letters WHERE id = ?1`}
)

// each gives read every row of a query, whose first two columns are the key and the document; row has the others. A row
// for which read returns an error is moved to the dead letters; bad counts these.
func (s *Store) each(ctx context.Context, of rows, read func(key string, doc []byte, row []any) error, query string, args ...any) (bad int, err error) {
	rs, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	defer rs.Close()
	columns, err := rs.Columns()
	if err != nil {
		return 0, err
	}
	row, into := make([]any, len(columns)-2), make([]any, len(columns))
	var key string
	var doc []byte
	into[0], into[1] = &key, &doc
	for i := range row {
		into[i+2] = &row[i]
	}
	var letters []store.DeadLetter
	var keys []string
	for rs.Next() {
		if err := rs.Scan(into...); err != nil {
			return 0, err
		}
		if err := read(key, doc, row); err != nil {
			letters = append(letters, store.Unreadable(of.what, key, doc, err, time.Now()))
			keys = append(keys, key)
		}
	}
	if err := rs.Err(); err != nil || len(letters) == 0 {
		return 0, err
	}
	if err := rs.Close(); err != nil { // there is one connection
		return 0, err
	}
	return len(letters), s.write(ctx, func(tx *sql.Tx) error {
		for i, d := range letters {
			if _, err := tx.ExecContext(ctx, of.remove, keys[i]); err != nil {
				return fmt.Errorf("move %s to the dead letters: %w", d.From, err)
			}
			if err := bury(ctx, tx, d); err != nil {
				return fmt.Errorf("move %s to the dead letters: %w", d.From, err)
			}
		}
		return nil
	})
}

// list reads the documents of a query that selects key and document.
func list[T any](ctx context.Context, s *Store, of rows, query string, args ...any) (out []T, err error) {
	_, err = s.each(ctx, of, func(_ string, doc []byte, _ []any) error {
		var v T
		err := json.Unmarshal(doc, &v)
		if err == nil {
			out = append(out, v)
		}
		return err
	}, query, args...)
	return out, err
}

func bury(ctx context.Context, db execer, d store.DeadLetter) error {
	d.Item = d.Item[:min(len(d.Item), store.MaxItem)]
	doc, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `INSERT OR REPLACE INTO dead_letters (id, at, doc) VALUES (?, ?, ?)`, d.ID, d.At.UnixMilli(), doc)
	return err
}
