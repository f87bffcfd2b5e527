package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// Incident reads one.
func (s *Store) Incident(ctx context.Context, id string) (incident.State, error) {
	key := s.key("incident", id)
	doc, err := s.c.HGet(ctx, key, "doc").Result()
	switch {
	case errors.Is(err, redis.Nil):
		return incident.State{}, fmt.Errorf("incident %s: %w", id, store.ErrNotFound)
	case err != nil && strings.Contains(err.Error(), "WRONGTYPE"):
		return s.rebuild(ctx, id, s.mend(ctx, err, map[string]string{key: "hash"}))
	case err != nil:
		return incident.State{}, fmt.Errorf("incident %s: %w", id, err)
	}
	in, err := store.DecodeNamed[incident.State](id, []byte(doc))
	if err != nil {
		return s.rebuild(ctx, id, err)
	}
	return in, nil
}

// rebuild makes the state anew from the events and saves it. Where they are damaged too, the incident is set aside.
func (s *Store) rebuild(ctx context.Context, id string, cause error) (in incident.State, err error) {
	records, err := s.Events(ctx, id)
	if err == nil {
		in, err = store.Rebuild(id, records)
	}
	if err == nil {
		return in, s.change(ctx, &store.Change{State: in}, -1)
	}
	if ctx.Err() != nil {
		return in, err
	}
	err = s.setAside(ctx, "incident", id, nil, errors.Join(cause, err), func(p redis.Pipeliner) { s.dropIncident(ctx, p, id) })
	if err != nil {
		return in, err
	}
	return in, fmt.Errorf("incident %s: %w", id, store.ErrNotFound)
}

func (s *Store) dropIncident(ctx context.Context, p redis.Pipeliner, id string) {
	p.Del(ctx, s.key("incident", id), s.key("events", id), s.key("evidence", id))
	p.HDel(ctx, s.key("incidents:versions"), id)
	for _, index := range []string{"incidents", "incidents:open", "incidents:closed"} {
		p.ZRem(ctx, s.key(index), id)
	}
}

