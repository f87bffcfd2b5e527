// Package sqlite is the embedded store: one file, one process, no cgo.
package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"brandmelder/brand"
	"brandmelder/store"

	_ "modernc.org/sqlite" // the driver
)

// Store is an open database.
type Store struct {
	db   *sql.DB
	lock *os.File
}

var _ store.Store = (*Store)(nil)

// migrations bring a database from version i to i+1. They are only ever added to.
var migrations = []string{`
CREATE TABLE mentions (pos INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, heard INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX mentions_heard ON mentions(heard);
CREATE TABLE matches (topic TEXT NOT NULL, pos INTEGER NOT NULL, at INTEGER NOT NULL, negative REAL, positive REAL, weight REAL,
	PRIMARY KEY (topic, pos)) WITHOUT ROWID;
CREATE INDEX matches_at ON matches(topic, at);
CREATE INDEX matches_pos ON matches(pos);
CREATE TABLE snapshots (name TEXT PRIMARY KEY, pos INTEGER NOT NULL, state BLOB NOT NULL);
CREATE TABLE spikes (pos INTEGER PRIMARY KEY AUTOINCREMENT, doc BLOB NOT NULL);
CREATE TABLE cursors (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE incidents (id TEXT PRIMARY KEY, version INTEGER NOT NULL, open INTEGER NOT NULL, detected INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE TABLE calls (id TEXT PRIMARY KEY, incident TEXT NOT NULL, due INTEGER NOT NULL, waiting INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX calls_due ON calls(waiting, due);
CREATE INDEX calls_incident ON calls(incident);
CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, fence INTEGER NOT NULL, until INTEGER NOT NULL);
CREATE TABLE dead_letters (id TEXT PRIMARY KEY, at INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE TABLE board (key TEXT PRIMARY KEY, doc BLOB NOT NULL);
CREATE TABLE keys (name TEXT PRIMARY KEY, value BLOB NOT NULL);
`, `ALTER TABLE matches ADD COLUMN doubt REAL NOT NULL DEFAULT 0;`}

// Open opens or makes the database file; ":memory:" lives as long as the Store. A second process that opens the same
// file gets an error: the embedded store belongs to one process.
func Open(ctx context.Context, path string) (*Store, error) { return open(ctx, path, false) }

// OpenBeside opens the file also when another process has it: for a command that reads or writes a little beside the daemon. It must
// take no lease.
func OpenBeside(ctx context.Context, path string) (*Store, error) { return open(ctx, path, true) }

func open(ctx context.Context, path string, beside bool) (*Store, error) {
	s := &Store{}
	taken := false
	dsn := "file::memory:"
	if path != ":memory:" {
		lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("store %s: %w", path, err)
		}
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if taken = err != nil; taken && !beside {
			return nil, errors.Join(fmt.Errorf("store %s: another brandmelder has it open; stop it, or use redis:// for several processes", path), lock.Close())
		}
		s.lock = lock
		dsn = "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	}
	db, err := sql.Open("sqlite", dsn+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: %w", path, err), s.Close())
	}
	db.SetMaxOpenConns(1) // SQLite has one writer; one connection spares us its busy errors
	s.db = db
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: %w", path, err), s.Close())
	}
	if taken {
		return s, nil
	}
	// The file lock says that nobody else lives: leases of the dead are void. Their fences stay.
	if _, err := db.ExecContext(ctx, `UPDATE leases SET until = 0`); err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: %w", path, err), s.Close())
	}
	return s, nil
}

func (s *Store) migrate(ctx context.Context) error {
	var version int
	if err := s.db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	if version > len(migrations) {
		return fmt.Errorf("the file has schema %d, this brandmelder knows %d: use a newer brandmelder", version, len(migrations))
	}
	for i := version; i < len(migrations); i++ {
		err := s.write(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, migrations[i]); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `PRAGMA user_version = `+strconv.Itoa(i+1))
			return err
		})
		if err != nil {
			return fmt.Errorf("migration to schema %d: %w", i+1, err)
		}
	}
	return nil
}

