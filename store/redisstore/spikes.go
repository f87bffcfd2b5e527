package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
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

// RedactSpikes takes the changed ones off the stream, whose entries cannot be written anew; the incidents keep the last
// report of each.
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

// addSpikes is the end of a script that puts spikes at the end of the stream. KEYS from firstKey: stream, position of
// the last report by spike, topics; ARGV from firstArg: prefix of the lists by topic, then topic, ID and document of
// each. A list has the spikes of a topic, that of the empty name all, by the time of their last report.
const addSpikes = `
local lists = ARGV[firstArg]
for i = firstArg + 1, #ARGV, 3 do
	local pos = redis.call('XADD', KEYS[firstKey], '*', 'd', ARGV[i+2])
	local ms = string.match(pos, '^%d+')
	redis.call('HSET', KEYS[firstKey+1], ARGV[i+1], pos)
	redis.call('SADD', KEYS[firstKey+2], ARGV[i], '')
	redis.call('ZADD', lists .. ARGV[i], ms, ARGV[i+1])
	redis.call('ZADD', lists, ms, ARGV[i+1])
end
return 1`

// added returns what addSpikes takes.
func (s *Store) added(spikes []brand.Spike) (keys []string, args []any, err error) {
	args = []any{s.key("spikes:of", "")}
	for _, sp := range spikes {
		doc, err := json.Marshal(sp)
		if err != nil {
			return nil, nil, err
		}
		args = append(args, sp.Topic, sp.ID, doc)
	}
	return []string{s.key("spikes"), s.key("spikes:last"), s.key("spikes:topics")}, args, nil
}

var tellScript = redis.NewScript(`local firstKey, firstArg = 1, 1` + addSpikes)

// AppendSpikes puts spikes at the end.
func (s *Store) AppendSpikes(ctx context.Context, spikes []brand.Spike) error {
	keys, args, err := s.added(spikes)
	if err != nil {
		return err
	}
	return tellScript.Run(ctx, s.c, keys, args...).Err()
}

// sameTime is how many spikes may have their last report in one millisecond, so that none is left out between two
// pages.
const sameTime = 64

// RecentSpikes reads the list of a topic. A spike whose last report is gone, since it was trimmed or redacted, is taken
// off.
func (s *Store) RecentSpikes(ctx context.Context, topic, before string, limit int) ([]store.SpikeEntry, error) {
	list, last := s.key("spikes:of", topic), "+inf"
	if before != "" {
		last = strconv.FormatInt(heardAt(before).UnixMilli(), 10)
	}
	for {
		ids, err := s.c.ZRangeArgs(ctx, redis.ZRangeArgs{
			Key: list, Start: last, Stop: "-inf", ByScore: true, Rev: true, Count: int64(limit) + sameTime,
		}).Result()
		if err != nil || len(ids) == 0 {
			return nil, s.mend(ctx, err, map[string]string{list: "zset"})
		}
		positions, err := s.c.HMGet(ctx, s.key("spikes:last"), ids...).Result()
		if err != nil {
			return nil, fmt.Errorf("read recent spikes: %w", err)
		}
		p := s.c.Pipeline()
		var cmds []*redis.XMessageSliceCmd
		var asked, gone []any
		for i, id := range ids {
			pos, ok := positions[i].(string)
			switch {
			case !ok:
				gone = append(gone, id)
			case before == "" || less(pos, before):
				cmds = append(cmds, p.XRange(ctx, s.key("spikes"), pos, pos))
				asked = append(asked, id)
			}
		}
		if len(cmds) > 0 {
			if _, err := p.Exec(ctx); err != nil {
				return nil, fmt.Errorf("read recent spikes: %w", err)
			}
		}
		var xs []redis.XMessage
		for i, cmd := range cmds {
			if found := cmd.Val(); len(found) > 0 {
				xs = append(xs, found[0])
			} else {
				gone = append(gone, asked[i])
			}
		}
		slices.SortFunc(xs, func(a, b redis.XMessage) int { return store.ComparePositions(b.ID, a.ID) })
		out, bad, err := s.spikes(ctx, xs[:min(len(xs), limit)])
		if err != nil {
			return nil, err
		}
		if len(gone) > 0 {
			if err := s.c.ZRem(ctx, list, gone...).Err(); err != nil {
				return nil, err
			}
		}
		if bad == 0 && len(gone) == 0 {
			return out, nil
		}
	}
}

// TrimSpikes removes old entries, and spikes without a later report from the lists.
func (s *Store) TrimSpikes(ctx context.Context, pos string, before time.Time) (int, error) {
	if !isPosition(pos) {
		return 0, nil // the desk has received nothing yet, or its position is damaged
	}
	limit := fmt.Sprintf("%d-0", before.UnixMilli())
	if next := behind(pos); less(next, limit) {
		limit = next
	}
	n, err := s.c.XTrimMinID(ctx, s.key("spikes"), limit).Result()
	if err != nil {
		return 0, fmt.Errorf("trim spikes: %w", err)
	}
	topics, err := s.c.SMembers(ctx, s.key("spikes:topics")).Result()
	if err != nil {
		return int(n), err
	}
	old := fmt.Sprintf("(%d", heardAt(limit).UnixMilli())
	ids, err := s.c.ZRangeArgs(ctx, redis.ZRangeArgs{Key: s.key("spikes:of", ""), Start: "-inf", Stop: old, ByScore: true}).Result()
	if err != nil || len(ids) == 0 {
		return int(n), err
	}
	p := s.c.Pipeline()
	p.HDel(ctx, s.key("spikes:last"), ids...)
	for _, t := range topics {
		p.ZRemRangeByScore(ctx, s.key("spikes:of", t), "-inf", old)
	}
	_, err = p.Exec(ctx)
	return int(n), err
}

// listSpikes puts all spikes of the stream onto the lists.
func listSpikes(ctx context.Context, s *Store) error {
	for pos := ""; ; {
		xs, err := s.c.XRangeN(ctx, s.key("spikes"), after(pos), "+", 500).Result()
		if err != nil || len(xs) == 0 {
			return err
		}
		p := s.c.Pipeline()
		for _, x := range xs {
			pos = x.ID
			var sp struct{ ID, Topic string }
			doc, _ := x.Values["d"].(string)
			if json.Unmarshal([]byte(doc), &sp) != nil {
				continue // SpikesAfter moves it to the dead letters
			}
			at := redis.Z{Score: float64(heardAt(pos).UnixMilli()), Member: sp.ID}
			p.HSet(ctx, s.key("spikes:last"), sp.ID, pos)
			p.SAdd(ctx, s.key("spikes:topics"), sp.Topic, "")
			p.ZAdd(ctx, s.key("spikes:of", sp.Topic), at)
			p.ZAdd(ctx, s.key("spikes:of", ""), at)
		}
		if p.Len() == 0 {
			continue
		}
		if _, err := p.Exec(ctx); err != nil {
			return fmt.Errorf("list spikes by topic: %w", err)
		}
	}
}
