package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/ingest"
	"brandmelder/store"
)

// tidy forgets what is older than it may be kept, each hour, and what its authors took back, each day. Of several processes one does.
func tidy(ctx context.Context, st store.Store, conf *config, l *ingest.Listener, who string, log *slog.Logger) error {
	var old store.Expiry
	var asked time.Time
	for {
		unquote(ctx, st, l.TakenBack(), log) // each process what it removed
		if _, ok, err := st.Acquire(ctx, "tidy", who, 2*time.Hour); err == nil && ok {
			now := time.Now()
			n, err := forgetOld(ctx, st, conf, &old, now)
			if n > 0 {
				log.Info("forgot what is old", "mentions", n)
			}
			if err != nil && ctx.Err() == nil {
				log.Error("forgetting what is old", "error", err)
			}
			if now.Sub(asked) > 20*time.Hour {
				asked = now
				withdraw(ctx, st, l, log)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Hour):
		}
	}
}

// forgetOld forgets what is older than it may be kept at now, and returns how many mentions that were. What one of its
// parts cannot forget does not keep the others back.
func forgetOld(ctx context.Context, st store.Store, conf *config, old *store.Expiry, now time.Time) (int, error) {
	before := now.Add(-conf.Retention)
	// Trim waits for what each snapshot has not read; those of a former number of shards read nothing any more.
	snapshots := st.DropSnapshots(ctx, conf.hasSnapshot)
	n, mentions := st.Trim(ctx, before)
	_, letters := st.TrimDeadLetters(ctx, before)
	more, expired := old.Expire(ctx, st, now, conf.retentions())
	return n + more, errors.Join(snapshots, mentions, letters, expired)
}

// hasSnapshot reports whether a snapshot belongs to one of the shards.
func (c *config) hasSnapshot(name string) bool {
	return slices.ContainsFunc(c.shardNames(), func(shard string) bool {
		return name == shard || strings.HasPrefix(name, shard+"/")
	})
}

// retentions is how long mentions of a network are kept, where that is shorter than all are.
func (c *config) retentions() map[string]time.Duration {
	out := map[string]time.Duration{}
	for _, s := range c.Sources {
		if network := ingest.NetworkOf(s); s.Retention > 0 && (out[network] == 0 || s.Retention < out[network]) {
			out[network] = s.Retention
		}
	}
	return out
}

// unquote takes what was removed out of where it is quoted.
func unquote(ctx context.Context, st store.Store, ids []string, log *slog.Logger) {
	if len(ids) == 0 {
		return
	}
	desk, err := alert.Received(ctx, st)
	if err == nil {
		_, _, err = store.Unquote(ctx, st, desk, among(ids))
	}
	if err != nil && ctx.Err() == nil {
		log.Error("taking out quotes of what was taken back", "error", err)
	}
}

// among says of a mention whether it is one of these IDs.
func among(ids []string) func(*brand.Mention) bool {
	is := map[string]bool{}
	for _, id := range ids {
		is[id] = true
	}
	return func(m *brand.Mention) bool { return is[m.ID] }
}

// withdraw removes what its authors took back, also where it is quoted.
func withdraw(ctx context.Context, st store.Store, l *ingest.Listener, log *slog.Logger) {
	var ids []string
	for pos := ""; ; {
		es, err := st.After(ctx, pos, 1000)
		if err != nil || len(es) == 0 {
			break // what was read is asked for; the rest tomorrow
		}
		for _, e := range es {
			if pos = e.Pos; e.Mention.Kind != brand.Tally {
				ids = append(ids, e.Mention.ID)
			}
		}
	}
	gone, err := l.Withdrawn(ctx, ids)
	if err != nil && ctx.Err() == nil {
		log.Warn("asking what was taken back", "error", err)
	}
	if len(gone) == 0 {
		return
	}
	desk, err := alert.Received(ctx, st)
	if err == nil {
		_, err = store.Forget(ctx, st, desk, among(gone))
	}
	if err != nil && ctx.Err() == nil {
		log.Error("removing what was taken back", "error", err)
		return
	}
	log.Info("removed what its authors took back", "mentions", len(gone))
}
