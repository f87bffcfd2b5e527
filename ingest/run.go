package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"brandmelder/brand"
	"brandmelder/store"

	"github.com/cenkalti/backoff/v5"
)

// Store is what the room needs to remember.
type Store interface {
	store.Mentions
	store.Deletions
	store.Cursors
	store.Leases
	store.DeadLetters
	store.Statuses
	store.Secrets
}

// Withdrawn asks the sources that can say so which of the mentions their authors deleted since they were received. It
// may take an hour.
func (l *Listener) Withdrawn(ctx context.Context, ids []string) (gone []string, err error) {
	var errs []error
	for _, s := range l.sources {
		if w, ok := s.source.(interface {
			Withdrawn(ctx context.Context, ids []string) ([]string, error)
		}); ok {
			some, err := w.Withdrawn(ctx, ids)
			if err != nil {
				errs = append(errs, fmt.Errorf("source %s: %w", s.conf.Name, err))
			}
			gone = append(gone, some...)
		}
	}
	return gone, errors.Join(errs...)
}

// Run listens until the context ends, and waits for all sources.
func (l *Listener) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, s := range l.sources {
		wg.Go(func() { l.keep(ctx, s) })
	}
	wg.Wait()
	return nil
}

const (
	firstPause = time.Second
	maxPause   = 15 * time.Minute
	giveUp     = 30 * time.Minute // the pace at which a refused source is tried
	poison     = 5                // refusals after which a batch is taken apart
	lasting    = 3 * time.Minute  // no visit of what is polled takes so long
)

// keep visits one source for ever. Only the process that has its lease does.
func (l *Listener) keep(ctx context.Context, s *listening) {
	keeper := store.NewLeaseKeeper(l.st, "ingest/"+s.conf.Name, l.opt.Holder, l.opt.Lease)
	defer func() { _ = keeper.Release(ctx) }() // it runs out by itself
	back := backoff.NewExponentialBackOff()
	back.InitialInterval, back.MaxInterval = min(firstPause, s.every), maxPause
	// Not all at once: at most some ten begin in a second.
	spread := max(3*time.Second, time.Duration(len(l.sources))*100*time.Millisecond)
	wait := time.Duration(rand.Int64N(int64(min(s.every, spread)) + 1))
	ours := false
	var wake <-chan struct{} // nil while its server wants to be left in peace
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		case <-wake:
		}
		if _, ok, err := keeper.Acquire(ctx); err != nil || !ok {
			wait, ours = l.opt.Lease/3, false
			l.opt.Metrics.drop(s.conf.Name)
			continue
		}
		if !ours {
			ours = true
			l.opt.Metrics.begin(s.conf.Name, float64(l.opt.Now().Unix()))
			l.takeOver(ctx, s)
		}
		begun := l.opt.Now()
		err := keeper.While(ctx, func(ctx context.Context) error { return l.visit(ctx, s) })
		if l.opt.Now().Sub(begun) >= lasting {
			back.Reset() // a stream that ends after hours has not failed for hours
		}
		if ctx.Err() != nil {
			return
		}
		if wait, wake = l.after(s, err, back), nil; err == nil {
			wake = s.wake
		}
		s.set(func(st *sourceStatus) { st.Next = l.opt.Now().Add(wait) })
		l.saveStatus(ctx, s)
	}
}

// budgeted is a source that may not read all it could.
type budgeted interface {
	Left() (posts int, limited bool) // of this month
}

// after decides how long to wait after a visit.
func (l *Listener) after(s *listening, err error, back *backoff.ExponentialBackOff) time.Duration {
	now := l.opt.Now()
	l.opt.Metrics.visit(s.conf.Name, float64(now.Unix()), err)
	if b, ok := s.source.(budgeted); ok {
		if left, limited := b.Left(); limited {
			l.opt.Metrics.budget(s.conf.Name, left)
		}
	}
	text := ""
	if err != nil {
		text = upTo(err.Error(), maxError) // a server may have its own words in it
	}
	var slow *SlowDown
	switch {
	case err == nil:
		back.Reset()
		first := s.status.LastOK.IsZero()
		if first || s.status.Error != "" {
			l.opt.Log.Info("source answers", "source", s.conf.Name, "kind", s.conf.Kind, "heard", s.status.Heard)
		}
		s.set(func(st *sourceStatus) { st.State, st.Error, st.LastOK = "waiting", "", now })
		if first { // those that began together part at once
			return time.Duration(float64(s.every) * (0.1 + 0.9*rand.Float64()))
		}
		return time.Duration(float64(s.every) * (0.9 + 0.2*rand.Float64()))
	case errors.As(err, &slow):
		s.set(func(st *sourceStatus) { st.State, st.Error = "slowed down", text })
		l.opt.Log.Warn("source slowed down", "source", s.conf.Name, "error", text)
		return max(slow.Until.Sub(now), 0) + time.Duration(rand.Int64N(int64(time.Second)))
	case errors.Is(err, ErrGiveUp):
		s.set(func(st *sourceStatus) { st.State, st.Error = "stopped by an error", text })
		l.opt.Log.Error("source needs a person", "source", s.conf.Name, "error", text)
		return giveUp
	}
	s.set(func(st *sourceStatus) { st.State, st.Error = "failing", text })
	l.opt.Log.Warn("source failed", "source", s.conf.Name, "error", text)
	return back.NextBackOff()
}

