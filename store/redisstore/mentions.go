package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"brandmelder/brand"
	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// Remember is how long an ID is known, so that its mention does not count again: longer than any source repeats itself.
const Remember = 40 * 24 * time.Hour

// appendScript: KEYS stream; ARGV time of receipt in ms, prefix of the known IDs, seconds to know them, then ID and
// document in turn. The positions start with the time of receipt, so that the stream can be trimmed by age.
var appendScript = redis.NewScript(`
local ms = tonumber(ARGV[1])
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if last[1] then ms = math.max(ms, tonumber(string.match(last[1][1], '^%d+'))) end
local added = 0
for i = 4, #ARGV, 2 do
	if redis.call('EXISTS', ARGV[2] .. ARGV[i]) == 0 then
		local pos = redis.call('XADD', KEYS[1], string.format('%.0f-*', ms), 'd', ARGV[i+1], 'h', ARGV[1])
		redis.call('SET', ARGV[2] .. ARGV[i], pos, 'EX', ARGV[3])
		added = added + 1
	end
end
return added`)

// Append puts mentions on the stream.
func (s *Store) Append(ctx context.Context, heard time.Time, ms []brand.Mention) (int, error) {
	if len(ms) == 0 {
		return 0, nil
	}
	args := []any{heard.UnixMilli(), s.key("known", ""), int(Remember.Seconds())}
	for _, m := range ms {
		doc, err := store.EncodeMention(&m)
		if err != nil {
			return 0, err
		}
		args = append(args, m.ID, doc)
	}
	n, err := appendScript.Run(ctx, s.c, []string{s.key("mentions")}, args...).Int()
	if err != nil {
		return 0, fmt.Errorf("append %d mentions: %w", len(ms), err)
	}
	return n, nil
}

// entry reads one entry of the stream.
func entry(x redis.XMessage) (e store.Entry, err error) {
	doc, _ := x.Values["d"].(string)
	h, _ := x.Values["h"].(string)
	ms, err := strconv.ParseInt(h, 10, 64)
	if err != nil {
		return e, fmt.Errorf("its time %.40q is not a number", h)
	}
	e.Pos, e.Heard = x.ID, time.UnixMilli(ms).UTC()
	e.Mention, err = store.DecodeMention([]byte(doc))
	return e, err
}

// After reads the stream.
func (s *Store) After(ctx context.Context, pos string, limit int) ([]store.Entry, error) {
	out := []store.Entry{}
	for {
		xs, err := s.read(ctx, "mentions", pos, limit-len(out))
		if err != nil {
			return nil, fmt.Errorf("read mentions: %w", err)
		}
		bad := 0
		for _, x := range xs {
			pos = x.ID
			e, err := entry(x)
			if err != nil {
				bad++
				err = s.setAside(ctx, "mention", x.ID, x.Values["d"], err, func(p redis.Pipeliner) { p.XDel(ctx, s.key("mentions"), x.ID) })
				if err != nil {
					return nil, err
				}
				continue
			}
			out = append(out, e)
		}
		if bad == 0 || len(out) == limit {
			return out, nil
		}
	}
}

// Last reads what the stream counts on from.
func (s *Store) Last(ctx context.Context) (string, error) {
	return s.end(ctx, "mentions")
}

// Trim deletes what is old.
func (s *Store) Trim(ctx context.Context, before time.Time) (int, error) {
	positions, err := s.c.HGetAll(ctx, s.key("positions")).Result()
	if err != nil || len(positions) == 0 {
		return 0, err
	}
	limit := fmt.Sprintf("%d-0", before.UnixMilli())
	for _, pos := range positions {
		if !isPosition(pos) { // nothing is read yet, or the position is damaged
			return 0, nil
		}
		if less(pos, limit) {
			limit = pos
		}
	}
	n, err := s.c.XTrimMinID(ctx, s.key("mentions"), limit).Result()
	if err != nil {
		return 0, fmt.Errorf("trim mentions: %w", err)
	}
	topics, err := s.c.SMembers(ctx, s.key("topics")).Result()
	if err != nil {
		return int(n), err
	}
	// Matches go by when they were published: what is two days older than the oldest mention left is surely gone.
	published := heardAt(limit).Add(-48 * time.Hour).UnixMilli()
	for _, t := range topics {
		key := s.key("matches", t)
		if err := s.c.ZRemRangeByScore(ctx, key, "-inf", fmt.Sprintf("(%d", published)).Err(); err != nil {
			return int(n), s.mend(ctx, err, map[string]string{key: "zset"})
		}
	}
	return int(n), nil
}
