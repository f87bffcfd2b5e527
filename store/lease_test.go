package store_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"brandmelder/store"
	"brandmelder/store/sqlite"
)

// silent is a store that may not answer when a lease is asked for.
type silent struct {
	store.Leases
	fails atomic.Bool
}

func (s *silent) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (store.Lease, bool, error) {
	if s.fails.Load() {
		return store.Lease{}, false, errors.New("the store does not answer")
	}
	return s.Leases.Acquire(ctx, name, holder, ttl)
}

const ttl = 15 * time.Second

// underLease runs f in a bubble, with two processes that want the same lease; a has it.
func underLease(t *testing.T, f func(t *testing.T, st *silent, a, b *store.LeaseKeeper)) {
	synctest.Test(t, func(t *testing.T) {
		inner, err := sqlite.Open(t.Context(), ":memory:")
		if err != nil {
			t.Fatal(err)
		}
		defer inner.Close()
		st := &silent{Leases: inner}
		a, b := store.NewLeaseKeeper(st, "l", "a", ttl), store.NewLeaseKeeper(st, "l", "b", ttl)
		acquire(t, a, true)
		f(t, st, a, b)
	})
}

func acquire(t *testing.T, k *store.LeaseKeeper, want bool) store.Lease {
	t.Helper()
	l, ok, err := k.Acquire(t.Context())
	if err != nil || ok != want {
		t.Fatalf("got %v, %v, want %v", ok, err, want)
	}
	return l
}

// work waits until its context ends, and returns after how long.
func work(t *testing.T, k *store.LeaseKeeper) time.Duration {
	t.Helper()
	began := time.Now()
	err := k.While(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	if !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("got %v, want a lost lease", err)
	}
	if k.Due() != true {
		t.Error("the lost lease is not due")
	}
	return time.Since(began)
}

func TestALeaseIsRenewedForAsLongAsWorkLasts(t *testing.T) {
	underLease(t, func(t *testing.T, _ *silent, a, b *store.LeaseKeeper) {
		err := a.While(t.Context(), func(ctx context.Context) error {
			for range 20 {
				time.Sleep(ttl / 2)
				acquire(t, b, false)
			}
			return ctx.Err()
		})
		if err != nil || a.Due() {
			t.Errorf("got %v, due %v", err, a.Due())
		}
		if err := a.Release(t.Context()); err != nil {
			t.Error(err)
		}
		if _, held := a.Lease(); held {
			t.Error("it holds what it gave back")
		}
		acquire(t, b, true)
	})
}

func TestALeaseThatRunsOutWhileTheStoreIsSilentEndsTheWork(t *testing.T) {
	underLease(t, func(t *testing.T, st *silent, a, b *store.LeaseKeeper) {
		st.fails.Store(true)
		if took := work(t, a); took > ttl {
			t.Errorf("it went on for %s", took)
		}
		st.fails.Store(false)
		acquire(t, b, true)
		acquire(t, a, false)
	})
}

func TestAStoreThatIsSilentForAMomentEndsNoWork(t *testing.T) {
	underLease(t, func(t *testing.T, st *silent, a, _ *store.LeaseKeeper) {
		err := a.While(t.Context(), func(ctx context.Context) error {
			for range 5 {
				st.fails.Store(true)
				time.Sleep(ttl / 2)
				st.fails.Store(false)
				time.Sleep(ttl / 2)
			}
			return ctx.Err()
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// A process that was stopped for longer than its lease finds that another one has it.
func TestWorkEndsWhenAnotherProcessHasTheLease(t *testing.T) {
	underLease(t, func(t *testing.T, st *silent, a, b *store.LeaseKeeper) {
		held, _ := a.Lease()
		if err := st.Release(t.Context(), held); err != nil {
			t.Fatal(err)
		}
		acquire(t, b, true)
		if took := work(t, a); took > ttl/3 {
			t.Errorf("it went on for %s", took)
		}
		acquire(t, a, false)
	})
}

// After another process had the lease for a while, or the store was emptied, the fence is another one: what is done
// under the old one ends, and the old fence is kept until the loop has acquired the lease again.
func TestWorkEndsWhenTheFenceChanged(t *testing.T) {
	underLease(t, func(t *testing.T, st *silent, a, b *store.LeaseKeeper) {
		old, _ := a.Lease()
		if err := st.Release(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		acquire(t, b, true)
		if err := b.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := work(t, a); took > ttl/3 {
			t.Errorf("it went on for %s", took)
		}
		if l, held := a.Lease(); l != old || held {
			t.Errorf("got %v, held %v, want the old lease, not held", l, held)
		}
		if l := acquire(t, a, true); l.Fence <= old.Fence {
			t.Errorf("got fence %d after %d", l.Fence, old.Fence)
		}
	})
}

// The desk's loop acquires the lease at each round while calls are sent under it. A lease of a new fence ends the work
// under the old one, and stays.
func TestALoopAcquiresTheLeaseBesideItsWork(t *testing.T) {
	underLease(t, func(t *testing.T, st *silent, a, b *store.LeaseKeeper) {
		var ended atomic.Bool
		done := make(chan error)
		go func() {
			done <- a.While(t.Context(), func(ctx context.Context) error { <-ctx.Done(); ended.Store(true); return ctx.Err() })
		}()
		first, _ := a.Lease()
		for range 60 {
			time.Sleep(ttl / 30)
			if l := acquire(t, a, true); l != first || ended.Load() {
				t.Fatalf("the lease is %+v, want %+v as before", l, first)
			}
		}
		time.Sleep(ttl / 60)                                   // not at the moment of a renewal
		if err := st.Release(t.Context(), first); err != nil { // as when the store was emptied
			t.Fatal(err)
		}
		lost := acquire(t, b, true)
		if err := st.Release(t.Context(), lost); err != nil {
			t.Fatal(err)
		}
		second := acquire(t, a, true)
		if err := <-done; !errors.Is(err, store.ErrLeaseLost) {
			t.Errorf("got %v, want a lost lease", err)
		}
		if l, held := a.Lease(); !held || l != second || second == first {
			t.Errorf("got %+v, %v, want the lease %+v", l, held, second)
		}
	})
}
