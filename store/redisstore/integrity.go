package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// Check writes, and compares the identity that the database has with the one that this process found. After FLUSHALL,
// or a start of Redis without its data, the keys that others need to read the database are written again.
func (s *Store) Check(ctx context.Context) error {
	if err := s.c.Set(ctx, s.key("check"), time.Now().UTC().Format(time.RFC3339), 0).Err(); err != nil {
		return fmt.Errorf("write to Redis: %w", err)
	}
	err := s.secrets.Check(ctx, s.storeKey)
	if errors.Is(err, store.ErrLost) {
		err = errors.Join(err, s.c.SetNX(ctx, s.key("schema"), schema, 0).Err())
	}
	return errors.Join(err, s.checkTypes(ctx))
}

// types are those of the keys that no process can do without.
var types = map[string]string{
	"mentions": "stream", "spikes": "stream", "board": "hash", "cursors": "hash", "positions": "hash", "dead": "hash", "dead:at": "zset",
	"incidents": "zset", "incidents:open": "zset", "outbox": "zset", "topics": "set",
}

// checkTypes renames keys of a wrong type, which somebody else wrote: each command on them would fail. What they held
// stays under damaged:KEY.
func (s *Store) checkTypes(ctx context.Context) error {
	p := s.c.Pipeline()
	found := map[string]*redis.StatusCmd{}
	for key := range types {
		found[key] = p.Type(ctx, s.key(key))
	}
	if _, err := p.Exec(ctx); err != nil {
		return fmt.Errorf("read the types of keys: %w", err)
	}
	var errs []error
	for key, want := range types {
		is := found[key].Val()
		if is == want || is == "none" {
			continue
		}
		aside := s.key("damaged", key)
		if err := s.c.Rename(ctx, s.key(key), aside).Err(); err != nil {
			errs = append(errs, fmt.Errorf("rename %s: %w", s.key(key), err))
			continue
		}
		errs = append(errs, fmt.Errorf("%s was a %s, not a %s, and is %s now: %w", s.key(key), is, want, aside, store.ErrDamaged))
	}
	return errors.Join(errs...)
}

// Identity names the database.
func (s *Store) Identity(ctx context.Context) (string, error) {
	return s.secrets.Identity(ctx, s.storeKey)
}

// Key returns a secret.
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	return s.secrets.Key(ctx, name, s.storeKey)
}

// storeKey stores a secret unless there is one, and returns what is stored.
func (s *Store) storeKey(ctx context.Context, name string, fresh []byte) ([]byte, error) {
	if err := s.c.SetNX(ctx, s.key("key", name), fresh, 0).Err(); err != nil {
		return nil, err
	}
	return s.c.Get(ctx, s.key("key", name)).Bytes()
}

// setAside moves what cannot be read to the dead letters; remove takes it from where it was.
func (s *Store) setAside(ctx context.Context, what, where string, doc any, cause error, remove func(redis.Pipeliner)) error {
	text, _ := doc.(string) // a missing field leaves the letter without an item
	d := store.Unreadable(what, where, []byte(text), cause, time.Now())
	p := s.c.TxPipeline()
	if err := s.bury(ctx, p, d); err != nil {
		return err
	}
	remove(p)
	if _, err := p.Exec(ctx); err != nil {
		return fmt.Errorf("move %s to the dead letters: %w", d.From, err)
	}
	return nil
}

func (s *Store) bury(ctx context.Context, p redis.Pipeliner, d store.DeadLetter) error {
	d.Item = d.Item[:min(len(d.Item), store.MaxItem)]
	doc, err := json.Marshal(d)
	if err != nil {
		return err
	}
	p.HSet(ctx, s.key("dead"), d.ID, doc)
	p.ZAdd(ctx, s.key("dead:at"), redis.Z{Score: float64(d.At.UnixMilli()), Member: d.ID})
	return nil
}

// documents reads what the IDs stand for, leaving out those that are gone. What cannot be read is moved to the dead
// letters.
func documents[T any](ctx context.Context, s *Store, what string, ids []string, raw []any, remove func(p redis.Pipeliner, id string)) (out []T, err error) {
	for i, r := range raw {
		text, ok := r.(string)
		if !ok || text == "" {
			continue
		}
		var v T
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			if err := s.setAside(ctx, what, ids[i], text, err, func(p redis.Pipeliner) { remove(p, ids[i]) }); err != nil {
				return nil, err
			}
			continue
		}
		out = append(out, v)
	}
	return out, nil
}
