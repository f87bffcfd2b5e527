package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"brandmelder/incident"
	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// Check writes, and compares the identity that the database has with the one that this process found. After FLUSHALL,
// or a start of Redis without its data, the keys that others need to read the database are written again.
func (s *Store) Check(ctx context.Context) error {
	types := s.checkTypes(ctx) // first, or nothing can be written
	err := s.secrets.Check(ctx, s.storeKey, s.mark)
	if errors.Is(err, store.ErrLost) {
		err = errors.Join(err, s.c.SetNX(ctx, s.key("schema"), schema, 0).Err())
	}
	return errors.Join(err, types, s.checkStreams(ctx, time.Now()))
}

// markScript: KEYS marks of all processes, identity; ARGV process, last mark, known and fresh identity. Returns the new
// mark: the time in microseconds, and always more than before. Only the marks of the last 1000 processes are kept.
var markScript = redis.NewScript(`
local was = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '0')
if was < tonumber(ARGV[2]) and redis.call('GET', KEYS[2]) == ARGV[3] then redis.call('SET', KEYS[2], ARGV[4]) end
local time = redis.call('TIME')
local mark = string.format('%.0f', math.max(was + 1, time[1] * 1000000 + time[2]))
redis.call('ZADD', KEYS[1], mark, ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1001)
return mark`)

// mark is the MarkFunc of the database. Each process has a mark of its own, or those of others would hide that its last
// one is gone. A command that is sent again, or late, only finds a greater one.
func (s *Store) mark(ctx context.Context, last int64, known, fresh []byte) (int64, error) {
	mark, err := markScript.Run(ctx, s.c, []string{s.key("marks"), s.key("key", store.Identity)}, s.process, last, known, fresh).Int64()
	if err != nil {
		return 0, fmt.Errorf("write to Redis: %w", err)
	}
	return mark, nil
}

// types are those of the keys that no process can do without.
var types = map[string]string{
	"mentions": "stream", "spikes": "stream", "cursors": "hash", "positions": "hash", "dead": "hash", "dead:at": "zset",
	"incidents": "zset", "incidents:open": "zset", "incidents:closed": "zset", "incidents:versions": "hash", "asks": "zset", "outbox": "zset", "topics": "set", "marks": "zset",
	"mended": "hash", "users": "hash", "tokens": "hash", "sessions": "hash", "sessions:until": "zset",
	"deletions": "zset", "spikes:last": "hash", "spikes:topics": "set",
}

// checkTypes renames keys of a wrong type, which somebody else wrote: each command on them would fail. What they held
// stays under damaged:KEY.
func (s *Store) checkTypes(ctx context.Context) error {
	want := map[string]string{}
	for key, kind := range types {
		want[s.key(key)] = kind
	}
	return s.setTypes(ctx, want)
}

// setTypes is checkTypes for some keys, with their prefix.
func (s *Store) setTypes(ctx context.Context, types map[string]string) error {
	p := s.c.Pipeline()
	found := map[string]*redis.StatusCmd{}
	for key := range types {
		found[key] = p.Type(ctx, key)
	}
	if _, err := p.Exec(ctx); err != nil {
		return fmt.Errorf("read the types of keys: %w", err)
	}
	var errs []error
	for key, want := range types {
		is := found[key].Val()
		if is == want || is == "none" {
			continue
		}
		aside := s.key("damaged", strings.TrimPrefix(key, s.prefix))
		if err := s.c.Rename(ctx, key, aside).Err(); err != nil {
			errs = append(errs, fmt.Errorf("rename %s: %w", key, err))
			continue
		}
		errs = append(errs, fmt.Errorf("%s was a %s, not a %s, and is %s now: %w", key, is, want, aside, store.ErrDamaged))
	}
	return errors.Join(errs...)
}

// mend looks at the types of keys, with their prefix, when err says that one is wrong, so that the next try works. The
// error it returns then wraps ErrDamaged; any other stays as it is. It is for the many keys with a name of their own,
// which checkTypes does not know.
func (s *Store) mend(ctx context.Context, err error, types map[string]string) error {
	if err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
		return err
	}
	return errors.Join(err, s.setTypes(ctx, types))
}

// Identity names the database.
func (s *Store) Identity(ctx context.Context) (string, error) {
	return s.secrets.Identity(ctx, s.storeKey)
}

