package hostile

import (
	"testing"
	"time"
)

func TestEveryInputIsMadeAndSmallEnough(t *testing.T) {
	seen, by := map[string]bool{}, map[Entry]int{}
	for _, in := range All() {
		if seen[in.Name()] {
			t.Errorf("two inputs have the name %s", in.Name())
		}
		seen[in.Name()], by[in.Entry] = true, by[in.Entry]+1
		l := in.Load(1, "word", time.Unix(1_800_000_000, 0))
		if len(l.Body) > MaxWire {
			t.Errorf("%s has %d bytes, more than %d", in.Name(), len(l.Body), MaxWire)
		}
		if l.Valid > 0 && l.Items > 0 && l.Valid > l.Items {
			t.Errorf("%s has %d valid of %d", in.Name(), l.Valid, l.Items)
		}
	}
	t.Logf("%d inputs: %v", len(seen), by)
}
