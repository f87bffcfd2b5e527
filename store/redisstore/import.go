package redisstore

import (
	"context"
	"errors"
	"fmt"

	"brandmelder/incident"
	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// importIncidents turns the incidents and calls of schema 2 into those of schema 3. What cannot be read becomes a dead
// letter. A process that is killed in between goes on at its next start: what was converted is found by its summary.
// Processes of the older version must be stopped before.
func importIncidents(ctx context.Context, s *Store) error {
	ids, err := s.c.ZRange(ctx, s.key("incidents"), 0, -1).Result()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.importIncident(ctx, id); err != nil {
			return fmt.Errorf("incident %s: %w", id, err)
		}
	}
	return nil
}

func (s *Store) importIncident(ctx context.Context, id string) error {
	fields, err := s.c.HGetAll(ctx, s.key("incident", id)).Result()
	if err != nil || fields["summary"] != "" {
		return s.mend(ctx, err, map[string]string{s.key("incident", id): "hash"})
	}
	calls, err := s.c.SMembers(ctx, s.key("calls", id)).Result()
	if err != nil {
		return err
	}
	c, unread := store.ImportIncident(id, []byte(fields["doc"]))
	var of *incident.State
	if unread == nil {
		of = &c.State
	}
	for _, call := range calls { // before the incident, whose summary says that all is done
		if err := s.importCall(ctx, call, of); err != nil {
			return fmt.Errorf("call %s: %w", call, err)
		}
	}
	if unread != nil {
		return s.setAside(ctx, "incident", id, fields["doc"], unread, func(p redis.Pipeliner) { s.dropIncident(ctx, p, id) })
	}
	if err := s.c.Del(ctx, s.key("events", id), s.key("evidence", id)).Err(); err != nil { // of a try before
		return err
	}
	return s.change(ctx, &c, -1)
}

func (s *Store) importCall(ctx context.Context, id string, of *incident.State) error {
	doc, err := s.c.Get(ctx, s.key("call", id)).Result()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		return s.mend(ctx, err, map[string]string{s.key("call", id): "string"})
	}
	if c, err := store.DecodeNamed[incident.Call](id, []byte(doc)); err == nil && !c.Created.IsZero() {
		return nil // converted before
	}
	c, err := store.ImportCall(id, []byte(doc), of)
	if err != nil {
		return s.setAside(ctx, "call", id, doc, err, func(p redis.Pipeliner) {
			p.Del(ctx, s.key("call", id))
			p.ZRem(ctx, s.key("outbox"), id)
		})
	}
	return s.SaveCall(ctx, nil, &c)
}