// Close ends it.
func (s *Store) Close() error {
	var errs []error
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

func (s *Store) write(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func number(pos string) (int64, error) {
	if pos == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(pos, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("position %q is not of this store", pos)
	}
	return n, nil
}

// list reads the rows' documents.
func list[T any](ctx context.Context, s *Store, query string, args ...any) ([]T, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		var doc []byte
		var v T
		if err := rows.Scan(&doc); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(doc, &v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// Append puts mentions on the stream.
func (s *Store) Append(ctx context.Context, heard time.Time, ms []brand.Mention) (added int, err error) {
	if len(ms) == 0 {
		return 0, nil
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		stmt, err := tx.PrepareContext(ctx, `INSERT INTO mentions (id, heard, doc) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING`)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for _, m := range ms {
			doc, err := json.Marshal(m)
			if err != nil {
				return err
			}
			res, err := stmt.ExecContext(ctx, m.ID, heard.UnixMilli(), doc)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			added += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("append %d mentions: %w", len(ms), err)
	}
	return added, nil
}

// After reads the stream.
func (s *Store) After(ctx context.Context, pos string, limit int) ([]store.Entry, error) {
	from, err := number(pos)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx, `SELECT pos, heard, doc FROM mentions WHERE pos > ? AND length(doc) > 0 ORDER BY pos LIMIT ?`, from, limit)
	if err != nil {
		return nil, fmt.Errorf("read mentions: %w", err)
	}
	defer rows.Close()
	var out []store.Entry
	for rows.Next() {
		var e store.Entry
		var n, heard int64
		var doc []byte
		if err := rows.Scan(&n, &heard, &doc); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(doc, &e.Mention); err != nil {
			return nil, err
		}
		e.Pos, e.Heard = strconv.FormatInt(n, 10), time.UnixMilli(heard).UTC()
		out = append(out, e)
	}
	return out, rows.Err()
}

// Remove takes mentions away. Their empty rows stay until they are trimmed, so that the IDs are known.
func (s *Store) Remove(ctx context.Context, ids []string) (removed int, err error) {
	if len(ids) == 0 {
		return 0, nil
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, `DELETE FROM matches WHERE pos = (SELECT pos FROM mentions WHERE id = ?)`, id); err != nil {
				return err
			}
			res, err := tx.ExecContext(ctx, `UPDATE mentions SET doc = '' WHERE id = ? AND length(doc) > 0`, id)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			removed += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("remove %d mentions: %w", len(ids), err)
	}
	return removed, nil
}

// Trim forgets what is old.
func (s *Store) Trim(ctx context.Context, before time.Time) (removed int, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		const old = `heard < ? AND pos <= COALESCE((SELECT MIN(pos) FROM snapshots), 0)`
		if _, err := tx.ExecContext(ctx, `DELETE FROM matches WHERE pos IN (SELECT pos FROM mentions WHERE `+old+`)`, before.UnixMilli()); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM mentions WHERE `+old, before.UnixMilli())
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		removed = int(n)
		return err
	})
	return removed, err
}

// Keep remembers matches.
func (s *Store) Keep(ctx context.Context, ms []store.Match) error {
	if len(ms) == 0 {
		return nil
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		stmt, err := tx.PrepareContext(ctx, `INSERT OR REPLACE INTO matches (topic, pos, at, negative, positive, weight, doubt) VALUES (?, ?, ?, ?, ?, ?, ?)`)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for _, m := range ms {
			pos, err := number(m.Pos)
			if err != nil {
				return err
			}
			if _, err := stmt.ExecContext(ctx, m.Topic, pos, m.At.UnixMilli(), m.Negative, m.Positive, m.Weight, m.Doubt); err != nil {
				return err
			}
		}
		return nil
	})
}

// Matched reads a topic's mentions.
func (s *Store) Matched(ctx context.Context, topic string, from, to time.Time, limit int) ([]store.Matched, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT t.pos, t.at, t.negative, t.positive, t.weight, t.doubt, m.doc FROM matches t JOIN mentions m ON m.pos = t.pos AND length(m.doc) > 0
		WHERE t.topic = ? AND t.at >= ? AND t.at < ? ORDER BY t.at DESC, m.id DESC LIMIT ?`, topic, from.UnixMilli(), to.UnixMilli(), limit)
	if err != nil {
		return nil, fmt.Errorf("read mentions of %s: %w", topic, err)
	}
	defer rows.Close()
	var out []store.Matched
	for rows.Next() {
		var m store.Matched
		var pos, at int64
		var doc []byte
		if err := rows.Scan(&pos, &at, &m.Negative, &m.Positive, &m.Weight, &m.Doubt, &doc); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(doc, &m.Mention); err != nil {
			return nil, err
		}
		m.Topic, m.Pos, m.At = topic, strconv.FormatInt(pos, 10), time.UnixMilli(at).UTC()
		out = append(out, m)
	}
	return out, rows.Err()
}

// Snapshot reads a fold.
func (s *Store) Snapshot(ctx context.Context, name string) (store.Snapshot, error) {
	snap := store.Snapshot{Name: name}
	var pos int64
	err := s.db.QueryRowContext(ctx, `SELECT pos, state FROM snapshots WHERE name = ?`, name).Scan(&pos, &snap.State)
	if errors.Is(err, sql.ErrNoRows) {
		return snap, fmt.Errorf("snapshot %s: %w", name, store.ErrNotFound)
	}
	if pos > 0 {
		snap.Pos = strconv.FormatInt(pos, 10)
	}
	return snap, err
}

// Commit saves a fold and its spikes.
func (s *Store) Commit(ctx context.Context, lease store.Lease, snap store.Snapshot, spikes []brand.Spike) error {
	pos, err := number(snap.Pos)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		var fence int64
		if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(fence), 0) FROM leases WHERE name = ?`, lease.Name).Scan(&fence); err != nil {
			return err
		}
		if fence != lease.Fence {
			return fmt.Errorf("snapshot %s: %w", snap.Name, store.ErrFenced)
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO snapshots (name, pos, state) VALUES (?, ?, ?)`, snap.Name, pos, append([]byte{}, snap.State...)); err != nil {
			return err
		}
		return tell(ctx, tx, spikes)
	})
}

// TellSpikes puts spikes at the end.
func (s *Store) TellSpikes(ctx context.Context, spikes []brand.Spike) error {
	return s.write(ctx, func(tx *sql.Tx) error { return tell(ctx, tx, spikes) })
}

func tell(ctx context.Context, tx *sql.Tx, spikes []brand.Spike) error {
	for _, sp := range spikes {
		doc, err := json.Marshal(sp)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO spikes (doc) VALUES (?)`, doc); err != nil {
			return err
		}
	}
	return nil
}

// Key returns a secret.
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	fresh := make([]byte, 32)
	if _, err := rand.Read(fresh); err != nil {
		return nil, err
	}
	if _, err := s.db.ExecContext(ctx, `INSERT OR IGNORE INTO keys (name, value) VALUES (?, ?)`, name, fresh); err != nil {
		return nil, err
	}
	var key []byte
	err := s.db.QueryRowContext(ctx, `SELECT value FROM keys WHERE name = ?`, name).Scan(&key)
	return key, err
}
