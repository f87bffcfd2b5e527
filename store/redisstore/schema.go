package redisstore

import (
	"context"
	"fmt"
	"strconv"

	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// migrations bring the keys of a database from schema i+1 to schema i+2. They are only ever added to. Each may run
// again after a crash, and in several processes at once.
var migrations = []func(context.Context, *Store) error{splitBoard, listSpikes, importIncidents}

// schema is the layout of the keys. A database of a newer one is refused, one of an older one is migrated.
var schema = strconv.Itoa(len(migrations) + 1)

// migrate brings the database up to date.
func (s *Store) migrate(ctx context.Context) error {
	if err := s.c.SetNX(ctx, s.key("schema"), schema, 0).Err(); err != nil {
		return fmt.Errorf("%w; is Redis running there?", err)
	}
	text, err := s.c.Get(ctx, s.key("schema")).Result()
	if err != nil {
		return err
	}
	was, err := strconv.Atoi(text)
	if err != nil || was < 1 || was > len(migrations)+1 {
		return fmt.Errorf("its keys have schema %q, this brandmelder knows %s: use a newer brandmelder", text, schema)
	}
	for i := was - 1; i < len(migrations); i++ {
		if err := migrations[i](ctx, s); err != nil {
			return fmt.Errorf("migration to schema %d: %w", i+2, err)
		}
		if err := s.c.Set(ctx, s.key("schema"), i+2, 0).Err(); err != nil {
			return err
		}
	}
	return nil
}

// splitBoardScript: KEYS board; ARGV prefix of documents, prefix of budgets, seconds to keep budgets, now. It gives the
// documents of the board, one hash of all sorts, to a hash for each kind. A newer document stays.
var splitBoardScript = redis.NewScript(`
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return 0 end
local renamed = {mark = 'feedback', forgotten = 'erasure'}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
	local kind, name = string.match(all[i], '^([^/]+)/(.*)$')
	if kind then redis.call('HSETNX', ARGV[1] .. (renamed[kind] or kind), name, all[i+1]) end
	if all[i] == 'larger-ear' then
		local ok, was = pcall(cjson.decode, all[i+1])
		if ok and type(was) == 'table' then
			for name, span in pairs({calls = 'day', money = 'month'}) do
				if type(was[name]) == 'number' and type(was[span]) == 'string' then
					redis.call('SET', ARGV[2] .. name .. ':' .. was[span], was[name], 'EX', ARGV[3], 'NX')
				end
			end
			if type(was.labels) == 'table' then
				for text, tone in pairs(was.labels) do
					redis.call('HSETNX', ARGV[1] .. 'tone_label', text, cjson.encode({tone = tone, at = ARGV[4]}))
				end
			end
		end
	end
end
redis.call('DEL', KEYS[1])
return 1`)

func splitBoard(ctx context.Context, s *Store) error {
	now, err := s.c.Time(ctx).Result()
	if err != nil {
		return err
	}
	args := []any{s.key("documents", ""), s.key("budget", "larger_ear_"), int(store.KeepBudget.Seconds()), now.UTC()}
	return splitBoardScript.Run(ctx, s.c, []string{s.key("board")}, args...).Err()
}
