// Package sqlite is the embedded store: one file, one process, no cgo.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"brandmelder/store"

	_ "modernc.org/sqlite" // the driver
)

// Store is an open database.
type Store struct {
	store.Documents
	db      *sql.DB
	lock    *os.File
	self    *os.File    // the database file, locked; closed after db, since closing it ends SQLite's own locks
	path    string      // without symbolic links; "" in memory
	file    os.FileInfo // of path when it was opened
	secrets store.KnownSecrets
}

var _ store.Store = (*Store)(nil)

// migration brings a database to the next version.
type migration struct {
	sql  string
	then func(ctx context.Context, tx *sql.Tx) error // what SQL cannot do; nil for nothing
}

// migrations bring a database from version i to i+1. They are only ever added to.
var migrations = []migration{{sql: `
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
`}, {sql: `ALTER TABLE matches ADD COLUMN doubt REAL NOT NULL DEFAULT 0;`}, {sql: `
CREATE TABLE documents (kind TEXT NOT NULL, name TEXT NOT NULL, doc BLOB NOT NULL, PRIMARY KEY (kind, name));
CREATE TABLE budgets (name TEXT NOT NULL, period TEXT NOT NULL, spent REAL NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (name, period));
INSERT INTO documents SELECT CASE kind WHEN 'mark' THEN 'feedback' WHEN 'forgotten' THEN 'erasure' ELSE kind END, name, doc FROM
	(SELECT substr(key, 1, instr(key, '/') - 1) AS kind, substr(key, instr(key, '/') + 1) AS name, doc FROM board
	WHERE typeof(key) = 'text' AND instr(key, '/') > 0);
CREATE TEMP TABLE ear AS SELECT CAST(doc AS TEXT) AS doc FROM board WHERE key = 'larger-ear' AND json_valid(CAST(doc AS TEXT));
INSERT INTO budgets SELECT 'larger_ear_calls', doc ->> '$.day', doc ->> '$.calls', unixepoch() * 1000 FROM ear
	WHERE json_type(doc, '$.day') = 'text' AND json_type(doc, '$.calls') IN ('integer', 'real');
INSERT INTO budgets SELECT 'larger_ear_money', doc ->> '$.month', doc ->> '$.money', unixepoch() * 1000 FROM ear
	WHERE json_type(doc, '$.month') = 'text' AND json_type(doc, '$.money') IN ('integer', 'real');
INSERT INTO documents SELECT 'tone_label', key, CAST(json_object('tone', value, 'at', strftime('%Y-%m-%dT%H:%M:%SZ')) AS BLOB)
	FROM ear, json_each(ear.doc, '$.labels');
DROP TABLE ear;
DROP TABLE board;
`}, {sql: `CREATE TABLE deletions (id TEXT PRIMARY KEY, at INTEGER NOT NULL);`}, {sql: `
ALTER TABLE spikes ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE spikes ADD COLUMN topic TEXT NOT NULL DEFAULT '';
ALTER TABLE spikes ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
UPDATE spikes SET id = COALESCE(CAST(doc AS TEXT) ->> '$.id', ''), topic = COALESCE(CAST(doc AS TEXT) ->> '$.topic', ''),
	at = COALESCE(unixepoch(CAST(doc AS TEXT) ->> '$.updated') * 1000, 0) WHERE json_valid(CAST(doc AS TEXT));
CREATE INDEX spikes_topic ON spikes(topic, id, pos);
CREATE INDEX spikes_at ON spikes(at);
`}, {sql: incidentTables, then: importIncidents}, {sql: accessTables}}

// Open opens or makes the database file; ":memory:" lives as long as the Store. A second process that opens the same
// file gets an error: the embedded store belongs to one process.
func Open(ctx context.Context, path string) (*Store, error) { return open(ctx, path, false) }

// OpenBeside opens the file also when another process has it: for a command that reads or writes a little beside the
// daemon. It must take no lease.
func OpenBeside(ctx context.Context, path string) (*Store, error) { return open(ctx, path, true) }

func open(ctx context.Context, path string, beside bool) (*Store, error) {
	s := &Store{}
	s.Documents = store.NewDocuments(documentTable{s})
	taken := false
	dsn := "file::memory:"
	if path != ":memory:" {
		var err error
		if taken, err = s.take(path, beside); err != nil {
			return nil, errors.Join(fmt.Errorf("store %s: %w", path, err), s.Close())
		}
		dsn = "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(s.path)
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
	if _, err := s.Key(ctx, store.Identity); err != nil {
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
			if _, err := tx.ExecContext(ctx, migrations[i].sql); err != nil {
				return err
			}
			if then := migrations[i].then; then != nil {
				if err := then(ctx, tx); err != nil {
					return err
				}
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
	for _, f := range []*os.File{s.self, s.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
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
