package redisstore

import (
	"context"
	"fmt"
	"time"

	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// removeScript: KEYS stream, deletions; ARGV prefix of the known IDs, time of the deletion or an empty text for none,
// then IDs. The known ID holds the position of the mention, and stays known.
var removeScript = redis.NewScript(`
local removed = 0
for i = 3, #ARGV do
	local pos = redis.pcall('GET', ARGV[1] .. ARGV[i])
	if type(pos) == 'string' and string.find(pos, '^%d+-%d+$') and redis.call('XDEL', KEYS[1], pos) == 1 then
		removed = removed + 1
		if ARGV[2] ~= '' then redis.call('ZADD', KEYS[2], ARGV[2], ARGV[i]) end
	end
end
return removed`)

// Remove takes mentions away. Their matches point at nothing from then on, and are left out.
func (s *Store) Remove(ctx context.Context, ids []string) (int, error) { return s.remove(ctx, "", ids) }

// Delete removes mentions and notes their deletions.
func (s *Store) Delete(ctx context.Context, at time.Time, ids []string) (int, error) {
	return s.remove(ctx, at.UnixMilli(), ids)
}

func (s *Store) remove(ctx context.Context, at any, ids []string) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	args := []any{s.key("known", ""), at}
	for _, id := range ids {
		args = append(args, id)
	}
	n, err := removeScript.Run(ctx, s.c, []string{s.key("mentions"), s.key("deletions")}, args...).Int()
	if err != nil {
		return 0, fmt.Errorf("remove %d mentions: %w", len(ids), err)
	}
	return n, nil
}

// Deletions reads the deletions that are not done.
func (s *Store) Deletions(ctx context.Context) (out []store.Deletion, err error) {
	zs, err := s.c.ZRangeWithScores(ctx, s.key("deletions"), 0, -1).Result()
	for _, z := range zs {
		id, _ := z.Member.(string)
		out = append(out, store.Deletion{Mention: id, At: time.UnixMilli(int64(z.Score)).UTC()})
	}
	return out, err
}

// EndDeletions takes deletions off the list.
func (s *Store) EndDeletions(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	members := make([]any, len(ids))
	for i, id := range ids {
		members[i] = id
	}
	return s.c.ZRem(ctx, s.key("deletions"), members...).Err()
}
