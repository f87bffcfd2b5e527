package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/store"
)

// incidentTables is the schema of incidents: the events, what they fold to, and the evidence.
const incidentTables = `
ALTER TABLE incidents RENAME TO incidents_1;
CREATE TABLE incidents (id TEXT PRIMARY KEY, version INTEGER NOT NULL, open INTEGER NOT NULL, detected INTEGER NOT NULL,
	closed INTEGER NOT NULL, summary BLOB NOT NULL, doc BLOB NOT NULL);
CREATE INDEX incidents_detected ON incidents(detected DESC, id DESC);
CREATE INDEX incidents_open ON incidents(open, detected DESC, id DESC, version);
CREATE INDEX incidents_closed ON incidents(closed) WHERE open = 0;
CREATE TABLE events (incident TEXT NOT NULL, seq INTEGER NOT NULL, doc BLOB NOT NULL, PRIMARY KEY (incident, seq)) WITHOUT ROWID;
CREATE TABLE evidence (incident TEXT NOT NULL, spike TEXT NOT NULL, doc BLOB NOT NULL, PRIMARY KEY (incident, spike));
CREATE TABLE asks (person TEXT NOT NULL, incident TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (person, incident)) WITHOUT ROWID;
CREATE INDEX asks_at ON asks(at);
ALTER TABLE calls ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
`

// Incident reads one.
func (s *Store) Incident(ctx context.Context, id string) (incident.State, error) {
	var doc []byte
	err := s.db.QueryRowContext(ctx, `SELECT doc FROM incidents WHERE id = ?`, id).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		return incident.State{}, fmt.Errorf("incident %s: %w", id, store.ErrNotFound)
	}
	if err != nil {
		return incident.State{}, fmt.Errorf("incident %s: %w", id, err)
	}
	if in, err := store.DecodeNamed[incident.State](id, doc); err == nil {
		return in, nil
	}
	return s.rebuild(ctx, id)
}

// rebuild makes the state anew from the events and saves it. Where they are damaged too, the incident is set aside.
func (s *Store) rebuild(ctx context.Context, id string) (in incident.State, err error) {
	records, err := s.Events(ctx, id)
	if err == nil {
		in, err = store.Rebuild(id, records)
	}
	if err == nil {
		return in, s.write(ctx, func(tx *sql.Tx) error { return putState(ctx, tx, &in) })
	}
	if ctx.Err() != nil {
		return in, err
	}
	letter := store.Unreadable("incident", id, nil, err, time.Now())
	moved := s.write(ctx, func(tx *sql.Tx) error {
		if err := dropIncident(ctx, tx, id); err != nil {
			return err
		}
		return bury(ctx, tx, letter)
	})
	if moved != nil {
		return in, fmt.Errorf("move incident %s to the dead letters: %w", id, moved)
	}
	return in, fmt.Errorf("incident %s: %w", id, store.ErrNotFound)
}

func putState(ctx context.Context, tx *sql.Tx, in *incident.State) error {
	summary, err := json.Marshal(in.Summary)
	if err != nil {
		return err
	}
	doc, err := json.Marshal(in)
	if err != nil {
		return err
	}
	closed := int64(0)
	if !in.Open() {
		closed = in.Closed.UnixMilli()
	}
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO incidents (id, version, open, detected, closed, summary, doc) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		in.ID, in.Version, in.Open(), in.Detected.UnixMilli(), closed, summary, doc)
	return err
}

func dropIncident(ctx context.Context, tx *sql.Tx, id string) error {
	for _, table := range []string{"events", "evidence", "calls"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE incident = ?`, id); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM incidents WHERE id = ?`, id)
	return err
}

