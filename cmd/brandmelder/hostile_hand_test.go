package main

import (
	"database/sql"
	"fmt"
	"os"
	"testing"

	"github.com/redis/go-redis/v9"
)

// sqliteHand opens the file for each deed: nobody else has it then.
type sqliteHand struct {
	t    *testing.T
	path string
	n    int
}

func (h *sqliteHand) do(query string, args ...any) {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+h.path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(h.t.Context(), query, args...); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
}

func (h *sqliteHand) mention(doc, heard string) {
	h.n++
	h.do(`INSERT INTO mentions (id, heard, doc) VALUES (?, ?, ?)`, fmt.Sprintf("hand-%d", h.n), heard, []byte(doc))
}

func (h *sqliteHand) snapshot(change func(string, []byte) (string, []byte)) {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+h.path)
	if err != nil {
		h.t.Fatal(err)
	}
	var pos string
	var state []byte
	err = db.QueryRowContext(h.t.Context(), `SELECT pos, state FROM snapshots WHERE name = 'detect/0-of-1'`).
		Scan(&pos, &state)
	if _ = db.Close(); err != nil {
		h.t.Fatalf("read the snapshot: %v", err)
	}
	pos, state = change(pos, state)
	h.do(`UPDATE snapshots SET pos = ?, state = ? WHERE name = 'detect/0-of-1'`, pos, append([]byte{}, state...))
}

func (h *sqliteHand) document(kind, name, doc string) {
	h.do(`INSERT OR REPLACE INTO documents (kind, name, doc) VALUES (?, ?, ?)`, kind, name, []byte(doc))
}

func (h *sqliteHand) cursor(name, value string) {
	h.do(`INSERT OR REPLACE INTO cursors (name, value) VALUES (?, ?)`, name, value)
}

func (h *sqliteHand) spike(doc string) { h.do(`INSERT INTO spikes (doc) VALUES (?)`, []byte(doc)) }

func (h *sqliteHand) dead() (n int) {
	db, err := sql.Open("sqlite", "file:"+h.path+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(h.t.Context(), `SELECT COUNT(*) FROM dead_letters`).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

func (h *sqliteHand) heal() {
	if _, err := os.Stat(h.path); err != nil {
		h.t.Fatal(err)
	}
	h.do(`PRAGMA busy_timeout = 5000; DELETE FROM mentions WHERE id LIKE 'hand-%';
		DELETE FROM documents WHERE doc = CAST('}{' AS BLOB);
		DELETE FROM spikes WHERE doc = CAST('}{' AS BLOB) OR doc LIKE '{"x":[[[%';
			DELETE FROM cursors WHERE name = 'source/file'`)
}

// redisHand writes while the daemon runs.
type redisHand struct {
	t     *testing.T
	c     *redis.Client
	wrote []func()
}

func (h *redisHand) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *redisHand) mention(doc, heard string) { h.add("d", doc, "h", heard) }

func (h *redisHand) add(fields ...any) {
	id, err := h.c.XAdd(h.t.Context(), &redis.XAddArgs{Stream: "bm:mentions", Values: fields}).Result()
	h.must(err)
	h.wrote = append(h.wrote, func() { h.c.XDel(h.t.Context(), "bm:mentions", id) })
}

func (h *redisHand) snapshot(change func(string, []byte) (string, []byte)) {
	const key = "bm:snapshot:detect/0-of-1"
	raw, err := h.c.HMGet(h.t.Context(), key, "pos", "state").Result()
	h.must(err)
	if raw[0] == nil || raw[1] == nil {
		h.t.Fatal("there is no snapshot yet")
	}
	pos, state := change(raw[0].(string), []byte(raw[1].(string)))
	if pos == "9000000000000" {
		pos += "-0"
	}
	h.must(h.c.HSet(h.t.Context(), key, "pos", pos, "state", state).Err())
}

func (h *redisHand) document(kind, name, doc string) {
	key := "bm:documents:" + kind
	h.must(h.c.HSet(h.t.Context(), key, name, doc).Err())
	h.wrote = append(h.wrote, func() { h.c.HDel(h.t.Context(), key, name) })
}

func (h *redisHand) cursor(name, value string) {
	h.must(h.c.HSet(h.t.Context(), "bm:cursors", name, value).Err())
}

func (h *redisHand) spike(doc string) {
	id, err := h.c.XAdd(h.t.Context(), &redis.XAddArgs{Stream: "bm:spikes", Values: []any{"d", doc}}).Result()
	h.must(err)
	h.wrote = append(h.wrote, func() { h.c.XDel(h.t.Context(), "bm:spikes", id) })
}

// other puts a string where a key of another type belongs.
func (h *redisHand) other(key string) {
	saved := h.c.Rename(h.t.Context(), key, "saved:"+key).Err() == nil // else there was none
	h.must(h.c.Set(h.t.Context(), key, "x", 0).Err())
	h.wrote = append(h.wrote, func() {
		h.c.Del(h.t.Context(), key)
		if saved {
			h.c.Rename(h.t.Context(), "saved:"+key, key)
		}
	})
}

func (h *redisHand) dead() int {
	n, _ := h.c.HLen(h.t.Context(), "bm:dead").Result() // 0 while it is of another type
	return int(n)
}

func (h *redisHand) heal() {
	for _, undo := range h.wrote {
		undo()
	}
	h.wrote = nil
}
