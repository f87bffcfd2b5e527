package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

const (
	// far is how far ahead of the clock a position may lie: more than clocks and time zones differ. Streams only grow:
	// behind a far position all others are far, and behind the last possible one nothing can be added at all.
	far = 24 * time.Hour
	// noClock is a time before which a clock is not believed: a computer without a battery starts in 1970.
	noClock = 1767225600000 // the year 2026, in ms
	// most is the last possible position. Redis refuses to read behind it.
	most = "18446744073709551615-18446744073709551615"
)

// farScript: KEYS stream, a free key, the ends of mended streams; ARGV now in ms, far in ms, noClock, prefix of the
// known IDs, name of the stream. It moves entries whose positions are far to positions of now, in their order, and the
// end of the stream with them. Returns how many it moved, -1 if nothing is far. Where it moves a million entries Redis
// answers nobody else for some seconds. The matches of what is moved point at nothing, and are left out.
var farScript = redis.NewScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
local function number(pos) return tonumber(string.match(pos, '^%d+')) end
local function finish()
	local info = redis.call('XINFO', 'STREAM', KEYS[1])
	for i = 1, #info, 2 do if info[i] == 'last-generated-id' then return info[i+1] end end
end
local time = redis.call('TIME')
local now = math.max(time[1] * 1000, tonumber(ARGV[1]))
if now < tonumber(ARGV[3]) or number(finish()) <= now + ARGV[2] then return -1 end
local limit = string.format('%.0f-0', now + ARGV[2])
local newest = redis.call('XREVRANGE', KEYS[1], limit, '-', 'COUNT', 1)[1]
newest = newest and newest[1] or '0-0'
local ms = string.format('%.0f-*', math.max(time[1] * 1000, number(newest) + 1))
redis.call('DEL', KEYS[2])
local moved = 0
while true do
	local entries = redis.call('XRANGE', KEYS[1], '(' .. limit, '+', 'COUNT', 500)
	if #entries == 0 then break end
	for _, e in ipairs(entries) do
		local fields = {}
		for i = 1, math.min(#e[2], 20) do fields[i] = e[2][i] end -- we write two of them, each with its name
		local pos = redis.call('XADD', KEYS[2], ms, unpack(fields))
		for i = 1, #fields, 2 do
			local ok, m = pcall(cjson.decode, fields[i+1])
			local id = fields[i] == 'd' and ok and type(m) == 'table' and m.id
			if type(id) == 'string' and redis.pcall('GET', ARGV[4] .. id) == e[1] then
				redis.call('SET', ARGV[4] .. id, pos, 'KEEPTTL')
			end
		end
		redis.call('XDEL', KEYS[1], e[1])
		moved = moved + 1
	end
end
redis.call('XSETID', KEYS[1], newest, 'ENTRIESADDED', redis.call('XLEN', KEYS[1]), 'MAXDELETEDID', '0-0')
local at = '-'
while true do
	local entries = redis.call('XRANGE', KEYS[2], at, '+', 'COUNT', 500)
	if #entries == 0 then break end
	for _, e in ipairs(entries) do redis.call('XADD', KEYS[1], e[1], unpack(e[2])) end
	at = '(' .. entries[#entries][1]
end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[3], ARGV[5], finish())
return moved`)

// checkStreams gives positions of now to entries that a wrong clock, or somebody by hand, put into the far future.
func (s *Store) checkStreams(ctx context.Context, now time.Time) error {
	var errs []error
	for _, name := range []string{"mentions", "spikes"} {
		key := s.key(name)
		keys := []string{key, s.key("mending", name), s.key("mended")}
		n, err := farScript.Run(ctx, s.c, keys, now.UnixMilli(), far.Milliseconds(), noClock, s.key("known", ""), name).Int()
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("look for positions of the far future in %s: %w", key, err))
		case n >= 0:
			const moved = "the end of %s was in the far future, by a wrong clock or by hand: %d entries were moved to now: %w"
			errs = append(errs, fmt.Errorf(moved, key, n, store.ErrDamaged))
			if name == "spikes" {
				errs = append(errs, listSpikes(ctx, s))
			}
		}
	}
	return errors.Join(errs...)
}

// read returns entries of a stream behind pos. Who has read up to a far position, before checkStreams moved the end of
// the stream, goes on from where that is.
func (s *Store) read(ctx context.Context, stream, pos string, limit int) ([]redis.XMessage, error) {
	var xs []redis.XMessage
	var err error
	if pos != most {
		xs, err = s.c.XRangeN(ctx, s.key(stream), after(pos), "+", int64(limit)).Result()
	}
	if err != nil || len(xs) > 0 || heardAt(pos).Before(time.Now().Add(far)) {
		return xs, err
	}
	end, err := s.end(ctx, stream)
	if err != nil || !less(end, pos) {
		return nil, err
	}
	from, err := s.c.HGet(ctx, s.key("mended"), stream).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.c.XRangeN(ctx, s.key(stream), after(from), "+", int64(limit)).Result()
}

// end is the last position that a stream gave, "" if there is no stream.
func (s *Store) end(ctx context.Context, stream string) (string, error) {
	if n, err := s.c.Exists(ctx, s.key(stream)).Result(); err != nil || n == 0 {
		return "", err
	}
	info, err := s.c.XInfoStream(ctx, s.key(stream)).Result()
	if err != nil {
		return "", fmt.Errorf("read %s: %w", stream, err)
	}
	return info.LastGeneratedID, nil
}
