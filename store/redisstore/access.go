package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// named reads a document of a hash by its name.
func named[T any](ctx context.Context, s *Store, what, hash, name string) (v T, err error) {
	doc, err := s.c.HGet(ctx, s.key(hash), name).Bytes()
	if errors.Is(err, redis.Nil) {
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

// all reads the documents of a hash, by name.
func all[T any](ctx context.Context, s *Store, what, hash string) ([]T, error) {
	docs, err := s.c.HGetAll(ctx, s.key(hash)).Result()
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", hash, err)
	}
	var out []T
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		var v T
		if err := json.Unmarshal([]byte(docs[name]), &v); err != nil {
			return nil, fmt.Errorf("%s %s: %w: remove it and add it again: %w", what, name, store.ErrDamaged, err)
		}
		out = append(out, v)
	}
	return out, nil
}

func (s *Store) removeNamed(ctx context.Context, what, hash, name string) error {
	n, err := s.c.HDel(ctx, s.key(hash), name).Result()
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("remove %s %s: %w", what, name, err)
	}
	return nil
}

// User reads one.
func (s *Store) User(ctx context.Context, name string) (store.User, error) {
	return named[store.User](ctx, s, "user", "users", name)
}

// ListUsers reads all.
func (s *Store) ListUsers(ctx context.Context) ([]store.User, error) {
	return all[store.User](ctx, s, "user", "users")
}

// saveUserScript: KEYS users; ARGV name, version, new document. A user that cannot be read has no version.
var saveUserScript = redis.NewScript(`
local old = redis.call('HGET', KEYS[1], ARGV[1])
local version = '0'
if old then
	local ok, u = pcall(cjson.decode, old)
	version = ok and type(u) == 'table' and string.format('%.0f', tonumber(u.version) or -1) or '-1'
end
if version ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1`)

// SaveUser adds or replaces one.
func (s *Store) SaveUser(ctx context.Context, u *store.User) error {
	saved := *u
	saved.Version++
	doc, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	n, err := saveUserScript.Run(ctx, s.c, []string{s.key("users")}, u.Name, u.Version, doc).Int()
	if err == nil && n == 0 {
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
	return s.removeNamed(ctx, "user", "users", name)
}

// Token reads one.
func (s *Store) Token(ctx context.Context, name string) (store.Token, error) {
	return named[store.Token](ctx, s, "token", "tokens", name)
}

// ListTokens reads all.
func (s *Store) ListTokens(ctx context.Context) ([]store.Token, error) {
	return all[store.Token](ctx, s, "token", "tokens")
}

// AddToken keeps a new one.
func (s *Store) AddToken(ctx context.Context, t store.Token) error {
	doc, err := json.Marshal(t)
	if err != nil {
		return err
	}
	fresh, err := s.c.HSetNX(ctx, s.key("tokens"), t.Name, doc).Result()
	if err == nil && !fresh {
		err = store.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("add token %s: %w", t.Name, err)
	}
	return nil
}

// RemoveToken removes one.
func (s *Store) RemoveToken(ctx context.Context, name string) error {
	return s.removeNamed(ctx, "token", "tokens", name)
}

// addSessionScript: KEYS sessions, their ends, the owner's; ARGV hash, document, began, until in ms, most of an owner,
// prefix of owners. The owner's set ends with its last session.
var addSessionScript = redis.NewScript(`
local function remove(hash)
	local doc = redis.call('HGET', KEYS[1], hash)
	if doc then
		local ok, s = pcall(cjson.decode, doc)
		if ok and type(s) == 'table' and type(s.owner) == 'string' then redis.call('ZREM', ARGV[6] .. s.owner, hash) end
	end
	redis.call('HDEL', KEYS[1], hash, 'seen:' .. hash)
	redis.call('ZREM', KEYS[2], hash)
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1])
for _, hash in ipairs(redis.call('ZRANGE', KEYS[2], '-inf', '(' .. ARGV[3], 'BYSCORE', 'LIMIT', 0, 1000)) do remove(hash) end
for _, hash in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1 - ARGV[5])) do
	remove(hash)
	redis.call('ZREM', KEYS[3], hash)
end
return 1`)

// AddSession keeps one.
func (s *Store) AddSession(ctx context.Context, n store.Session) error {
	doc, err := json.Marshal(n)
	if err != nil {
		return err
	}
	keys := []string{s.key("sessions"), s.key("sessions:until"), s.key("sessions:of", n.Owner)}
	err = addSessionScript.Run(ctx, s.c, keys, n.Hash, doc, n.Began.UnixMilli(), n.Until.UnixMilli(), store.MaxSessions, s.key("sessions:of", "")).Err()
	if err != nil {
		err = s.mend(ctx, err, map[string]string{keys[2]: "zset"})
		return fmt.Errorf("add session: %w", err)
	}
	return nil
}

// Session reads one.
func (s *Store) Session(ctx context.Context, hash string) (n store.Session, err error) {
	raw, err := s.c.HMGet(ctx, s.key("sessions"), hash, "seen:"+hash).Result()
	if err != nil {
		return n, fmt.Errorf("session: %w", err)
	}
	doc, ok := raw[0].(string)
	if !ok {
		return n, fmt.Errorf("session: %w", store.ErrNotFound)
	}
	if err := json.Unmarshal([]byte(doc), &n); err != nil {
		return store.Session{}, fmt.Errorf("session: %w: %w", store.ErrDamaged, err)
	}
	if text, ok := raw[1].(string); ok {
		if seen, err := time.Parse(time.RFC3339Nano, text); err == nil {
			n.Seen = seen
		}
	}
	return n, nil
}

// touchScript: KEYS sessions; ARGV hash, time.
var touchScript = redis.NewScript(`
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then redis.call('HSET', KEYS[1], 'seen:' .. ARGV[1], ARGV[2]) end
return 1`)

// TouchSession sets when it was used last.
func (s *Store) TouchSession(ctx context.Context, hash string, seen time.Time) error {
	return touchScript.Run(ctx, s.c, []string{s.key("sessions")}, hash, seen.UTC().Format(time.RFC3339Nano)).Err()
}

// endScript: KEYS sessions, their ends, the owner's; ARGV hashes, none for all.
var endScript = redis.NewScript(`
local hashes = ARGV
if #hashes == 0 then hashes = redis.call('ZRANGE', KEYS[3], 0, -1) end
local ended = 0
for _, hash in ipairs(hashes) do
	if redis.call('ZREM', KEYS[3], hash) == 1 then
		ended = ended + redis.call('HDEL', KEYS[1], hash)
		redis.call('HDEL', KEYS[1], 'seen:' .. hash)
		redis.call('ZREM', KEYS[2], hash)
	end
end
return ended`)

// EndSessions ends some, or all of an owner.
func (s *Store) EndSessions(ctx context.Context, owner string, hashes ...string) (int, error) {
	keys := []string{s.key("sessions"), s.key("sessions:until"), s.key("sessions:of", owner)}
	args := make([]any, len(hashes))
	for i, h := range hashes {
		args[i] = h
	}
	n, err := endScript.Run(ctx, s.c, keys, args...).Int()
	if err != nil {
		return 0, fmt.Errorf("end sessions of %s: %w", owner, err)
	}
	return n, nil
}
