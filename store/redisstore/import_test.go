package redisstore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"brandmelder/store/storetest"

	"github.com/redis/go-redis/v9"
)

// older brings the database to what commit 5a11e2e stored.
func older(t *testing.T, s *Store) {
	t.Helper()
	ctx := t.Context()
	if err := s.c.FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("testdata/store-1.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(doc))
	lines.Buffer(nil, 1<<20)
	p := s.c.Pipeline()
	for lines.Scan() {
		var words []any
		if err := json.Unmarshal(lines.Bytes(), &words); err != nil {
			t.Fatal(err)
		}
		for i, w := range words {
			if text, ok := strings.CutPrefix(w.(string), "base64:"); ok {
				if words[i], err = base64.StdEncoding.DecodeString(text); err != nil {
					t.Fatal(err)
				}
			}
		}
		p.Do(ctx, words...)
	}
	if _, err := p.Exec(ctx); err != nil || lines.Err() != nil {
		t.Fatal(err, lines.Err())
	}
}

// dump is all that the database has.
func dump(t *testing.T, s *Store) (out []string) {
	t.Helper()
	ctx := t.Context()
	for _, key := range s.c.Keys(ctx, "*").Val() {
		var value any
		switch s.c.Type(ctx, key).Val() {
		case "hash":
			value = s.c.HGetAll(ctx, key).Val()
		case "set":
			members := s.c.SMembers(ctx, key).Val()
			slices.Sort(members)
			value = members
		case "zset":
			value = s.c.ZRangeWithScores(ctx, key, 0, -1).Val()
		case "list":
			value = s.c.LRange(ctx, key, 0, -1).Val()
		case "stream":
			value = s.c.XRange(ctx, key, "-", "+").Val()
		default:
			value = s.c.Get(ctx, key).Val()
		}
		out = append(out, fmt.Sprint(key, " ", value))
	}
	slices.Sort(out)
	return out
}

// dying is the connection of a process that is killed before one of its commands.
type dying struct{ left int }

var errKilled = errors.New("killed")

func (d *dying) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (d *dying) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if d.left--; d.left < 0 {
			cmd.SetErr(errKilled)
			return errKilled
		}
		return next(ctx, cmd)
	}
}

func (d *dying) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if d.left--; d.left < 0 {
			return errKilled
		}
		return next(ctx, cmds)
	}
}

// A database of commit 5a11e2e keeps its incidents, what people did in them, and the ledger of the calls. A process
// that is killed at any command of the migration leaves a database with which the next one goes on, and a second start
// changes nothing.
func TestADatabaseOfAnOlderSchemaKeepsItsIncidents(t *testing.T) {
	s := open(t)
	older(t, s)
	if err := s.migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	storetest.Imported(t, s)
	whole := dump(t, s)
	if err := s.migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	storetest.Equal(t, whole, dump(t, s))

	killed := &Store{c: redis.NewClient(s.c.Options()), prefix: s.prefix}
	defer killed.c.Close()
	hook := &dying{}
	killed.c.AddHook(hook)
	for n := 0; ; n++ {
		older(t, s)
		hook.left = n
		err := killed.migrate(t.Context())
		if err == nil {
			if n < 20 {
				t.Errorf("the migration took %d commands, want more", n)
			}
			return
		}
		if !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		if err := s.migrate(t.Context()); err != nil {
			t.Fatalf("after a kill before command %d: %v", n, err)
		}
		if !storetest.Equal(t, whole, dump(t, s)) {
			t.Fatalf("after a kill before command %d", n)
		}
	}
}
