package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"brandmelder/brand"
	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// Incident reads one.
func (s *Store) Incident(ctx context.Context, id string) (brand.Incident, error) {
	ins, _, err := s.incidents(ctx, []string{id})
	if err == nil && len(ins) == 0 {
		err = fmt.Errorf("incident %s: %w", id, store.ErrNotFound)
	}
	if err != nil {
		return brand.Incident{}, err
	}
	return ins[0], nil
}

// ListIncidents reads many.
func (s *Store) ListIncidents(ctx context.Context, open bool, limit int) ([]brand.Incident, error) {
	index := "incidents"
	if open {
		index = "incidents:open"
	}
	for {
		ids, err := s.c.ZRangeArgs(ctx, redis.ZRangeArgs{Key: s.key(index), Start: 0, Stop: limit - 1, Rev: true}).Result()
		if err != nil || len(ids) == 0 {
			return nil, err
		}
		ins, bad, err := s.incidents(ctx, ids)
		if err != nil || bad == 0 {
			store.SortIncidents(ins)
			return ins, err
		}
	}
}

// incidents reads incidents; bad counts IDs that stand for none any more.
func (s *Store) incidents(ctx context.Context, ids []string) (ins []brand.Incident, bad int, err error) {
	p := s.c.Pipeline()
	cmds := make([]*redis.StringCmd, len(ids))
	for i, id := range ids {
		cmds[i] = p.HGet(ctx, s.key("incident", id), "doc")
	}
	_, _ = p.Exec(ctx) // each command has its error
	raw := make([]any, len(cmds))
	for i, c := range cmds {
		switch text, err := c.Result(); {
		case err == nil:
			raw[i] = text
		case !errors.Is(err, redis.Nil) && !strings.HasPrefix(err.Error(), "WRONGTYPE"):
			return nil, 0, fmt.Errorf("read incidents: %w", err)
		}
	}
	return documents[brand.Incident](ctx, s, "incident", ids, raw, func(p redis.Pipeliner, id string) {
		p.Del(ctx, s.key("incident", id))
		p.ZRem(ctx, s.key("incidents"), id)
		p.ZRem(ctx, s.key("incidents:open"), id)
	}, func(ids []any) error {
		return s.drop(ctx, "incident", "hash", ids, s.key("incidents"), s.key("incidents:open"))
	})
}

// saveScript: KEYS incident, index, open index, outbox, calls of the incident; ARGV version, new document, length of its
// timeline, ID, detected, open, prefix of calls, then ID, due and document of each call.
var saveScript = redis.NewScript(`
local old = redis.call('HMGET', KEYS[1], 'version', 'events')
if (old[1] or '0') ~= ARGV[1] or tonumber(ARGV[3]) < tonumber(old[2] or '0') then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1] + 1, 'events', ARGV[3], 'doc', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4])
if ARGV[6] == '1' then redis.call('ZADD', KEYS[3], ARGV[5], ARGV[4]) else redis.call('ZREM', KEYS[3], ARGV[4]) end
for i = 8, #ARGV, 3 do
	if redis.call('SET', ARGV[7] .. ARGV[i], ARGV[i+2], 'NX') then
		redis.call('ZADD', KEYS[4], ARGV[i+1], ARGV[i])
		redis.call('SADD', KEYS[5], ARGV[i])
	end
end
return 1`)

// SaveIncident saves one, with its calls.
func (s *Store) SaveIncident(ctx context.Context, in *brand.Incident, calls []brand.Call) error {
	saved := *in
	saved.Version++
	doc, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	open := "0"
	if in.Open() {
		open = "1"
	}
	args := []any{strconv.Itoa(in.Version), doc, len(in.Timeline), in.ID, in.Detected.UnixMilli(), open, s.key("call", "")}
	for _, c := range calls {
		doc, err := json.Marshal(c)
		if err != nil {
			return err
		}
		args = append(args, c.ID, c.Due.UnixMilli(), doc)
	}
	keys := []string{s.key("incident", in.ID), s.key("incidents"), s.key("incidents:open"), s.key("outbox"), s.key("calls", in.ID)}
	n, err := saveScript.Run(ctx, s.c, keys, args...).Int()
	if err != nil {
		err = s.mend(ctx, err, map[string]string{keys[0]: "hash", keys[4]: "set"})
		return fmt.Errorf("save incident %s: %w", in.ID, err)
	}
	if n == 0 {
		return fmt.Errorf("incident %s: %w", in.ID, store.ErrConflict)
	}
	in.Version = saved.Version
	return nil
}
