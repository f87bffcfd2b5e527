package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/store"
)

// olderStore is a file that commit 5a11e2e wrote.
func olderStore(t *testing.T) store.Store {
	t.Helper()
	script, err := os.ReadFile("../../store/sqlite/testdata/store-2.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "old.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), string(script)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	st, err := openStore(t.Context(), "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// What the older version learned of a topic in nine days is known after the upgrade: it does not learn for a week
// again.
func TestAfterAnUpgradeDetectionDoesNotLearnAgain(t *testing.T) {
	st := olderStore(t)
	conf, err := parseConfig("c.yaml", []byte("topics: [{name: acme, query: acme}]\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlayer(t.Context(), conf, st)
	if err != nil {
		t.Fatal(err)
	}
	p.desk = nil
	at := time.Date(2026, 3, 14, 2, 5, 0, 0, time.UTC)
	if err := p.add(t.Context(), brand.Mention{ID: "new", Source: "x", Author: "x:a", At: at, Text: "my acme is fine", Kind: brand.Post}); err != nil {
		t.Fatal(err)
	}
	if err := p.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	topics, err := st.TopicStatuses(t.Context())
	if err != nil || len(topics) != 1 || topics[0].Learning || topics[0].Mentions < 460 {
		t.Errorf("got %+v, %v; want acme with its 463 mentions, not learning", topics, err)
	}
}

// A call that the older version gave up is among the dead letters, and can be tried again.
func TestACallThatAnOlderVersionGaveUpIsTriedAgain(t *testing.T) {
	st := olderStore(t)
	letters, err := st.ListDeadLetters(t.Context(), 10)
	if err != nil || len(letters) != 3 {
		t.Fatal(letters, err)
	}
	now := time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
	for _, d := range letters {
		if err := alert.Replay(t.Context(), st, d, now); err != nil {
			t.Error(err)
		}
	}
	due, err := st.DueCalls(t.Context(), now, 10)
	var got []string
	for _, c := range due {
		got = append(got, c.To+" "+c.Channel)
	}
	if want := "ben first,ben second,ben second,ben second"; err != nil || strings.Join(got, ",") != want {
		t.Errorf("got %v, %v, want %s", got, err, want)
	}
}