// Events reads an incident's events.
func (s *Store) Events(ctx context.Context, id string) (out []incident.Record, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT doc FROM events WHERE incident = ? ORDER BY seq`, id)
	if err != nil {
		return nil, fmt.Errorf("events of incident %s: %w", id, err)
	}
	defer rows.Close()
	for rows.Next() {
		var doc []byte
		if err := rows.Scan(&doc); err != nil {
			return nil, err
		}
		var r incident.Record
		if err := json.Unmarshal(doc, &r); err != nil {
			return nil, fmt.Errorf("incident %s: event %d: %w: %w", id, len(out)+1, store.ErrDamaged, err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// ListIncidents reads a page of summaries.
func (s *Store) ListIncidents(ctx context.Context, q store.IncidentQuery) (page []incident.Summary, next string, err error) {
	detected, id, err := store.PageStart(q.After)
	if err != nil {
		return nil, "", err
	}
	where := `(detected < ?1 OR detected = ?1 AND id < ?2)`
	if q.Open {
		where = `open = 1 AND ` + where
	}
	page, broken, err := s.summaries(ctx, `SELECT rowid, summary, id FROM incidents WHERE `+where+` ORDER BY detected DESC, id DESC LIMIT ?3`, detected, id, q.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list incidents: %w", err)
	}
	for _, id := range broken {
		if _, err := s.rebuild(ctx, id); err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, "", err
		}
	}
	if len(broken) > 0 {
		return s.ListIncidents(ctx, q)
	}
	if len(page) > q.Limit {
		page = page[:q.Limit]
		next = store.PageEnd(&page[q.Limit-1])
	}
	return page, next, nil
}

// summaries reads rowid, summary and ID of incidents; broken are the IDs of those whose summary cannot be read.
func (s *Store) summaries(ctx context.Context, query string, args ...any) (out []incident.Summary, broken []string, err error) {
	bad, err := s.each(ctx, incidentRows, func(_ string, doc []byte, row []any) error {
		id, ok := row[0].(string)
		if !ok {
			return fmt.Errorf("its id is a %T, not a text", row[0])
		}
		sum, err := store.DecodeNamed[incident.Summary](id, doc)
		if err == nil {
			out = append(out, sum)
		} else {
			broken = append(broken, id)
		}
		return nil
	}, query, args...)
	if err == nil && bad > 0 {
		return s.summaries(ctx, query, args...)
	}
	return out, broken, err
}

// OpenIncidents reads the versions of the open ones.
func (s *Store) OpenIncidents(ctx context.Context) (map[string]int, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, version FROM incidents WHERE open = 1 AND typeof(id) = 'text'`)
	if err != nil {
		return nil, fmt.Errorf("open incidents: %w", err)
	}
	defer rows.Close()
	out := map[string]int{}
	for rows.Next() {
		var id string
		var version int
		if err := rows.Scan(&id, &version); err != nil {
			return nil, err
		}
		out[id] = version
	}
	return out, rows.Err()
}

// SaveIncident saves a change.
func (s *Store) SaveIncident(ctx context.Context, c store.Change) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		if err := fenced(ctx, tx, c.Lease); err != nil {
			return err
		}
		var version int
		err := tx.QueryRowContext(ctx, `SELECT version FROM incidents WHERE id = ?`, c.State.ID).Scan(&version)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if version != c.Before {
			return store.ErrConflict
		}
		if err := putState(ctx, tx, &c.State); err != nil {
			return err
		}
		return putParts(ctx, tx, &c)
	})
	if err != nil {
		return fmt.Errorf("save incident %s: %w", c.State.ID, err)
	}
	return nil
}

// putParts writes what a change has beside the state.
func putParts(ctx context.Context, tx *sql.Tx, c *store.Change) error {
	insert, err := tx.PrepareContext(ctx, `INSERT INTO events (incident, seq, doc) VALUES (?, ?, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, r := range c.Events {
		doc, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, c.State.ID, r.Seq, doc); err != nil {
			return err
		}
	}
	for i := range c.Evidence {
		doc, err := json.Marshal(&c.Evidence[i])
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO evidence (incident, spike, doc) VALUES (?, ?, ?)`, c.State.ID, c.Evidence[i].ID, doc); err != nil {
			return err
		}
	}
	for _, a := range c.Asks() {
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO asks (person, incident, at) VALUES (?, ?, ?)`, a.Person, c.State.ID, a.At.UnixMilli()); err != nil {
			return err
		}
	}
	for _, call := range c.Calls {
		if err := putCall(ctx, tx, call, `INSERT OR IGNORE`); err != nil {
			return err
		}
	}
	return nil
}

// fenced returns store.ErrFenced where the lease is somebody else's by now. nil is no lease.
func fenced(ctx context.Context, tx *sql.Tx, lease *store.Lease) error {
	if lease == nil {
		return nil
	}
	var fence int64
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(fence), 0) FROM leases WHERE name = ?`, lease.Name).Scan(&fence); err != nil {
		return err
	}
	if fence != lease.Fence {
		return store.ErrFenced
	}
	return nil
}

