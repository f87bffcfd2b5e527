package redisstore

import (
	"context"
	"fmt"

	"brandmelder/brand"
	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// Snapshot reads a fold. A key that is no snapshot at all is put out of the way, so that the next one can be saved.
func (s *Store) Snapshot(ctx context.Context, name string) (store.Snapshot, error) {
	none := store.Snapshot{Name: name}
	key := s.key("snapshot", name)
	raw, err := s.c.HMGet(ctx, key, "pos", "state").Result()
	if err := s.mend(ctx, err, map[string]string{key: "hash"}); err != nil {
		return none, fmt.Errorf("snapshot %s: %w", name, err)
	}
	pos, ok := raw[0].(string)
	state, ok2 := raw[1].(string)
	switch {
	case !ok && !ok2:
		return none, fmt.Errorf("snapshot %s: %w", name, store.ErrNotFound)
	case !ok || !ok2 || pos != "" && !isPosition(pos):
		return none, fmt.Errorf("snapshot %s: %w: its position is %.40q", name, store.ErrDamaged, pos)
	}
	return store.Unseal(name, pos, []byte(state))
}

// commitScript: KEYS lease's fence, snapshot, positions, then those of addSpikes; ARGV fence, name, pos, state, then
// those of addSpikes.
var commitScript = redis.NewScript(`
if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], 'pos', ARGV[3], 'state', ARGV[4])
redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
local firstKey, firstArg = 4, 5` + addSpikes)

// Commit saves a fold and its spikes.
func (s *Store) Commit(ctx context.Context, lease store.Lease, snap store.Snapshot, spikes []brand.Spike) error {
	spikeKeys, spikeArgs, err := s.added(spikes)
	if err != nil {
		return err
	}
	keys := append([]string{s.key("fence", lease.Name), s.key("snapshot", snap.Name), s.key("positions")}, spikeKeys...)
	args := append([]any{lease.Fence, snap.Name, snap.Pos, store.Seal(snap)}, spikeArgs...)
	n, err := commitScript.Run(ctx, s.c, keys, args...).Int()
	if err != nil {
		err = s.mend(ctx, err, map[string]string{keys[0]: "string", keys[1]: "hash"})
		return fmt.Errorf("snapshot %s: %w", snap.Name, err)
	}
	if n == 0 {
		return fmt.Errorf("snapshot %s: %w", snap.Name, store.ErrFenced)
	}
	return nil
}

// DropSnapshots removes snapshots.
func (s *Store) DropSnapshots(ctx context.Context, keep func(name string) bool) error {
	names, err := s.c.HKeys(ctx, s.key("positions")).Result()
	if err != nil {
		return fmt.Errorf("list snapshots: %w", err)
	}
	for _, name := range names {
		if keep(name) {
			continue
		}
		p := s.c.TxPipeline()
		p.HDel(ctx, s.key("positions"), name)
		p.Del(ctx, s.key("snapshot", name))
		if _, err := p.Exec(ctx); err != nil {
			return fmt.Errorf("drop snapshot %s: %w", name, err)
		}
	}
	return nil
}
