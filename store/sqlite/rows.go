package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"brandmelder/incident"
	"brandmelder/store"
)

// rows says what a table holds, and how a row that cannot be read is taken out of it.
type rows struct {
	what   string // for the dead letter
	named  bool   // its third column is its ID, if that is a text
	remove string // statements whose parameter ?1 is the row's key: its number, since an ID may be of any type
}

var (
	// The ID of a mention stays known, so that it is not taken in again.
	mentionRows  = rows{"mention", false, `DELETE FROM matches WHERE pos = ?1; UPDATE mentions SET doc = '' WHERE pos = ?1`}
	spikeRows    = rows{"spike", false, `DELETE FROM spikes WHERE pos = ?1`}
	callRows     = rows{"call", true, `DELETE FROM calls WHERE rowid = ?1`}
	incidentRows = rows{"incident", true, `DELETE FROM incidents WHERE rowid = ?1`}
	evidenceRows = rows{"evidence", false, `DELETE FROM evidence WHERE rowid = ?1`}
	deadRows     = rows{"dead letter", true, `DELETE FROM dead_letters WHERE rowid = ?1`}
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
			where := key
			if of.named {
				where = "in row " + key
				if id, ok := row[0].(string); ok {
					where = id
				}
			}
			letters = append(letters, store.Unreadable(of.what, where, doc, err, time.Now()))
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

// list reads the documents of a query that selects rowid, document and ID. Where it sets some aside it reads again, so
// that they hide no others.
func list[T incident.Call | store.DeadLetter](ctx context.Context, s *Store, of rows, query string, args ...any) ([]T, error) {
	for {
		var out []T
		bad, err := s.each(ctx, of, func(_ string, doc []byte, row []any) error {
			id, ok := row[0].(string)
			if !ok {
				return fmt.Errorf("its id is a %T, not a text", row[0])
			}
			v, err := store.DecodeNamed[T](id, doc)
			if err == nil {
				out = append(out, v)
			}
			return err
		}, query, args...)
		if err != nil || bad == 0 {
			return out, err
		}
	}
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
