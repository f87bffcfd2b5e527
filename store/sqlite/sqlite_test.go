package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brandmelder/store"
	"brandmelder/store/storetest"
)

func TestSQLiteKeepsTheStoresPromises(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		s, err := Open(t.Context(), filepath.Join(t.TempDir(), "odd name?#%.db"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func TestMemoryKeepsTheStoresPromises(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		s, err := Open(t.Context(), ":memory:")
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func TestASecondProcessIsToldThatTheFileIsTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	a, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "another brandmelder has it open") {
		t.Errorf("got %v, want to be told that it is taken", err)
	}
	lease, ok, err := a.Acquire(t.Context(), "l", "me", time.Minute)
	if err != nil || !ok {
		t.Fatal(err)
	}
	b, err := OpenBeside(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SetCursor(t.Context(), "c", "7"); err != nil {
		t.Errorf("beside: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	again, ok, err := a.Acquire(t.Context(), "l", "me", time.Minute)
	if cur, _ := a.Cursor(t.Context(), "c"); cur != "7" || !ok || again != lease {
		t.Errorf("got cursor %q, lease %v, %v; the one beside changed more than it wrote", cur, again, err)
	}
}

func TestAFileOfANewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	a, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.db.Exec(`PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	a.Close()
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "use a newer brandmelder") {
		t.Errorf("got %v, want a word about the schema", err)
	}
}
