package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"brandmelder/store"

	"github.com/cenkalti/backoff/v5"
)

// Store is the part of the store that ingest uses.
type Store interface {
	store.Mentions
	store.Deletions
	store.Cursors
	store.Leases
	store.DeadLetters
	store.Statuses
	store.Secrets
}

// Withdrawn asks the sources which of the mentions their authors have deleted since. Not all sources can answer. It
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

// Run reads all sources until ctx ends, and waits for them.
func (l *Listener) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, s := range l.sources {
		wg.Go(func() { l.runSource(ctx, s) })
	}
	wg.Wait()
	return nil
}

const (
	firstPause     = time.Second
	maxPause       = 15 * time.Minute
	giveUpPause    = 30 * time.Minute // between two visits of a source that refuses
	maxStoreErrors = 5                // errors of the store after which a batch is appended one by one
	longVisit      = 3 * time.Minute  // a visit that takes so long is a stream
)

// runSource visits one source until ctx ends. Only the process that holds the lease visits it.
func (l *Listener) runSource(ctx context.Context, s *runningSource) {
	keeper := store.NewLeaseKeeper(l.st, "ingest/"+s.conf.Name, l.opt.Holder, l.opt.Lease)
	defer func() { _ = keeper.Release(ctx) }() // else it expires
	back := backoff.NewExponentialBackOff()
	back.InitialInterval, back.MaxInterval = min(firstPause, s.every), maxPause
	// The sources do not begin at once: about ten of them in a second.
	spread := max(3*time.Second, time.Duration(len(l.sources))*100*time.Millisecond)
	wait := time.Duration(rand.Int64N(int64(min(s.every, spread)) + 1))
	ours := false
	var wake <-chan struct{} // nil while the server asked for a pause
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
			l.restoreStatus(ctx, s)
		}
		begun := l.opt.Now()
		err := keeper.While(ctx, func(ctx context.Context) error { return l.visit(ctx, s) })
		if l.opt.Now().Sub(begun) >= longVisit {
			back.Reset() // a stream that ends after hours did not fail before
		}
		if ctx.Err() != nil {
			return
		}
		if wait, wake = l.nextVisit(s, err, back), nil; err == nil {
			wake = s.wake
		}
		s.set(func(st *sourceStatus) { st.Next = l.opt.Now().Add(wait) })
		l.saveStatus(ctx, s)
	}
}

// budgeted is a source with a limit on what it may read.
type budgeted interface {
	Left() (posts int, limited bool) // of this month
}

// nextVisit returns the pause after a visit, and sets the status.
func (l *Listener) nextVisit(s *runningSource, err error, back *backoff.ExponentialBackOff) time.Duration {
	now := l.opt.Now()
	l.opt.Metrics.visit(s.conf.Name, float64(now.Unix()), err)
	if b, ok := s.source.(budgeted); ok {
		if left, limited := b.Left(); limited {
			l.opt.Metrics.budget(s.conf.Name, left)
		}
	}
	text := ""
	if err != nil {
		text = truncate(err.Error(), maxError) // it may contain a server's text
	}
	var slow *SlowDown
	switch {
	case err == nil:
		back.Reset()
		first := s.status.LastOK.IsZero()
		if first || s.status.Error != "" {
			l.opt.Log.Info("source answers", "source", s.conf.Name, "kind", s.conf.Kind, "new", s.status.New)
		}
		s.set(func(st *sourceStatus) { st.State, st.Error, st.LastOK = "waiting", "", now })
		if first { // sources that began together drift apart
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
		return giveUpPause
	}
	s.set(func(st *sourceStatus) { st.State, st.Error = "failing", text })
	l.opt.Log.Warn("source failed", "source", s.conf.Name, "error", text)
	return back.NextBackOff()
}

// visit runs one visit of the source. While a stream runs, it counts as a success.
func (l *Listener) visit(ctx context.Context, s *runningSource) error {
	cursor, err := l.st.Cursor(ctx, "source/"+s.conf.Name)
	if err != nil {
		return err
	}
	if cursor == "" {
		cursor = s.cursor // the store lost it; from the start all would count again
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
			if now := l.opt.Now(); now.Sub(begun) >= longVisit { // a stream: a poll has ended by then
				s.set(func(st *sourceStatus) { st.Error, st.LastOK, st.Next = "", now, time.Time{} })
				l.opt.Metrics.visit(s.conf.Name, float64(now.Unix()), nil)
				l.saveStatus(ctx, s)
			}
		}
	})
	return s.source.Listen(ctx, cursor, func(ctx context.Context, b Batch) error { return l.emit(ctx, s, b) })
}
