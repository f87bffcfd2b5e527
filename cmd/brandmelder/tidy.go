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

const (
	tidyEvery   = time.Hour
	askEvery    = 20 * time.Hour   // networks, what their authors deleted
	redactEvery = 10 * time.Second // deleted mentions, out of what quotes them
	askedCursor = "tidy/asked"     // when networks were asked last
)

// alone calls round now and at each interval, in the one process that has the lease. The context of round ends when the
// lease is lost.
func alone(ctx context.Context, st store.Leases, name, who string, every time.Duration, log *slog.Logger, round func(context.Context) error) error {
	keeper := store.NewLeaseKeeper(st, name, who, 3*redactEvery)
	defer func() { _ = keeper.Release(ctx) }() // it runs out by itself
	var next time.Time
	for {
		_, ok, err := keeper.Acquire(ctx)
		if now := time.Now(); ok && !now.Before(next) {
			next = now.Add(every)
			err = keeper.While(ctx, round)
		}
		if err != nil && ctx.Err() == nil {
			log.Error("work that one process does", "lease", name, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(redactEvery):
		}
	}
}

// tidy deletes what is older than it may be kept, each hour, and what its authors deleted at networks that have to be
// asked, each day.
func tidy(ctx context.Context, st store.Store, conf *config, l *ingest.Listener, who string, log *slog.Logger) error {
	var old store.Expiry
	return alone(ctx, st, "tidy", who, tidyEvery, log, func(ctx context.Context) error {
		now := time.Now()
		n, err := forgetOld(ctx, st, conf, &old, now)
		if n > 0 {
			log.Info("deleted what is old", "mentions", n)
		}
		return errors.Join(err, withdraw(ctx, st, l, now, log))
	})
}

// redact takes what authors deleted out of all that quotes it.
func redact(ctx context.Context, st store.Store, who string, log *slog.Logger) error {
	var r store.Redaction
	return alone(ctx, st, "redact", who, redactEvery, log, func(ctx context.Context) error {
		desk, err := alert.Received(ctx, st)
		if err != nil {
			return err
		}
		return r.Redact(ctx, st, desk, time.Now())
	})
}

// forgetOld forgets what is older than it may be kept at now, and returns how many mentions that were. What one of its
// parts cannot forget does not keep the others back.
func forgetOld(ctx context.Context, st store.Store, conf *config, old *store.Expiry, now time.Time) (int, error) {
	before := now.Add(-conf.Retention)
	// Trim waits for what each snapshot has not read; those of a former number of shards read nothing any more.
	snapshots := st.DropSnapshots(ctx, conf.hasSnapshot)
	n, mentions := st.Trim(ctx, before)
	_, letters := st.TrimDeadLetters(ctx, before)
	_, labels := st.TrimToneLabels(ctx, before)
	desk, spikes := alert.Received(ctx, st)
	if spikes == nil {
		_, spikes = st.TrimSpikes(ctx, desk, before)
	}
	incidents := forgetIncidents(ctx, st, now.Add(-conf.Incidents))
	more, expired := old.Expire(ctx, st, now, conf.retentions())
	return n + more, errors.Join(snapshots, mentions, letters, labels, spikes, incidents, expired)
}

// forgetIncidents deletes the incidents that were closed before the time, with all that is theirs.
func forgetIncidents(ctx context.Context, st store.Incidents, closedBefore time.Time) error {
	for {
		if n, err := st.TrimIncidents(ctx, closedBefore); err != nil || n == 0 {
			return err
		}
	}
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

// withdraw asks, once a day, which mentions their authors deleted, and deletes them.
func withdraw(ctx context.Context, st store.Store, l *ingest.Listener, now time.Time, log *slog.Logger) error {
	text, err := st.Cursor(ctx, askedCursor)
	if err != nil {
		return err
	}
	if asked, err := time.Parse(time.RFC3339, text); err == nil && now.Sub(asked) < askEvery && !asked.After(now) {
		return nil
	}
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
	gone, failed := l.Withdrawn(ctx, ids)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	n, err := st.Delete(ctx, now, gone)
	if err != nil {
		return errors.Join(failed, err)
	}
	if n > 0 {
		log.Info("deleted what its authors deleted", "mentions", n)
	}
	return errors.Join(failed, st.SetCursor(ctx, askedCursor, now.UTC().Format(time.RFC3339)))
}