// Key returns a secret.
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	return s.secrets.Key(ctx, name, s.storeKey)
}

// storeKey stores a secret unless there is one, and returns what is stored.
func (s *Store) storeKey(ctx context.Context, name string, fresh []byte) ([]byte, error) {
	at := s.key("key", name)
	if err := s.c.SetNX(ctx, at, fresh, 0).Err(); err != nil {
		return nil, err
	}
	key, err := s.c.Get(ctx, at).Bytes()
	return key, s.mend(ctx, err, map[string]string{at: "string"})
}

// setAside moves what cannot be read to the dead letters; remove takes it from where it was.
func (s *Store) setAside(ctx context.Context, what, where string, doc any, cause error, remove func(redis.Pipeliner)) error {
	text, _ := doc.(string) // a missing field leaves the letter without an item
	d := store.Unreadable(what, where, []byte(text), cause, time.Now())
	p := s.c.TxPipeline()
	if err := s.bury(ctx, p, d); err != nil {
		return err
	}
	remove(p)
	if _, err := p.Exec(ctx); err != nil {
		return fmt.Errorf("move %s to the dead letters: %w", d.From, err)
	}
	return nil
}

func (s *Store) bury(ctx context.Context, p redis.Pipeliner, d store.DeadLetter) error {
	d.Item = d.Item[:min(len(d.Item), store.MaxItem)]
	doc, err := json.Marshal(d)
	if err != nil {
		return err
	}
	p.HSet(ctx, s.key("dead"), d.ID, doc)
	p.ZAdd(ctx, s.key("dead:at"), redis.Z{Score: float64(d.At.UnixMilli()), Member: d.ID})
	return nil
}

// documents reads what the IDs stand for. What cannot be read is moved to the dead letters; IDs that stand for nothing
// are dropped. Both hide others from whoever reads with a limit: bad counts them, and who reads an index reads again.
func documents[T incident.Summary | incident.Call | store.DeadLetter](ctx context.Context, s *Store, what string, ids []string, raw []any,
	remove func(p redis.Pipeliner, id string), drop func(ids []any) error,
) (out []T, bad int, err error) {
	var gone []any
	for i, r := range raw {
		text, ok := r.(string)
		if !ok {
			gone = append(gone, ids[i])
			continue
		}
		v, err := store.DecodeNamed[T](ids[i], []byte(text))
		if err == nil {
			out = append(out, v)
			continue
		}
		if err := s.setAside(ctx, what, ids[i], text, err, func(p redis.Pipeliner) { remove(p, ids[i]) }); err != nil {
			return nil, 0, err
		}
		bad++
	}
	if len(gone) > 0 {
		if err := drop(gone); err != nil {
			return nil, 0, fmt.Errorf("drop what has no document, %s %v: %w", what, gone[0], err)
		}
	}
	return out, bad + len(gone), nil
}

// dropScript: KEYS indexes; ARGV prefix of documents, their type, prefix of what is put out of the way, then IDs. An ID
// that got a document meanwhile stays.
var dropScript = redis.NewScript(`
for i = 4, #ARGV do
	local key = ARGV[1] .. ARGV[i]
	local is = redis.call('TYPE', key).ok
	if is ~= ARGV[2] or is == 'hash' and redis.call('HEXISTS', key, 'doc') == 0 then
		if is ~= 'none' then redis.call('RENAME', key, ARGV[3] .. ARGV[i]) end
		for _, index in ipairs(KEYS) do redis.call('ZREM', index, ARGV[i]) end
	end
end
return 1`)

// drop takes IDs without a document off their indexes. A document of a wrong type is renamed.
func (s *Store) drop(ctx context.Context, what, kind string, ids []any, indexes ...string) error {
	args := append([]any{s.key(what, ""), kind, s.key("damaged", what, "")}, ids...)
	return dropScript.Run(ctx, s.c, indexes, args...).Err()
}

// dropLetterScript: KEYS letters, their index; ARGV IDs.
var dropLetterScript = redis.NewScript(`
for _, id in ipairs(ARGV) do
	if redis.call('HEXISTS', KEYS[1], id) == 0 then redis.call('ZREM', KEYS[2], id) end
end
return 1`)
