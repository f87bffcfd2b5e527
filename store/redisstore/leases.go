package redisstore

import (
	"context"
	"fmt"
	"time"

	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

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