// visit reads the source once. A stream that lasts is a success meanwhile.
func (l *Listener) visit(ctx context.Context, s *listening) error {
	cursor, err := l.st.Cursor(ctx, "source/"+s.conf.Name)
	if err != nil {
		return err
	}
	if cursor == "" {
		cursor = s.cursor // the store lost it; a source that begins anew would have all counted twice
	}
	begun := l.opt.Now()
	s.set(func(st *sourceStatus) { st.LastTry, st.State, st.Note = begun, "listening", "" })
	var wg sync.WaitGroup
	defer wg.Wait()
	done := make(chan struct{})
	defer close(done)
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-time.After(l.opt.Lease / 3):
			}
			if now := l.opt.Now(); now.Sub(begun) >= lasting { // a stream: a poll is over by then
				s.set(func(st *sourceStatus) { st.Error, st.LastOK, st.Next = "", now, time.Time{} })
				l.opt.Metrics.visit(s.conf.Name, float64(now.Unix()), nil)
				l.saveStatus(ctx, s)
			}
		}
	})
	return s.source.Listen(ctx, cursor, func(ctx context.Context, b Batch) error { return l.emit(ctx, s, b) })
}

// emit is the only way of a mention onto the stream.
func (l *Listener) emit(ctx context.Context, s *listening, b Batch) error {
	now := l.opt.Now()
	ms := originOf(s.conf, l.opt.Authors).receive(now, &b)
	added, err := l.st.Append(ctx, now, ms)
	if err != nil {
		if s.failed++; s.failed < poison || ctx.Err() != nil {
			return err
		}
		if added, err = l.apart(ctx, now, ms, &b); err != nil {
			return err
		}
	}
	s.failed = 0
	if err := l.bury(ctx, now, s, b.Bad); err != nil {
		return err
	}
	removed, err := l.st.Delete(ctx, now, b.Gone)
	if err != nil {
		return err
	}
	if err := l.st.SetCursor(ctx, "source/"+s.conf.Name, b.Cursor); err != nil {
		return err
	}
	s.cursor = b.Cursor
	s.set(func(st *sourceStatus) {
		st.Heard += added
		st.Known += len(ms) - added
		st.Bad += len(b.Bad)
		st.Gone += removed
		if b.Note != "" {
			st.Note = b.Note
		}
		if added > 0 {
			st.LastHeard = now
			st.rhythm.hear(now)
		}
	})
	l.opt.Metrics.batch(s.conf.Name, added, len(ms)-added, len(b.Bad))
	return nil
}

const (
	maxLetters  = 1000 // dead letters of a source in lettersSpan; one more says how many there were
	lettersSpan = time.Hour
	maxError    = 1000 // bytes of an error's text that are kept
)

// letters counts the items of a source that could not be read.
type letters struct {
	since time.Time
	n     int
}

// bury puts what could not be read to the dead letters. What a source has of that without end is counted in one.
func (l *Listener) bury(ctx context.Context, now time.Time, s *listening, bad []Bad) error {
	if len(bad) == 0 {
		return nil
	}
	seen := s.letters
	if age := now.Sub(seen.since); age >= lettersSpan || age < 0 {
		seen = letters{since: now}
	}
	var out []store.DeadLetter
	add := func(id, item, text string) {
		out = append(out, store.DeadLetter{
			ID: id, At: now.UTC(), Room: "ingest", From: s.conf.Name, Error: upTo(text, maxError), Item: upTo(item, store.MaxItem),
		})
	}
	for _, b := range bad[:min(len(bad), max(maxLetters-seen.n, 0))] {
		add(brand.Hash(s.conf.Name, b.Item), b.Item, b.Err.Error())
	}
	if seen.n += len(bad); seen.n > maxLetters {
		since := seen.since.UTC().Format(time.RFC3339)
		add(brand.Hash(s.conf.Name, "more since", since), fmt.Sprintf("%d more items", seen.n-maxLetters),
			fmt.Sprintf("%d items since %s cannot be read; the first %d are kept; the last: %s", seen.n, since, maxLetters, bad[len(bad)-1].Err))
	}
	if err := l.st.AddDeadLetters(ctx, out...); err != nil {
		return err
	}
	s.letters = seen
	return nil
}

// apart appends a batch that the store refused again and again one by one, so that only the mention that it refuses is
// left out.
func (l *Listener) apart(ctx context.Context, now time.Time, ms []brand.Mention, b *Batch) (added int, err error) {
	taken := 0
	for _, m := range ms {
		n, err := l.st.Append(ctx, now, []brand.Mention{m})
		if err != nil {
			doc, _ := json.Marshal(m)
			b.Bad = append(b.Bad, Bad{string(doc), err})
			continue
		}
		taken++
		added += n
	}
	if taken == 0 && len(ms) > 1 {
		return 0, errors.New("the store takes nothing") // it is the store, not the mentions
	}
	return added, nil
}