// Events reads an incident's events.
func (s *Store) Events(ctx context.Context, id string) (out []incident.Record, err error) {
	key := s.key("events", id)
	docs, err := s.c.LRange(ctx, key, 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("events of incident %s: %w", id, s.mend(ctx, err, map[string]string{key: "list"}))
	}
	for i, doc := range docs {
		var r incident.Record
		if err := json.Unmarshal([]byte(doc), &r); err != nil {
			return nil, fmt.Errorf("incident %s: event %d: %w: %w", id, i+1, store.ErrDamaged, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// ListIncidents reads a page of summaries.
func (s *Store) ListIncidents(ctx context.Context, q store.IncidentQuery) (page []incident.Summary, next string, err error) {
	index := s.key("incidents")
	if q.Open {
		index = s.key("incidents:open")
	}
	for {
		ids, err := s.pageOf(ctx, index, q)
		if err != nil || len(ids) == 0 {
			return nil, "", err
		}
		page, bad, err := s.summaries(ctx, ids)
		if err != nil {
			return nil, "", fmt.Errorf("list incidents: %w", err)
		}
		if bad > 0 {
			continue
		}
		slices.SortFunc(page, func(a, b incident.Summary) int {
			if c := b.Detected.Compare(a.Detected); c != 0 {
				return c
			}
			return strings.Compare(b.ID, a.ID)
		})
		if len(page) > q.Limit {
			page = page[:q.Limit]
			next = store.PageEnd(&page[q.Limit-1])
		}
		return page, next, nil
	}
}

// pageOf are the IDs of a page, and one more where there is one.
func (s *Store) pageOf(ctx context.Context, index string, q store.IncidentQuery) (ids []string, err error) {
	detected, last, err := store.PageStart(q.After)
	if err != nil {
		return nil, err
	}
	for offset := int64(0); len(ids) <= q.Limit; {
		zs, err := s.c.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
			Key: index, Start: detected, Stop: "-inf", ByScore: true, Rev: true, Offset: offset, Count: int64(q.Limit + 1),
		}).Result()
		if err != nil {
			return nil, fmt.Errorf("list incidents: %w", err)
		}
		for _, z := range zs {
			if id, _ := z.Member.(string); int64(z.Score) < detected || id < last {
				ids = append(ids, id)
			}
		}
		if len(zs) <= q.Limit {
			break
		}
		offset += int64(len(zs))
	}
	return ids[:min(len(ids), q.Limit+1)], nil
}

// summaries reads summaries; bad counts IDs whose summary could not be read, or that stand for nothing any more.
func (s *Store) summaries(ctx context.Context, ids []string) (out []incident.Summary, bad int, err error) {
	p := s.c.Pipeline()
	cmds := make([]*redis.StringCmd, len(ids))
	for i, id := range ids {
		cmds[i] = p.HGet(ctx, s.key("incident", id), "summary")
	}
	_, _ = p.Exec(ctx) // each command has its error
	var gone []any
	for i, c := range cmds {
		text, err := c.Result()
		switch {
		case errors.Is(err, redis.Nil), err != nil && strings.HasPrefix(err.Error(), "WRONGTYPE"):
			gone = append(gone, ids[i])
			continue
		case err != nil:
			return nil, 0, err
		}
		sum, err := store.DecodeNamed[incident.Summary](ids[i], []byte(text))
		if err == nil {
			out = append(out, sum)
			continue
		}
		bad++
		if _, err := s.rebuild(ctx, ids[i], err); err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, 0, err
		}
	}
	if len(gone) > 0 {
		indexes := []string{s.key("incidents"), s.key("incidents:open"), s.key("incidents:closed")}
		if err := s.drop(ctx, "incident", "hash", gone, indexes...); err != nil {
			return nil, 0, err
		}
		names := make([]string, len(gone))
		for i, id := range gone {
			names[i], _ = id.(string)
		}
		if err := s.c.HDel(ctx, s.key("incidents:versions"), names...).Err(); err != nil {
			return nil, 0, err
		}
	}
	return out, bad + len(gone), nil
}

// OpenIncidents reads the versions of the open ones.
func (s *Store) OpenIncidents(ctx context.Context) (map[string]int, error) {
	all, err := s.c.HGetAll(ctx, s.key("incidents:versions")).Result()
	if err != nil {
		return nil, fmt.Errorf("open incidents: %w", err)
	}
	out := make(map[string]int, len(all))
	for id, v := range all {
		if out[id], err = strconv.Atoi(v); err != nil {
			return nil, fmt.Errorf("open incident %s: version %.40q: %w", id, v, store.ErrDamaged)
		}
	}
	return out, nil
}

// changeScript saves a change. KEYS incident, index, open index, closed index, versions of open ones, events, evidence,
// asks, outbox, calls of the incident, fence. ARGV fence or empty, version before or -1 for any, version, summary,
// state, ID, detected, closed or empty if open, prefix of calls, then the numbers of events, pieces of evidence, asks
// and calls, then events; spike and document; member and time; ID, due or empty where it does not wait, and document.
// Returns 0 on a conflict, -1 when fenced.
var changeScript = redis.NewScript(`
if ARGV[1] ~= '' and (redis.call('GET', KEYS[11]) or '0') ~= ARGV[1] then return -1 end
local was = redis.call('HGET', KEYS[1], 'version') or '0'
if ARGV[2] ~= '-1' and was ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[3], 'summary', ARGV[4], 'doc', ARGV[5])
redis.call('HDEL', KEYS[1], 'events')
redis.call('ZADD', KEYS[2], ARGV[7], ARGV[6])
if ARGV[8] == '' then
	redis.call('ZADD', KEYS[3], ARGV[7], ARGV[6])
	redis.call('ZREM', KEYS[4], ARGV[6])
	redis.call('HSET', KEYS[5], ARGV[6], ARGV[3])
else
	redis.call('ZREM', KEYS[3], ARGV[6])
	redis.call('ZADD', KEYS[4], ARGV[8], ARGV[6])
	redis.call('HDEL', KEYS[5], ARGV[6])
end
local i = 14
for _ = 1, tonumber(ARGV[10]) do redis.call('RPUSH', KEYS[6], ARGV[i]); i = i + 1 end
for _ = 1, tonumber(ARGV[11]) do redis.call('HSET', KEYS[7], ARGV[i], ARGV[i+1]); i = i + 2 end
for _ = 1, tonumber(ARGV[12]) do redis.call('ZADD', KEYS[8], ARGV[i+1], ARGV[i]); i = i + 2 end
for _ = 1, tonumber(ARGV[13]) do
	if redis.call('SET', ARGV[9] .. ARGV[i], ARGV[i+2], 'NX') then
		if ARGV[i+1] ~= '' then redis.call('ZADD', KEYS[9], ARGV[i+1], ARGV[i]) end
		redis.call('SADD', KEYS[10], ARGV[i])
	end
	i = i + 3
end
return 1`)

// SaveIncident saves a change.
func (s *Store) SaveIncident(ctx context.Context, c store.Change) error {
	return s.change(ctx, &c, c.Before)
}

// change saves a change behind the version before, or behind any if that is -1.
func (s *Store) change(ctx context.Context, c *store.Change, before int) error {
	in := &c.State
	summary, err := json.Marshal(in.Summary)
	if err != nil {
		return err
	}
	doc, err := json.Marshal(in)
	if err != nil {
		return err
	}
	fence, fenceKey, closed := "", s.key("fence", "none"), ""
	if c.Lease != nil {
		fence, fenceKey = strconv.FormatInt(c.Lease.Fence, 10), s.key("fence", c.Lease.Name)
	}
	if !in.Open() {
		closed = strconv.FormatInt(in.Closed.UnixMilli(), 10)
	}
	asks := c.Asks()
	args := []any{
		fence, before, in.Version, summary, doc, in.ID, in.Detected.UnixMilli(), closed, s.key("call", ""),
		len(c.Events), len(c.Evidence), len(asks), len(c.Calls),
	}
	for _, r := range c.Events {
		doc, err := json.Marshal(r)
		if err != nil {
			return err
		}
		args = append(args, doc)
	}
	for i := range c.Evidence {
		doc, err := json.Marshal(&c.Evidence[i])
		if err != nil {
			return err
		}
		args = append(args, c.Evidence[i].ID, doc)
	}
	for _, a := range asks {
		args = append(args, a.Person+" "+in.ID, a.At.UnixMilli())
	}
	for _, call := range c.Calls {
		doc, err := json.Marshal(call)
		if err != nil {
			return err
		}
		args = append(args, call.ID, waitsUntil(&call), doc)
	}
	keys := []string{
		s.key("incident", in.ID), s.key("incidents"), s.key("incidents:open"), s.key("incidents:closed"),
		s.key("incidents:versions"), s.key("events", in.ID), s.key("evidence", in.ID), s.key("asks"), s.key("outbox"),
		s.key("calls", in.ID), fenceKey,
	}
	n, err := changeScript.Run(ctx, s.c, keys, args...).Int()
	switch {
	case err != nil:
		err = s.mend(ctx, err, map[string]string{keys[0]: "hash", keys[5]: "list", keys[6]: "hash", keys[9]: "set"})
	case n == 0:
		err = store.ErrConflict
	case n < 0:
		err = store.ErrFenced
	}
	if err != nil {
		return fmt.Errorf("save incident %s: %w", in.ID, err)
	}
	return nil
}

// AskedSince counts.
func (s *Store) AskedSince(ctx context.Context, since time.Time) (map[string]int, error) {
	members, err := s.c.ZRangeArgs(ctx, redis.ZRangeArgs{Key: s.key("asks"), Start: since.UnixMilli(), Stop: "+inf", ByScore: true}).Result()
	if err != nil {
		return nil, fmt.Errorf("experts who were asked: %w", err)
	}
	out := map[string]int{}
	for _, m := range members {
		person, _, _ := strings.Cut(m, " ")
		out[person]++
	}
	return out, nil
}

// trimAtOnce is how many incidents one call of TrimIncidents deletes.
const trimAtOnce = 200

// TrimIncidents deletes old ones.
func (s *Store) TrimIncidents(ctx context.Context, closedBefore time.Time) (int, error) {
	before := fmt.Sprintf("(%d", closedBefore.UnixMilli())
	ids, err := s.c.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: s.key("incidents:closed"), Start: "-inf", Stop: before, ByScore: true, Count: trimAtOnce,
	}).Result()
	if err != nil {
		return 0, fmt.Errorf("trim incidents: %w", err)
	}
	for i, id := range ids {
		calls, err := s.c.SMembers(ctx, s.key("calls", id)).Result()
		if err != nil {
			return i, fmt.Errorf("trim incident %s: %w", id, s.mend(ctx, err, map[string]string{s.key("calls", id): "set"}))
		}
		p := s.c.TxPipeline()
		for _, call := range calls {
			p.Del(ctx, s.key("call", call))
			p.ZRem(ctx, s.key("outbox"), call)
		}
		p.Del(ctx, s.key("calls", id))
		s.dropIncident(ctx, p, id)
		if _, err := p.Exec(ctx); err != nil {
			return i, fmt.Errorf("trim incident %s: %w", id, err)
		}
	}
	if err := s.c.ZRemRangeByScore(ctx, s.key("asks"), "-inf", before).Err(); err != nil {
		return len(ids), fmt.Errorf("trim who was asked: %w", err)
	}
	return len(ids), nil
}

