package alert

import (
	"context"
	"errors"
	"fmt"
	"time"

	"brandmelder/store"
)

// recall saves the open incidents again when the store lost them. What people did since the last round, at most
// lookEvery ago, and calls that waited to be sent are lost with it; an incident that nobody took is escalated as
// before.
func (l *Loop) recall(ctx context.Context, now time.Time) error {
	id, err := l.st.Identity(ctx)
	if err != nil {
		return err
	}
	was := l.store
	l.store = id
	if was == "" || was == id {
		return nil
	}
	l.opt.Log.Error("the store lost its incidents; those that were open are saved again", "incidents", len(l.known))
	for i := range l.known {
		in := &l.known[i]
		if _, err := l.st.Incident(ctx, in.ID); !errors.Is(err, store.ErrNotFound) {
			if err != nil {
				return err
			}
			continue
		}
		in.Version = 0
		in.Note(now, self, "the store was emptied; the incident was saved again from memory")
		if err := l.st.SaveIncident(ctx, in, nil); err != nil {
			return fmt.Errorf("save incident %s again: %w", in.ID, err)
		}
	}
	return nil
}
