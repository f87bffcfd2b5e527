package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"brandmelder/store"
)

// accessTables hold who may come in.
const accessTables = `
CREATE TABLE users (name TEXT PRIMARY KEY, version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE TABLE tokens (name TEXT PRIMARY KEY, doc BLOB NOT NULL);
CREATE TABLE sessions (hash TEXT PRIMARY KEY, owner TEXT NOT NULL, began INTEGER NOT NULL, seen INTEGER NOT NULL,
	until INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX sessions_owner ON sessions(owner, began);
CREATE INDEX sessions_until ON sessions(until);`

// named reads a document by its name.
func named[T any](ctx context.Context, s *Store, what, name, query string) (v T, err error) {
	var doc []byte
	err = s.db.QueryRowContext(ctx, query, name).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err == nil {
		if err = json.Unmarshal(doc, &v); err != nil {
			err = errors.Join(store.ErrDamaged, err)
		}
	}
	if err != nil {
		return v, fmt.Errorf("%s %s: %w", what, name, err)
	}
	return v, nil
}

// all reads the documents of a query that selects name and document.
func all[T any](ctx context.Context, s *Store, what, query string) ([]T, error) {
	rows, err := s.db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list %ss: %w", what, err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		var name string
		var doc []byte
		if err := rows.Scan(&name, &doc); err != nil {
			return nil, fmt.Errorf("list %ss: %w", what, err)
		}
		var v T
		if err := json.Unmarshal(doc, &v); err != nil {
			return nil, fmt.Errorf("%s %s: %w: remove it and add it again: %w", what, name, store.ErrDamaged, err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// one reports whether a statement changed a row.
func one(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// User reads one.
func (s *Store) User(ctx context.Context, name string) (store.User, error) {
	return named[store.User](ctx, s, "user", name, `SELECT doc FROM users WHERE name = ?`)
}

// ListUsers reads all.
func (s *Store) ListUsers(ctx context.Context) ([]store.User, error) {
	return all[store.User](ctx, s, "user", `SELECT name, doc FROM users ORDER BY name`)
}

// SaveUser adds or replaces one.
func (s *Store) SaveUser(ctx context.Context, u *store.User) error {
	saved := *u
	saved.Version++
	doc, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	query, args := `INSERT INTO users (name, version, doc) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING`, []any{u.Name, saved.Version, doc}
	if u.Version > 0 {
		query, args = `UPDATE users SET version = ?, doc = ? WHERE name = ? AND version = ?`, []any{saved.Version, doc, u.Name, u.Version}
	}
	ok, err := one(s.db.ExecContext(ctx, query, args...))
	if err == nil && !ok {
		err = store.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("save user %s: %w", u.Name, err)
	}
	u.Version = saved.Version
	return nil
}

// RemoveUser removes one.
func (s *Store) RemoveUser(ctx context.Context, name string) error {
	return s.removeNamed(ctx, "user", name, `DELETE FROM users WHERE name = ?`)
}

func (s *Store) removeNamed(ctx context.Context, what, name, query string) error {
	ok, err := one(s.db.ExecContext(ctx, query, name))
	if err == nil && !ok {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("remove %s %s: %w", what, name, err)
	}
	return nil
}

// Token reads one.
func (s *Store) Token(ctx context.Context, name string) (store.Token, error) {
	return named[store.Token](ctx, s, "token", name, `SELECT doc FROM tokens WHERE name = ?`)
}

// ListTokens reads all.
func (s *Store) ListTokens(ctx context.Context) ([]store.Token, error) {
	return all[store.Token](ctx, s, "token", `SELECT name, doc FROM tokens ORDER BY name`)
}

// AddToken keeps a new one.
func (s *Store) AddToken(ctx context.Context, t store.Token) error {
	doc, err := json.Marshal(t)
	if err != nil {
		return err
	}
	ok, err := one(s.db.ExecContext(ctx, `INSERT INTO tokens (name, doc) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`, t.Name, doc))
	if err == nil && !ok {
		err = store.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("add token %s: %w", t.Name, err)
	}
	return nil
}

// RemoveToken removes one.
func (s *Store) RemoveToken(ctx context.Context, name string) error {
	return s.removeNamed(ctx, "token", name, `DELETE FROM tokens WHERE name = ?`)
}

// AddSession keeps one.
func (s *Store) AddSession(ctx context.Context, n store.Session) error {
	doc, err := json.Marshal(n)
	if err != nil {
		return err
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		began := n.Began.UnixMilli()
		if _, err := tx.ExecContext(ctx, `INSERT INTO sessions (hash, owner, began, seen, until, doc) VALUES (?, ?, ?, ?, ?, ?)`,
			n.Hash, n.Owner, began, n.Seen.UnixMilli(), n.Until.UnixMilli(), doc); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE until < ?`, began); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE hash IN
			(SELECT hash FROM sessions WHERE owner = ? ORDER BY began DESC, rowid DESC LIMIT -1 OFFSET ?)`, n.Owner, store.MaxSessions)
		return err
	})
	if err != nil {
		return fmt.Errorf("add session: %w", err)
	}
	return nil
}

// Session reads one.
func (s *Store) Session(ctx context.Context, hash string) (n store.Session, err error) {
	var doc []byte
	var seen int64
	err = s.db.QueryRowContext(ctx, `SELECT doc, seen FROM sessions WHERE hash = ?`, hash).Scan(&doc, &seen)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return n, fmt.Errorf("session: %w", store.ErrNotFound)
	case err != nil:
		return n, fmt.Errorf("session: %w", err)
	}
	if err := json.Unmarshal(doc, &n); err != nil {
		return store.Session{}, fmt.Errorf("session: %w: %w", store.ErrDamaged, err)
	}
	n.Seen = time.UnixMilli(seen).UTC()
	return n, nil
}

// TouchSession sets when it was used last.
func (s *Store) TouchSession(ctx context.Context, hash string, seen time.Time) error {
	_, err := s.db.ExecContext(ctx, `UPDATE sessions SET seen = ? WHERE hash = ?`, seen.UnixMilli(), hash)
	return err
}

// EndSessions ends some, or all of an owner.
func (s *Store) EndSessions(ctx context.Context, owner string, hashes ...string) (int, error) {
	query, args := `DELETE FROM sessions WHERE owner = ?`, []any{owner}
	if len(hashes) > 0 {
		query += ` AND hash IN (?` + strings.Repeat(`, ?`, len(hashes)-1) + `)`
		for _, h := range hashes {
			args = append(args, h)
		}
	}
	res, err := s.db.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("end sessions of %s: %w", owner, err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}
