package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"brandmelder/incident"
	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// calls reads calls; bad counts IDs that stand for none any more.
func (s *Store) calls(ctx context.Context, ids []string) (calls []incident.Call, bad int, err error) {
	if len(ids) == 0 {
		return nil, 0, nil
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = s.key("call", id)
	}
	raw, err := s.c.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, 0, err
	}
	return documents[incident.Call](ctx, s, "call", ids, raw, func(p redis.Pipeliner, id string) {
		p.Del(ctx, s.key("call", id))
		p.ZRem(ctx, s.key("outbox"), id)
	}, func(ids []any) error { return s.drop(ctx, "call", "string", ids, s.key("outbox")) })
}

// DueCalls reads the outbox.
func (s *Store) DueCalls(ctx context.Context, now time.Time, limit int) ([]incident.Call, error) {
	for {
		ids, err := s.c.ZRangeArgs(ctx, redis.ZRangeArgs{Key: s.key("outbox"), Start: "-inf", Stop: now.UnixMilli(), ByScore: true, Count: int64(limit)}).Result()
		if err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		calls, bad, err := s.calls(ctx, ids)
		if err != nil || bad == 0 {
			return calls, err
		}
	}
}

// callScript: KEYS call, calls of the incident, outbox, fence. ARGV fence or empty, version before, ID, document, due
// or empty where it does not wait any more. Returns 0 on a conflict, -1 when fenced. A call that cannot be read has no
// version.
var callScript = redis.NewScript(`
if ARGV[1] ~= '' and (redis.call('GET', KEYS[4]) or '0') ~= ARGV[1] then return -1 end
local was = redis.call('GET', KEYS[1])
local version = 0
if was then
	local ok, doc = pcall(cjson.decode, was)
	if ok and type(doc) == 'table' and type(doc.version) == 'number' then version = doc.version end
end
if version ~= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[4])
redis.call('SADD', KEYS[2], ARGV[3])
if ARGV[5] == '' then redis.call('ZREM', KEYS[3], ARGV[3]) else redis.call('ZADD', KEYS[3], ARGV[5], ARGV[3]) end
return 1`)

// waitsUntil is when a call is due, "" where it does not wait to be sent any more.
func waitsUntil(c *incident.Call) string {
	if !c.Waiting() {
		return ""
	}
	return strconv.FormatInt(c.Due.UnixMilli(), 10)
}

// SaveCall saves what became of a call.
func (s *Store) SaveCall(ctx context.Context, lease *store.Lease, c *incident.Call) error {
	saved := *c
	saved.Version++
	doc, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	fence, fenceKey := "", s.key("fence", "none")
	if lease != nil {
		fence, fenceKey = strconv.FormatInt(lease.Fence, 10), s.key("fence", lease.Name)
	}
	keys := []string{s.key("call", c.ID), s.key("calls", c.Incident), s.key("outbox"), fenceKey}
	n, err := callScript.Run(ctx, s.c, keys, fence, c.Version, c.ID, doc, waitsUntil(c)).Int()
	switch {
	case err != nil:
		err = s.mend(ctx, err, map[string]string{keys[0]: "string", keys[1]: "set"})
	case n == 0:
		err = store.ErrConflict
	case n < 0:
		err = store.ErrFenced
	}
	if err != nil {
		return fmt.Errorf("save call %s: %w", c.ID, err)
	}
	c.Version = saved.Version
	return nil
}

// CallsOf reads an incident's calls.
func (s *Store) CallsOf(ctx context.Context, id string) ([]incident.Call, error) {
	key := s.key("calls", id)
	ids, err := s.c.SMembers(ctx, key).Result()
	if err != nil {
		return nil, s.mend(ctx, err, map[string]string{key: "set"})
	}
	calls, _, err := s.calls(ctx, ids)
	store.SortCalls(calls)
	return calls, err
}
