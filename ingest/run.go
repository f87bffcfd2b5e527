package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"brandmelder/store"

	"github.com/cenkalti/backoff/v5"
)

// Store is what the room needs to remember.
type Store interface {
	store.Mentions
	store.Cursors
	store.Leases
	store.DeadLetters
	store.Board
}

// Withdrawn asks the sources that can say so which of the mentions were taken back by their authors since they were heard. It may take an hour.
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

// TakenBack is what was removed since it was asked last, because its authors took it back: it may be quoted somewhere.
func (l *Listener) TakenBack() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := l.back
	l.back = nil
	return ids
}

// Run listens until the context ends, and waits for all sources.
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
	giveUpPause    = 30 * time.Minute // the pace at which a refused source is tried
	maxStoreErrors = 5                // refusals after which a batch is taken apart
	longVisit      = 3 * time.Minute  // no visit of what is polled takes so long
)

// keep visits one source for ever. Only the process that has its lease does.
func (l *Listener) runSource(ctx context.Context, s *runningSource) {
	name := "ingest/" + s.conf.Name
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
		lease, ok, err := l.st.Acquire(ctx, name, l.opt.Holder, l.opt.Lease)
		if err != nil || !ok {
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
		err = l.visit(ctx, s, name)
		if l.opt.Now().Sub(begun) >= longVisit {
			back.Reset() // a stream that ends after hours has not failed for hours
		}
		if ctx.Err() != nil {
			done, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			_ = l.st.Release(done, lease) // it runs out by itself
			cancel()
			return
		}
		if wait, wake = l.nextVisit(s, err, back), nil; err == nil {
			wake = s.wake
		}
		s.set(func(st *Status) { st.Next = l.opt.Now().Add(wait) })
		l.saveStatus(ctx, s)
	}
}

// takeOver goes on with what the process before knew of the source.
func (l *Listener) restoreStatus(ctx context.Context, s *runningSource) {
	docs, err := l.st.Pinned(ctx, "source/"+s.conf.Name)
	if err != nil {
		return // then it learns anew
	}
	var before Status
	if json.Unmarshal(docs["source/"+s.conf.Name], &before) == nil {
		s.set(func(st *Status) {
			st.LastNew, st.Rhythm = before.LastNew, before.Rhythm
			st.Rhythm.begin(l.opt.Now())
		})
	}
}

// budgeted is a source that may not read all it could.
type budgeted interface {
	Left() (posts int, limited bool) // of this month
}

// after decides how long to wait after a visit.
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
		text = truncate(err.Error(), maxError) // a server may have its own words in it
	}
	var slow *SlowDown
	switch {
	case err == nil:
		back.Reset()
		first := s.status.LastOK.IsZero()
		if first || s.status.Error != "" {
			l.opt.Log.Info("source answers", "source", s.conf.Name, "kind", s.conf.Kind, "heard", s.status.New)
		}
		s.set(func(st *Status) { st.State, st.Error, st.LastOK = "waiting", "", now })
		if first { // those that began together part at once
			return time.Duration(float64(s.every) * (0.1 + 0.9*rand.Float64()))
		}
		return time.Duration(float64(s.every) * (0.9 + 0.2*rand.Float64()))
	case errors.As(err, &slow):
		s.set(func(st *Status) { st.State, st.Error = "slowed down", text })
		l.opt.Log.Warn("source slowed down", "source", s.conf.Name, "error", text)
		return max(slow.Until.Sub(now), 0) + time.Duration(rand.Int64N(int64(time.Second)))
	case errors.Is(err, ErrGiveUp):
		s.set(func(st *Status) { st.State, st.Error = "stopped by an error", text })
		l.opt.Log.Error("source needs a person", "source", s.conf.Name, "error", text)
		return giveUpPause
	}
	s.set(func(st *Status) { st.State, st.Error = "failing", text })
	l.opt.Log.Warn("source failed", "source", s.conf.Name, "error", text)
	return back.NextBackOff()
}

// visit lets the source listen once, renewing the lease meanwhile; it ends when the lease is lost.
func (l *Listener) visit(ctx context.Context, s *runningSource, lease string) error {
	cursor, err := l.st.Cursor(ctx, "source/"+s.conf.Name)
	if err != nil {
		return err
	}
	if cursor == "" {
		cursor = s.cursor // the store lost it; a source that begins anew would have all counted twice
	}
	begun := l.opt.Now()
	s.set(func(st *Status) { st.LastTry, st.State, st.Note = begun, "listening", "" })
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
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
			if _, ok, err := l.st.Acquire(ctx, lease, l.opt.Holder, l.opt.Lease); err == nil && !ok {
				cancel(errors.New("another process listens to it now"))
			}
			if now := l.opt.Now(); now.Sub(begun) >= longVisit { // a stream: a poll is over by then
				s.set(func(st *Status) { st.Error, st.LastOK, st.Next = "", now, time.Time{} })
				l.opt.Metrics.visit(s.conf.Name, float64(now.Unix()), nil)
				l.saveStatus(ctx, s)
			}
		}
	})
	err = s.source.Listen(ctx, cursor, func(ctx context.Context, b Batch) error { return l.emit(ctx, s, b) })
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}
