package redisstore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

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