// AskedSince counts.
func (s *Store) AskedSince(ctx context.Context, since time.Time) (map[string]int, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT person, COUNT(*) FROM asks WHERE at >= ? GROUP BY person`, since.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("experts who were asked: %w", err)
	}
	defer rows.Close()
	out := map[string]int{}
	for rows.Next() {
		var person string
		var n int
		if err := rows.Scan(&person, &n); err != nil {
			return nil, err
		}
		out[person] = n
	}
	return out, rows.Err()
}

// trimAtOnce is how many incidents one call of TrimIncidents deletes.
const trimAtOnce = 200

// TrimIncidents deletes old ones.
func (s *Store) TrimIncidents(ctx context.Context, closedBefore time.Time) (removed int, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT id FROM incidents INDEXED BY incidents_closed WHERE open = 0 AND closed < ? LIMIT ?`, closedBefore.UnixMilli(), trimAtOnce)
		if err != nil {
			return err
		}
		defer rows.Close()
		var ids []string
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		for _, id := range ids {
			if err := dropIncident(ctx, tx, id); err != nil {
				return err
			}
		}
		removed = len(ids)
		_, err = tx.ExecContext(ctx, `DELETE FROM asks WHERE at < ?`, closedBefore.UnixMilli())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("trim incidents: %w", err)
	}
	return removed, nil
}

// Evidence reads an incident's evidence.
func (s *Store) Evidence(ctx context.Context, id string) (out []brand.Spike, err error) {
	_, err = s.each(ctx, evidenceRows, func(_ string, doc []byte, _ []any) error {
		var sp brand.Spike
		err := json.Unmarshal(doc, &sp)
		if err == nil {
			out = append(out, sp)
		}
		return err
	}, `SELECT rowid, doc FROM evidence WHERE incident = ? ORDER BY rowid`, id)
	return out, err
}

// RedactEvidence writes the changed ones anew.
func (s *Store) RedactEvidence(ctx context.Context, f func(*brand.Spike) bool) (int, error) {
	changed := map[string]bool{}
	for last := int64(0); ; {
		type row struct {
			key      int64
			incident string
			was      []byte
			sp       brand.Spike
		}
		var todo []row
		n := 0
		_, err := s.each(ctx, evidenceRows, func(key string, doc []byte, cols []any) error {
			n++
			var r row
			var err error
			if r.key, err = number(key); err != nil {
				return err
			}
			last = r.key
			r.incident, _ = cols[0].(string)
			r.was = slices.Clone(doc)
			if err := json.Unmarshal(doc, &r.sp); err != nil {
				return err
			}
			if f(&r.sp) {
				todo = append(todo, r)
			}
			return nil
		}, `SELECT rowid, doc, incident FROM evidence WHERE rowid > ? ORDER BY rowid LIMIT 100`, last)
		if err != nil || n == 0 {
			return len(changed), err
		}
		for _, r := range todo {
			doc, err := json.Marshal(r.sp)
			if err != nil {
				return len(changed), err
			}
			res, err := s.db.ExecContext(ctx, `UPDATE evidence SET doc = ? WHERE rowid = ? AND doc = ?`, doc, r.key, r.was)
			if err != nil {
				return len(changed), fmt.Errorf("redact evidence of incident %s: %w", r.incident, err)
			}
			if n, err := res.RowsAffected(); err != nil || n == 0 { // it was replaced meanwhile: read it again
				last = min(last, r.key-1)
				continue
			}
			changed[r.incident] = true
		}
	}
}
