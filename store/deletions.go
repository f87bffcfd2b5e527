package store

import (
	"context"
	"time"

	"brandmelder/brand"
)

// redactAgain is how long after a deletion quotes are looked for once more: a spike that was being reported may have
// brought another one.
const redactAgain = 10 * time.Minute

// Redaction removes quotes of deleted mentions from spikes, incidents, dead letters and corrections. The zero value is
// ready. It is for one goroutine. After a crash at any moment another one goes on.
type Redaction struct{ once map[string]bool } // deletions whose quotes this process took out once

// Redact works on the deletions that are not done. The quotes of a new one are taken out at once. It is done when that
// was repeated later, while the desk, which has received the spikes up to its position, had none left to receive.
func (r *Redaction) Redact(ctx context.Context, st Store, desk string, now time.Time) error {
	all, err := st.Deletions(ctx)
	if err != nil || len(all) == 0 {
		r.once = nil
		return err
	}
	behind, err := st.SpikesAfter(ctx, desk, 1)
	if err != nil {
		return err
	}
	known, last := map[string]bool{}, []string{}
	for _, d := range all {
		switch old := now.Sub(d.At) >= redactAgain; {
		case old && len(behind) == 0:
			last = append(last, d.Mention)
			known[d.Mention] = true
		case !r.once[d.Mention]:
			known[d.Mention] = true
		}
	}
	if len(known) == 0 {
		return nil
	}
	if _, err := deleteQuotes(ctx, st, desk, known, func(m *brand.Mention) bool { return known[m.ID] }); err != nil {
		return err
	}
	if r.once == nil {
		r.once = map[string]bool{}
	}
	for id := range known {
		r.once[id] = true
	}
	if len(last) == 0 {
		return nil
	}
	return st.EndDeletions(ctx, last)
}
