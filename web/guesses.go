package web

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Limits of wrong passwords. Right ones are never counted.
const (
	guessBurst = 5                // wrong ones from an address at once: a person who mistypes
	guessEvery = 30 * time.Second // then one more each

	siegeBurst = 100              // for an account from all addresses at once: the account is under siege
	siegeEvery = 10 * time.Second // one fewer each

	strangerBurst = 2               // during a siege, from an address without a recent success
	strangerEvery = 5 * time.Minute // then one more each

	knownFor      = 14 * 24 * time.Hour // how long a success is recent: as long as a session
	mostAddresses = 10_000              // addresses whose failures are remembered, the latest
	mostAccounts  = 1_000               // accounts whose failures are remembered
	mostKnown     = 10_000              // addresses whose success is remembered
)

// allowance is how many failures are allowed at once, and after which time one more is.
type allowance struct {
	burst int
	every time.Duration
}

// failures is a token bucket seen from its other side: what was taken from it and did not come back yet.
type failures struct {
	count float64
	at    time.Time
}

// left is the count at a later time.
func (f failures) left(now time.Time, every time.Duration) float64 {
	return max(0, f.count-float64(now.Sub(f.at))/float64(every))
}

// guesses limits wrong passwords by address and by account. An address over its limit is refused whatever it
// sends. Other addresses cannot cause that: many failures from everywhere only lower the limit of addresses
// without a recent success.
type guesses struct {
	now func() time.Time

	mu        sync.Mutex
	addresses *simplelru.LRU[netip.Prefix, failures]
	accounts  *simplelru.LRU[string, failures]
	known     *simplelru.LRU[accountAt, time.Time] // last successes
}

type accountAt struct {
	account string
	network netip.Prefix
}

func newGuesses(now func() time.Time) *guesses {
	return &guesses{
		now:       now,
		addresses: latest[netip.Prefix, failures](mostAddresses),
		accounts:  latest[string, failures](mostAccounts),
		known:     latest[accountAt, time.Time](mostKnown),
	}
}

// latest makes a map that forgets what was added longest ago when it would hold more than most. Peek reads it: Get
// would count as adding.
func latest[K comparable, V any](most int) *simplelru.LRU[K, V] {
	m, err := simplelru.NewLRU[K, V](most, nil)
	if err != nil {
		panic(err) // most is not positive
	}
	return m
}

// try asks whether a password of the account is right that came from the address. wait is positive, and right was
// not asked, if the address is over its limit; it may try again after that time. A guess is counted before it is
// checked, and taken back if it was right or could not be checked: so guesses sent at once are counted one by one,
// and none waits for another's check.
func (g *guesses) try(account string, from netip.Addr, right func() (bool, error)) (ok bool, wait time.Duration, err error) {
	near, wide := networks(from)
	if wait := g.count(account, near, wide); wait > 0 {
		return false, wait, nil
	}
	ok, err = right()
	if ok || err != nil {
		g.takeBack(account, near, wide, ok)
	}
	return ok, 0, err
}

// count counts a guess, or returns how long the address has to wait.
func (g *guesses) count(account string, near, wide netip.Prefix) (wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	of, allowed := near, allowance{guessBurst, guessEvery}
	last, known := g.known.Peek(accountAt{account, near})
	siege, _ := g.accounts.Peek(account)
	if siege.left(now, siegeEvery) > siegeBurst-1 && (!known || now.Sub(last) > knownFor) {
		of, allowed = wide, allowance{strangerBurst, strangerEvery}
	}
	failed, _ := g.addresses.Peek(of)
	if over := failed.left(now, allowed.every) - float64(allowed.burst-1); over > 0 {
		return time.Duration(over * float64(allowed.every))
	}
	for _, n := range distinct(near, wide) {
		f, _ := g.addresses.Peek(n)
		g.addresses.Add(n, failures{min(f.left(now, guessEvery)+1, guessBurst), now})
	}
	g.accounts.Add(account, failures{min(siege.left(now, siegeEvery)+1, siegeBurst), now})
	return 0
}

// takeBack takes back a guess that was no failure. A right one makes the address known.
func (g *guesses) takeBack(account string, near, wide netip.Prefix, right bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	for _, n := range distinct(near, wide) {
		if f, ok := g.addresses.Peek(n); ok {
			g.addresses.Add(n, failures{max(0, f.left(now, guessEvery)-1), now})
		}
	}
	if f, ok := g.accounts.Peek(account); ok {
		g.accounts.Add(account, failures{max(0, f.left(now, siegeEvery)-1), now})
	}
	if right {
		g.known.Add(accountAt{account, near}, now)
	}
}

// distinct are the networks without repetition.
func distinct(near, wide netip.Prefix) []netip.Prefix {
	if near == wide {
		return []netip.Prefix{near}
	}
	return []netip.Prefix{near, wide}
}

// networks are what an address is counted by: an address of IPv4 itself; of IPv6 what one household has (/64), and
// what one site has (/48).
func networks(a netip.Addr) (near, wide netip.Prefix) {
	if !a.Is6() {
		p := netip.PrefixFrom(a, a.BitLen())
		return p, p
	}
	near, _ = a.Prefix(64) // cannot fail: 64 fits
	wide, _ = a.Prefix(48)
	return near, wide
}