// Evidence reads an incident's evidence.
func (s *Store) Evidence(ctx context.Context, id string) (out []brand.Spike, err error) {
	key := s.key("evidence", id)
	docs, err := s.c.HGetAll(ctx, key).Result()
	if err != nil {
		return nil, fmt.Errorf("evidence of incident %s: %w", id, s.mend(ctx, err, map[string]string{key: "hash"}))
	}
	for spike, doc := range docs {
		var sp brand.Spike
		if err := json.Unmarshal([]byte(doc), &sp); err != nil {
			err = s.setAside(ctx, "evidence", id+" "+spike, doc, err, func(p redis.Pipeliner) { p.HDel(ctx, key, spike) })
			if err != nil {
				return nil, err
			}
			continue
		}
		out = append(out, sp)
	}
	slices.SortFunc(out, func(a, b brand.Spike) int {
		if c := a.Began.Compare(b.Began); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out, nil
}

// replaceScript: KEYS hash; ARGV field, old value, new value. Returns 0 where the field has another value by now.
var replaceScript = redis.NewScript(`
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1`)

// RedactEvidence writes the changed ones anew.
func (s *Store) RedactEvidence(ctx context.Context, f func(*brand.Spike) bool) (n int, err error) {
	ids, err := s.c.ZRange(ctx, s.key("incidents"), 0, -1).Result()
	if err != nil {
		return 0, fmt.Errorf("list incidents: %w", err)
	}
	for _, id := range ids {
		changed, err := s.redact(ctx, id, f)
		if err != nil {
			return n, fmt.Errorf("redact evidence of incident %s: %w", id, err)
		}
		if changed {
			n++
		}
	}
	return n, nil
}

func (s *Store) redact(ctx context.Context, id string, f func(*brand.Spike) bool) (changed bool, err error) {
	key := s.key("evidence", id)
	for again := true; again; {
		again = false
		docs, err := s.c.HGetAll(ctx, key).Result()
		if err != nil {
			return changed, s.mend(ctx, err, map[string]string{key: "hash"})
		}
		for spike, was := range docs {
			var sp brand.Spike
			if json.Unmarshal([]byte(was), &sp) != nil || !f(&sp) {
				continue // who reads it sets it aside
			}
			doc, err := json.Marshal(sp)
			if err != nil {
				return changed, err
			}
			ok, err := replaceScript.Run(ctx, s.c, []string{key}, spike, was, doc).Bool()
			if err != nil {
				return changed, err
			}
			changed, again = changed || ok, again || !ok
		}
	}
	return changed, nil
}
