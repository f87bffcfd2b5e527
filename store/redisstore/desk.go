package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// SpikesAfter reads the stream of spikes.
func (s *Store) SpikesAfter(ctx context.Context, pos string, limit int) ([]store.SpikeEntry, error) {
	out := []store.SpikeEntry{}
	for {
		xs, err := s.read(ctx, "spikes", pos, limit-len(out))
		if err != nil {
			return nil, fmt.Errorf("read spikes: %w", err)
		}
		spikes, bad, err := s.spikes(ctx, xs)
		if err != nil {
			return nil, err
		}
		if out = append(out, spikes...); bad == 0 || len(out) == limit {
			return out, nil
		}
		pos = xs[len(xs)-1].ID
	}
}

// spikes reads entries of the stream; bad counts those that were moved to the dead letters.
func (s *Store) spikes(ctx context.Context, xs []redis.XMessage) (out []store.SpikeEntry, bad int, err error) {
	for _, x := range xs {
		e := store.SpikeEntry{Pos: x.ID}
		doc, _ := x.Values["d"].(string)
		if err := json.Unmarshal([]byte(doc), &e.Spike); err != nil {
			bad++
			err = s.setAside(ctx, "spike", x.ID, doc, err, func(p redis.Pipeliner) { p.XDel(ctx, s.key("spikes"), x.ID) })
			if err != nil {
				return nil, bad, err
			}
			continue
		}
		out = append(out, e)
	}
	return out, bad, nil
}

// RedactSpikes takes the changed ones off the stream, whose entries cannot be written anew; the incidents keep the last telling of each.
func (s *Store) RedactSpikes(ctx context.Context, pos string, f func(*brand.Spike) bool) (int, error) {
	changed, at := 0, ""
	for {
		es, err := s.SpikesAfter(ctx, at, 500)
		if err != nil {
			return changed, err
		}
		for _, e := range es {
			if pos == "" || less(pos, e.Pos) {
				return changed, nil
			}
			if at = e.Pos; !f(&e.Spike) {
				continue
			}
			if err := s.c.XDel(ctx, s.key("spikes"), e.Pos).Err(); err != nil {
				return changed, fmt.Errorf("redact a spike: %w", err)
			}
			changed++
		}
		if len(es) == 0 {
			return changed, nil
		}
	}
}

// RecentSpikes reads it backwards.
func (s *Store) RecentSpikes(ctx context.Context, limit int) ([]brand.Spike, error) {
	xs, err := s.c.XRevRangeN(ctx, s.key("spikes"), "+", "-", int64(limit)).Result()
	if err != nil {
		return nil, fmt.Errorf("read spikes: %w", err)
	}
	es, _, err := s.spikes(ctx, xs)
	if err != nil {
		return nil, err
	}
	out := make([]brand.Spike, len(es))
	for i := range es {
		out[i] = es[i].Spike
	}
	return out, nil
}

// Cursor reads a cursor.
func (s *Store) Cursor(ctx context.Context, name string) (string, error) {
	v, err := s.c.HGet(ctx, s.key("cursors"), name).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return v, err
}

// SetCursor moves a cursor.
func (s *Store) SetCursor(ctx context.Context, name, value string) error {
	return s.c.HSet(ctx, s.key("cursors"), name, value).Err()
}

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

// calls reads calls; bad counts IDs that stand for none any more.
func (s *Store) calls(ctx context.Context, ids []string) (calls []brand.Call, bad int, err error) {
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
	return documents[brand.Call](ctx, s, "call", ids, raw, func(p redis.Pipeliner, id string) {
		p.Del(ctx, s.key("call", id))
		p.ZRem(ctx, s.key("outbox"), id)
	}, func(ids []any) error { return s.drop(ctx, "call", "string", ids, s.key("outbox")) })
}

// DueCalls reads the outbox.
func (s *Store) DueCalls(ctx context.Context, now time.Time, limit int) ([]brand.Call, error) {
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

// SaveCall saves a call's fate.
func (s *Store) SaveCall(ctx context.Context, c brand.Call) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	p := s.c.TxPipeline()
	p.Set(ctx, s.key("call", c.ID), doc, 0)
	p.SAdd(ctx, s.key("calls", c.Incident), c.ID)
	if c.Sent.IsZero() && !c.GivenUp {
		p.ZAdd(ctx, s.key("outbox"), redis.Z{Score: float64(c.Due.UnixMilli()), Member: c.ID})
	} else {
		p.ZRem(ctx, s.key("outbox"), c.ID)
	}
	_, err = p.Exec(ctx)
	return s.mend(ctx, err, map[string]string{s.key("calls", c.Incident): "set"})
}

// CallsOf reads an incident's calls.
func (s *Store) CallsOf(ctx context.Context, incident string) ([]brand.Call, error) {
	key := s.key("calls", incident)
	ids, err := s.c.SMembers(ctx, key).Result()
	if err != nil {
		return nil, s.mend(ctx, err, map[string]string{key: "set"})
	}
	calls, _, err := s.calls(ctx, ids)
	store.SortCalls(calls)
	return calls, err
}

// acquireScript: KEYS lease, fence; ARGV holder, ttl in ms. Returns the fence, 0 if somebody else holds the lease.
// Fences begin with the time, so that those of an emptied store are none that anybody has.
var acquireScript = redis.NewScript(`
local who = redis.call('GET', KEYS[1])
if who and who ~= ARGV[1] then return 0 end
local fence = redis.call('GET', KEYS[2])
if not fence then redis.call('SET', KEYS[2], redis.call('TIME')[1]) end
if not who or not fence then fence = redis.call('INCR', KEYS[2]) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return tonumber(fence)`)

// Acquire takes a lease.
func (s *Store) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (store.Lease, bool, error) {
	keys := []string{s.key("lease", name), s.key("fence", name)}
	fence, err := acquireScript.Run(ctx, s.c, keys, holder, ttl.Milliseconds()).Int64()
	if err != nil {
		err = s.mend(ctx, err, map[string]string{keys[0]: "string", keys[1]: "string"})
		return store.Lease{}, false, fmt.Errorf("lease %s: %w", name, err)
	}
	return store.Lease{Name: name, Holder: holder, Fence: fence}, fence > 0, nil
}

var releaseScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('GET', KEYS[2]) == ARGV[2] then redis.call('DEL', KEYS[1]) end
return 1`)

// Release gives a lease back.
func (s *Store) Release(ctx context.Context, l store.Lease) error {
	return releaseScript.Run(ctx, s.c, []string{s.key("lease", l.Name), s.key("fence", l.Name)}, l.Holder, l.Fence).Err()
}

// Pin pins a document to the board.
func (s *Store) Pin(ctx context.Context, key string, doc json.RawMessage) error {
	return s.c.HSet(ctx, s.key("board"), key, []byte(doc)).Err()
}

// Unpin takes a document away.
func (s *Store) Unpin(ctx context.Context, key string) error {
	return s.c.HDel(ctx, s.key("board"), key).Err()
}

// Pinned reads the board.
func (s *Store) Pinned(ctx context.Context, prefix string) (map[string]json.RawMessage, error) {
	all, err := s.c.HGetAll(ctx, s.key("board")).Result()
	if err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	for k, v := range all {
		if len(k) >= len(prefix) && k[:len(prefix)] == prefix {
			out[k] = json.RawMessage(v)
		}
	}
	return out, nil
}
