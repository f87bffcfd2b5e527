package web

import (
	"context"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

// plainIntake puts mentions on the stream as they are. The real one is tested in ingest, and beside these pages in cmd.
type plainIntake struct{ st store.Mentions }

func (i plainIntake) Take(ctx context.Context, ms []brand.Mention) (int, []error, error) {
	added, err := i.st.Append(ctx, time.Now(), ms)
	return added, make([]error, len(ms)), err
}

func (plainIntake) Refuse(int) {}
