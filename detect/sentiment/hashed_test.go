package sentiment

import (
	"math/rand/v2"
	"testing"
)

// A value is found under its hash and under no other, whatever the hashes.
func TestWhatIsPutInIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	const n = 1000
	words, want := newHashed[int](n), map[uint32]int{}
	for i := range n {
		h := max(2, rng.Uint32()>>rng.IntN(24)) // 0 and 1 are one word
		if i == 0 {
			h = 0
		}
		*words.put(h) += i + 1
		want[h] += i + 1
	}
	for range 100_000 {
		h := rng.Uint32() >> rng.IntN(24)
		if h == 1 {
			continue
		}
		if got := words.find(h); got != want[h] {
			t.Fatalf("under %d is %d, want %d", h, got, want[h])
		}
	}
	for h, v := range want {
		if got := words.find(h); got != v {
			t.Errorf("under %d is %d, want %d", h, got, v)
		}
	}
}
