package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

// SpikesAfter reads the stream of spikes.
func (s *Store) SpikesAfter(ctx context.Context, pos string, limit int) ([]store.SpikeEntry, error) {
	from, err := number(pos)
	if err != nil {
		return nil, err
	}
	var out []store.SpikeEntry
	for {
		n := 0
		bad, err := s.each(ctx, spikeRows, func(key string, doc []byte, _ []any) (err error) {
			n++
			e := store.SpikeEntry{Pos: key}
			if from, err = number(key); err == nil {
				err = json.Unmarshal(doc, &e.Spike)
			}
			if err == nil {
				out = append(out, e)
			}
			return err
		}, `SELECT pos, doc FROM spikes WHERE pos > ? ORDER BY pos LIMIT ?`, from, limit-len(out))
		if err != nil {
			return nil, fmt.Errorf("read spikes: %w", err)
		}
		if n == 0 || bad == 0 || len(out) == limit {
			return out, nil
		}
	}
}

// RedactSpikes writes the changed ones anew.
func (s *Store) RedactSpikes(ctx context.Context, pos string, f func(*brand.Spike) bool) (int, error) {
	last, err := number(pos)
	if err != nil {
		return 0, err
	}
	changed, at := 0, ""
	for {
		es, err := s.SpikesAfter(ctx, at, 500)
		if err != nil {
			return changed, err
		}
		for _, e := range es {
			n, err := number(e.Pos)
			if err != nil || n > last {
				return changed, err
			}
			if at = e.Pos; !f(&e.Spike) {
				continue
			}
			doc, err := json.Marshal(e.Spike)
			if err != nil {
				return changed, err
			}
			if _, err := s.db.ExecContext(ctx, `UPDATE spikes SET doc = ? WHERE pos = ?`, doc, n); err != nil {
				return changed, fmt.Errorf("redact a spike: %w", err)
			}
			changed++
		}
		if len(es) == 0 {
			return changed, nil
		}
	}
}

// RecentSpikes reads it backwards.
func (s *Store) RecentSpikes(ctx context.Context, limit int) ([]brand.Spike, error) {
	var out []brand.Spike
	_, err := s.each(ctx, spikeRows, func(_ string, doc []byte, _ []any) error {
		var sp brand.Spike
		err := json.Unmarshal(doc, &sp)
		if err == nil {
			out = append(out, sp)
		}
		return err
	}, `SELECT pos, doc FROM spikes ORDER BY pos DESC LIMIT ?`, limit)
	return out, err
}

// Cursor reads a cursor.
func (s *Store) Cursor(ctx context.Context, name string) (string, error) {
	var v string
	err := s.db.QueryRowContext(ctx, `SELECT value FROM cursors WHERE name = ?`, name).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

// SetCursor moves a cursor.
func (s *Store) SetCursor(ctx context.Context, name, value string) error {
	_, err := s.db.ExecContext(ctx, `INSERT OR REPLACE INTO cursors (name, value) VALUES (?, ?)`, name, value)
	return err
}

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

// Bury sets something aside.
func (s *Store) Bury(ctx context.Context, ds ...store.DeadLetter) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		for _, d := range ds {
			if err := bury(ctx, tx, d); err != nil {
				return err
			}
		}
		return nil
	})
}

// ListDeadLetters reads what was set aside.
func (s *Store) ListDeadLetters(ctx context.Context, limit int) ([]store.DeadLetter, error) {
	return list[store.DeadLetter](ctx, s, deadRows, `SELECT rowid, doc, id FROM dead_letters ORDER BY at DESC, id LIMIT ?`, limit)
}

// TrimDeadLetters removes old ones.
func (s *Store) TrimDeadLetters(ctx context.Context, before time.Time) (int, error) {
	res, err := s.db.ExecContext(ctx, `DELETE FROM dead_letters WHERE at < ?`, before.UnixMilli())
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// Exhume takes one off the heap.
func (s *Store) Exhume(ctx context.Context, id string) error {
	res, err := s.db.ExecContext(ctx, `DELETE FROM dead_letters WHERE id = ?`, id)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(fmt.Errorf("dead letter %s: %w", id, store.ErrNotFound), err)
	}
	return nil
}

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
