package detect

import (
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"
)

// A topic's state stays below 32 KiB, in memory and in the snapshot.
func TestATopicsStateIsSmall(t *testing.T) {
	const limit = 32 << 10
	memory := unsafe.Sizeof(state{}) + ringMinutes*unsafe.Sizeof(bucket{}) + authorsKept*unsafe.Sizeof(authorCount{})
	if memory > limit {
		t.Errorf("%d bytes in memory", memory)
	}
	d := newTestDetector(t)
	w := &world{r: rand.New(rand.NewPCG(1, 1))}
	for m := range 8 * 24 * 60 {
		at := t0.Add(time.Duration(m) * time.Minute)
		d.Advance(at)
		for _, m := range w.minute(at, 300, 0.2) {
			d.Add(at.Add(59*time.Second), &m)
		}
	}
	d.clusters = clusters{} // all topics together: at most 150 KiB
	saved, err := d.Snapshot()
	if err != nil || len(saved) > limit {
		t.Errorf("%d bytes in the snapshot, %v", len(saved), err)
	}
	t.Logf("%d bytes in memory, %d in the snapshot of a busy topic", memory, len(saved))
}
