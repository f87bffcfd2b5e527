package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// StoredIDs lists the incidents: those of the index, and those of which only a state or events are left.
func (s *Store) StoredIDs(ctx context.Context) ([]string, error) {
	ids, err := s.c.ZRange(ctx, s.key("incidents"), 0, -1).Result()
	if err != nil && !wrongType(err) {
		return nil, fmt.Errorf("list stored incidents: %w", err)
	}
	for _, prefix := range []string{s.key("incident", ""), s.key("events", "")} {
		keys := s.c.Scan(ctx, 0, globEscape.Replace(prefix)+"*", 1000).Iterator()
		for keys.Next(ctx) {
			ids = append(ids, strings.TrimPrefix(keys.Val(), prefix))
		}
		if err := keys.Err(); err != nil {
			return nil, fmt.Errorf("list stored incidents: %w", err)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

var globEscape = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// StoredIncident reads one in one transaction. A key of a wrong type holds nothing that can be read.
func (s *Store) StoredIncident(ctx context.Context, id string) (store.StoredIncident, error) {
	in := store.StoredIncident{ID: id}
	p := s.c.TxPipeline()
	state, events := p.HGet(ctx, s.key("incident", id), "doc"), p.LRange(ctx, s.key("events", id), 0, -1)
	if _, err := p.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) && !wrongType(err) {
		return in, fmt.Errorf("stored incident %s: %w", id, err)
	}
	if doc, err := state.Bytes(); err == nil {
		in.State = doc
	}
	docs, _ := events.Result()
	for _, doc := range docs {
		in.Events = append(in.Events, []byte(doc))
	}
	if in.State == nil && in.Events == nil {
		return in, fmt.Errorf("incident %s: %w", id, store.ErrNotFound)
	}
	return in, nil
}

func wrongType(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "WRONGTYPE") }
