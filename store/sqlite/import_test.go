package sqlite

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"brandmelder/store/storetest"
)

// dump is all that a database has, but for what each start writes.
func dump(t *testing.T, s *Store) (out []string) {
	t.Helper()
	for _, table := range []string{"incidents", "events", "evidence", "asks", "calls", "documents", "snapshots", "spikes", "dead_letters", "cursors"} {
		rows, err := s.db.QueryContext(t.Context(), `SELECT * FROM `+table+` ORDER BY 1, 2`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			line := make([]sql.RawBytes, len(columns))
			into := make([]any, len(columns))
			for i := range line {
				into[i] = &line[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			text := table
			for _, cell := range line {
				text += " " + string(cell)
			}
			out = append(out, text)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// A file of commit 5a11e2e keeps its incidents, what people did in them, and the ledger of the calls. Opening it again
// changes nothing.
func TestAFileOfAnOlderSchemaKeepsItsIncidents(t *testing.T) {
	script, err := os.ReadFile("testdata/store-2.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.db")
	old, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.ExecContext(t.Context(), string(script)); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	var before []string
	for range 2 {
		s, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		storetest.Imported(t, s)
		now := dump(t, s)
		if before != nil && !storetest.Equal(t, before, now) {
			t.Error("opening the file again changed it")
		}
		before = now
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
