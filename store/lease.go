package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrLeaseLost is why the context of work under a lease ended: another process has the lease, its fence changed, or it
// ran out while the store did not answer.
var ErrLeaseLost = errors.New("the lease was lost")

// LeaseKeeper keeps one lease for a loop: it acquires the lease, renews it while work is under way, ends the work when
// the lease is lost, and gives the lease back. Its methods are for the goroutine of the loop, except Lease and While:
// the loop may go on acquiring the lease while other goroutines work under it.
type LeaseKeeper struct {
	leases Leases
	name   string
	holder string
	ttl    time.Duration

	mu    sync.Mutex
	lease Lease     // that was acquired last; zero when another process had it
	until time.Time // when it runs out by the clock of this process, unless it is renewed
}

// NewLeaseKeeper makes a keeper of a lease that is acquired for ttl.
func NewLeaseKeeper(st Leases, name, holder string, ttl time.Duration) *LeaseKeeper {
	return &LeaseKeeper{leases: st, name: name, holder: holder, ttl: ttl}
}

// Acquire takes or renews the lease; false if another process has it. The fence of the lease that it returns differs
// from the one before when another process had it meanwhile, or when the store was emptied. After an error the lease is
// held as before, until it runs out.
func (k *LeaseKeeper) Acquire(ctx context.Context) (Lease, bool, error) {
	asked := time.Now() // the store counts from later
	lease, ok, err := k.leases.Acquire(ctx, k.name, k.holder, k.ttl)
	if err != nil {
		return Lease{}, false, err
	}
	if !ok {
		k.hold(Lease{}, time.Time{})
		return Lease{}, false, nil
	}
	k.hold(lease, asked.Add(k.ttl))
	return lease, true, nil
}

// Lease returns the lease that was acquired last, with its fence; held is false when it was lost or has run out.
func (k *LeaseKeeper) Lease() (l Lease, held bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lease, time.Now().Before(k.until)
}

// Due reports whether the lease is to be acquired or renewed: it is not held, or a third of its time has passed.
func (k *LeaseKeeper) Due() bool { return k.left() < k.ttl-k.ttl/3 }

// left is how long the lease holds without being renewed.
func (k *LeaseKeeper) left() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Until(k.until)
}

// While does work under the lease, which is held already, and renews it meanwhile. The context of the work ends, with a
// cause that wraps ErrLeaseLost, when the lease is lost; While returns that cause then, if the work returns an error.
func (k *LeaseKeeper) While(ctx context.Context, work func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	held, _ := k.Lease()
	wg.Go(func() { cancel(k.renew(ctx, held)) })
	err := work(ctx)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, ErrLeaseLost) {
		return cause
	}
	return err
}

// renew renews the lease until the context ends, and returns why it was lost.
func (k *LeaseKeeper) renew(ctx context.Context, held Lease) error {
	for {
		left := k.left()
		if left <= 0 {
			return fmt.Errorf("lease %s ran out: the store does not answer: %w", k.name, ErrLeaseLost)
		}
		wait := k.ttl / 3
		if left < 2*wait { // an attempt failed: again, sooner
			wait = min(k.ttl/10, left)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		ask, cancel := context.WithTimeout(ctx, max(k.left(), 0))
		asked := time.Now()
		lease, ok, err := k.leases.Acquire(ask, k.name, k.holder, k.ttl)
		cancel()
		if err != nil {
			continue // the lease may hold for longer
		}
		if ok && lease == held {
			k.renewed(held, asked.Add(k.ttl))
			continue
		}
		k.renewed(held, time.Time{}) // with its old fence, so that the store refuses what is still written under it
		if !ok {
			return fmt.Errorf("lease %s: another process has it: %w", k.name, ErrLeaseLost)
		}
		return fmt.Errorf("lease %s: its fence changed from %d to %d: %w", k.name, held.Fence, lease.Fence, ErrLeaseLost)
	}
}

func (k *LeaseKeeper) hold(l Lease, until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lease, k.until = l, until
}

// renewed is hold for the lease that work is under; one that the loop acquired meanwhile stays.
func (k *LeaseKeeper) renewed(l Lease, until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.lease == l {
		k.until = until
	}
}

// releaseWithin is how long Release waits for the store. The lease runs out by itself.
const releaseWithin = 2 * time.Second

// Release gives the lease back, also when the context has ended. It is harmless when the lease is not held.
func (k *LeaseKeeper) Release(ctx context.Context) error {
	lease, _ := k.Lease()
	k.hold(Lease{}, time.Time{})
	if lease == (Lease{}) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseWithin)
	defer cancel()
	return k.leases.Release(ctx, lease)
}
