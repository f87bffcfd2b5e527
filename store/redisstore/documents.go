package redisstore

import (
	"context"

	"brandmelder/store"
)

// documentTable keeps small documents: a hash for each kind.
type documentTable struct{ s *Store }

var _ store.DocumentTable = documentTable{}

func (d documentTable) key(kind string) string { return d.s.key("documents", kind) }

// mend puts a hash of a wrong type out of the way.
func (d documentTable) mend(ctx context.Context, kind string, err error) error {
	return d.s.mend(ctx, err, map[string]string{d.key(kind): "hash"})
}

// Put saves a document.
func (d documentTable) Put(ctx context.Context, kind, name string, doc []byte) error {
	return d.mend(ctx, kind, d.s.c.HSet(ctx, d.key(kind), name, doc).Err())
}

// Drop removes documents.
func (d documentTable) Drop(ctx context.Context, kind string, names ...string) (int, error) {
	if len(names) == 0 {
		return 0, nil
	}
	n, err := d.s.c.HDel(ctx, d.key(kind), names...).Result()
	return int(n), d.mend(ctx, kind, err)
}

// List reads documents.
func (d documentTable) List(ctx context.Context, kind string, names ...string) (map[string][]byte, error) {
	out := map[string][]byte{}
	if len(names) == 0 {
		all, err := d.s.c.HGetAll(ctx, d.key(kind)).Result()
		for name, doc := range all {
			out[name] = []byte(doc)
		}
		return out, d.mend(ctx, kind, err)
	}
	some, err := d.s.c.HMGet(ctx, d.key(kind), names...).Result()
	for i, doc := range some {
		if text, ok := doc.(string); ok {
			out[names[i]] = []byte(text)
		}
	}
	return out, d.mend(ctx, kind, err)
}

// SetAside moves a document to the dead letters.
func (d documentTable) SetAside(ctx context.Context, kind, name string, letter store.DeadLetter) error {
	p := d.s.c.TxPipeline()
	if err := d.s.bury(ctx, p, letter); err != nil {
		return err
	}
	p.HDel(ctx, d.key(kind), name)
	_, err := p.Exec(ctx)
	return err
}
