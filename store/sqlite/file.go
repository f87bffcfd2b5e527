package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"brandmelder/store"
)

// take makes or opens the database file for its owner alone, and locks it; taken says that another process has the
// lock.
func (s *Store) take(path string, beside bool) (taken bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return false, err
	}
	if err := f.Close(); err != nil {
		return false, err
	}
	if s.path, err = filepath.EvalSymlinks(path); err != nil { // whatever leads to a file, it has one lock
		return false, err
	}
	if s.file, err = os.Stat(s.path); err != nil {
		return false, err
	}
	if st, ok := s.file.Sys().(*syscall.Stat_t); ok && st.Nlink > 1 {
		return false, errors.New("the file has a second name (a hard link), under which another brandmelder could open it; remove one of them")
	}
	if s.lock, err = os.OpenFile(s.path+".lock", os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return false, err
	}
	err = syscall.Flock(int(s.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if taken = err != nil; taken && !beside {
		return taken, errors.New("another brandmelder has it open; stop it, or use redis:// for several processes")
	}
	if !taken {
		// The lock file is another one where the database is reached by another folder, as containers mount it.
		if s.self, err = os.Open(s.path); err != nil {
			return false, err
		}
		if err := syscall.Flock(int(s.self.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil && !beside {
			return false, errors.New("another brandmelder has it open, by another path; " +
				"stop it, or use redis:// for several processes")
		} else if err != nil {
			taken = true
		}
	}
	return taken, s.private()
}

// private takes the files' permissions from everybody but their owner: they hold the key that signs links.
func (s *Store) private() error {
	for _, end := range []string{"", "-wal", "-shm", ".lock"} {
		name := s.path + end
		info, err := os.Stat(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = os.Chmod(name, 0o600)
		}
		if err != nil {
			return fmt.Errorf("others may read %s, which holds secrets; run as its owner: chmod 600 %s: %w", name, name, err)
		}
	}
	return nil
}

// Check writes, and looks whether the file is still the one that was opened. A file that was deleted or replaced is
// lost for good: what this process writes is gone when it ends.
func (s *Store) Check(ctx context.Context) error {
	err := s.secrets.Check(ctx, s.key, s.mark)
	if s.path != "" {
		now, err2 := os.Stat(s.path)
		if err2 != nil || !os.SameFile(now, s.file) {
			return errors.Join(fmt.Errorf("the file %s was deleted or replaced while it was open; stop brandmelder and bring the file back: %w", s.path, store.ErrLost), err, err2)
		}
	}
	return err
}

// mark is the MarkFunc of the database: the mark is a cursor. Some text that is none counts as 0.
func (s *Store) mark(ctx context.Context, last int64, known, fresh []byte) (mark int64, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		var was int64
		err := tx.QueryRowContext(ctx, `SELECT CAST(value AS INTEGER) FROM cursors WHERE name = 'store/check'`).Scan(&was)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		mark = max(was+1, time.Now().UnixMicro())
		if was < last {
			if _, err := tx.ExecContext(ctx, `UPDATE keys SET value = ? WHERE name = ? AND value = ?`, fresh, store.Identity, known); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO cursors (name, value) VALUES ('store/check', ?)`, strconv.FormatInt(mark, 10))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("write to %s: %w", s.path, err)
	}
	return mark, nil
}

// Identity names the database.
func (s *Store) Identity(ctx context.Context) (string, error) { return s.secrets.Identity(ctx, s.key) }

// Key returns a secret.
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	return s.secrets.Key(ctx, name, s.key)
}

// key stores a secret unless there is one, and returns what is stored.
func (s *Store) key(ctx context.Context, name string, fresh []byte) (key []byte, err error) {
	if _, err := s.db.ExecContext(ctx, `INSERT OR IGNORE INTO keys (name, value) VALUES (?, ?)`, name, fresh); err != nil {
		return nil, err
	}
	err = s.db.QueryRowContext(ctx, `SELECT value FROM keys WHERE name = ?`, name).Scan(&key)
	return key, err
}
