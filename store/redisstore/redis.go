// Package redisstore is the store for many processes: Redis 7 streams, hashes and leases.
//
// Whatever must happen together is one Lua script, so that a process killed at any moment leaves both or neither.
package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// Remember is how long an ID is known, so that its mention does not count again: longer than any source repeats itself.
const Remember = 40 * 24 * time.Hour

// Store is a connected Redis. All keys begin with its prefix.
type Store struct {
	store.Documents
	c       *redis.Client
	prefix  string
	process string // names this process among the marks
	secrets store.KnownSecrets
}

var _ store.Store = (*Store)(nil)

// Open connects to redis://[:password@]host:port/db or unix://path; ?prefix=name puts its keys beside those of others.
func Open(ctx context.Context, address string) (*Store, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("store: the address is not of the form redis://host:6379/0")
	}
	q := u.Query()
	prefix := "bm:"
	if p := q.Get("prefix"); p != "" {
		prefix = p + ":"
	}
	q.Del("prefix")
	u.RawQuery = q.Encode()
	opt, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", u.Redacted(), err)
	}
	opt.ContextTimeoutEnabled = true // or a caller with less time waits for as long as Redis may take
	s := &Store{c: redis.NewClient(opt), prefix: prefix, process: rand.Text()}
	s.Documents = store.NewDocuments(documentTable{s})
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: %w", u.Redacted(), err), s.Close())
	}
	if _, err := s.Key(ctx, store.Identity); err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: %w", u.Redacted(), err), s.Close())
	}
	return s, nil
}

// Close ends the connections.
func (s *Store) Close() error { return s.c.Close() }

func (s *Store) key(parts ...string) string { return s.prefix + strings.Join(parts, ":") }

// appendScript: KEYS stream; ARGV heard in ms, prefix of the known IDs, seconds to know them, then ID and document in turn.
// The stream's own IDs start with the time of hearing, so that it can be trimmed by age.
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

func after(pos string) string {
	if pos == "" {
		return "-"
	}
	return "(" + pos
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

// heardAt is the time in a position; the largest there is for one that is too large, 1970 for none.
func heardAt(pos string) time.Time {
	first, _, _ := strings.Cut(pos, "-")
	ms, _ := strconv.ParseInt(first, 10, 64)
	return time.UnixMilli(ms)
}

func less(a, b string) bool { return store.ComparePositions(a, b) < 0 }

// isPosition reports whether a text is of the form ms-n.
func isPosition(pos string) bool {
	ms, n, ok := strings.Cut(pos, "-")
	_, err := strconv.ParseUint(ms, 10, 64)
	_, err2 := strconv.ParseUint(n, 10, 64)
	return ok && err == nil && err2 == nil
}

// Trim forgets what is old.
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

// Keep remembers matches. The member starts with the position; the same fold gives the same member, so a match kept
// again replaces itself. Folded again by a filter that has learned since, it stands twice; Matched gives one of them.
func (s *Store) Keep(ctx context.Context, ms []store.Match) error {
	if len(ms) == 0 {
		return nil
	}
	p := s.c.TxPipeline()
	for _, m := range ms {
		p.ZAdd(ctx, s.key("matches", m.Topic), redis.Z{Score: float64(m.At.UnixMilli()), Member: fmt.Sprintf("%s %g %g %g %g", m.Pos, m.Negative, m.Positive, m.Weight, m.Doubt)})
		p.SAdd(ctx, s.key("topics"), m.Topic)
	}
	if _, err := p.Exec(ctx); err != nil {
		want := map[string]string{}
		for _, m := range ms {
			want[s.key("matches", m.Topic)] = "zset"
		}
		return fmt.Errorf("keep %d matches: %w", len(ms), s.mend(ctx, err, want))
	}
	return nil
}

// Matched reads a topic's mentions.
func (s *Store) Matched(ctx context.Context, topic string, from, to time.Time, limit int) ([]store.Matched, error) {
	zs, err := s.c.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
		Key: s.key("matches", topic), Start: fmt.Sprintf("(%d", to.UnixMilli()),
		Stop: from.UnixMilli(), ByScore: true, Rev: true, Count: int64(limit) + 64,
	}).Result()
	if err != nil {
		err = s.mend(ctx, err, map[string]string{s.key("matches", topic): "zset"})
		return nil, fmt.Errorf("read mentions of %s: %w", topic, err)
	}
	p := s.c.Pipeline()
	found := make([]store.Matched, len(zs))
	cmds := make([]*redis.XMessageSliceCmd, len(zs))
	for i, z := range zs {
		m := &found[i]
		m.Topic, m.At = topic, time.UnixMilli(int64(z.Score)).UTC()
		member := z.Member.(string)
		if strings.Count(member, " ") == 3 { // of a version that knew no doubt
			member += " 0"
		}
		if _, err := fmt.Sscanf(member, "%s %g %g %g %g", &m.Pos, &m.Negative, &m.Positive, &m.Weight, &m.Doubt); err != nil || !isPosition(m.Pos) {
			p.ZRem(ctx, s.key("matches", topic), z.Member) // no process of ours wrote it
			continue
		}
		cmds[i] = p.XRange(ctx, s.key("mentions"), m.Pos, m.Pos)
	}
	if len(zs) == 0 {
		return nil, nil
	}
	if _, err := p.Exec(ctx); err != nil {
		return nil, fmt.Errorf("read mentions of %s: %w", topic, err)
	}
	var out []store.Matched
	seen := map[string]bool{}
	for i, cmd := range cmds {
		if cmd == nil || len(cmd.Val()) == 0 || seen[found[i].Pos] { // trimmed, or there already
			continue
		}
		seen[found[i].Pos] = true
		e, err := entry(cmd.Val()[0])
		if err != nil {
			continue // After moves it to the dead letters
		}
		found[i].Mention = e.Mention
		out = append(out, found[i])
	}
	store.SortMatched(out)
	return out[:min(len(out), limit)], nil
}

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

// commitScript: KEYS lease's fence, snapshot, positions, then those of addSpikes; ARGV fence, name, pos, state, then those
// of addSpikes.
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
