package web

import (
	"testing"

	"go.uber.org/goleak"
)

// Every goroutine has an owner that waits for it, but the one with which scs forgets old sessions: it cannot be ended without a race, and
// a process has one.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/alexedwards/scs/v2/memstore.(*MemStore).startCleanup"))
}
