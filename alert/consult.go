package alert

import (
	"context"
	"errors"
	"time"

	"brandmelder/store"
)

// consult asks the models for drafts and for a second hearing of incidents that have none. People are called before, not after.
func (l *Loop) consult(ctx context.Context) error {
	open, err := l.st.ListIncidents(ctx, true, manyOpen)
	if err != nil {
		return err
	}
	for i := range open {
		in, now := open[i], time.Now()
		asked := false
		var failed error // of the store; what the other model wrote is kept all the same
		if l.opt.Writer != nil && l.opt.Writer.wants(&in) {
			l.opt.Writer.improve(ctx, l.desk, &in, now)
			asked = true
		}
		if l.opt.Larger != nil && l.opt.Larger.wants(&in, now) {
			failed = l.opt.Larger.listen(ctx, &in, now)
			asked = asked || failed == nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if asked {
			if err := l.st.SaveIncident(ctx, &in, nil); err != nil && !errors.Is(err, store.ErrConflict) {
				return err
			}
		}
		if failed != nil {
			return failed
		}
	}
	return nil
}
