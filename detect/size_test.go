package detect

import (
	"testing"
	"unsafe"
)

// A topic's state stays below 32 KiB, in memory and in the snapshot.
func TestATopicsStateIsSmall(t *testing.T) {
	const limit = 32 << 10
	memory := unsafe.Sizeof(state{}) + ringMinutes*unsafe.Sizeof(bucket{}) + (crowdTexts+crowdAuthors)*unsafe.Sizeof(echo{})
	if memory > limit {
		t.Errorf("%d bytes in memory", memory)
	}
	t.Log(memory, unsafe.Sizeof(state{}), unsafe.Sizeof(bucket{}))
}
