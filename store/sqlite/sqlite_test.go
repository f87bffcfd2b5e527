package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

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
