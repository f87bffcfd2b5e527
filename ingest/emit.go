package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

// emit puts a batch on the stream. Every mention of a source takes this way.
func (l *Listener) emit(ctx context.Context, s *runningSource, b Batch) error {
	now := l.opt.Now()
	ms := originOf(s.conf, l.opt.Authors).receive(now, &b)
	added, err := l.st.Append(ctx, now, ms)
	if err != nil {
		if s.failed++; s.failed < maxStoreErrors || ctx.Err() != nil {
			return err
		}
		if added, err = l.appendEach(ctx, now, ms, &b); err != nil {
			return err
		}
	}
	s.failed = 0
	if err := l.setAside(ctx, now, s, b.Bad); err != nil {
		return err
	}
	removed, err := l.st.Delete(ctx, now, b.Gone)
	if err != nil {
		return err
	}
	if err := l.st.SetCursor(ctx, "source/"+s.conf.Name, b.Cursor); err != nil {
		return err
	}
	s.cursor = b.Cursor
	s.set(func(st *sourceStatus) {
		st.New += added
		st.Known += len(ms) - added
		st.Bad += len(b.Bad)
		st.Gone += removed
		if b.Note != "" {
			st.Note = b.Note
		}
		if added > 0 {
			st.LastNew = now
			st.rhythm.record(now)
		}
	})
	l.opt.Metrics.batch(s.conf.Name, added, len(ms)-added, len(b.Bad))
	return nil
}

const (
	maxBadKept = 1000 // dead letters of a source in badSpan; one more has the number of the others
	badSpan    = time.Hour
	maxError   = 1000 // bytes of an error's text that are kept
)

// badCount counts the items of a source that cannot be read.
type badCount struct {
	since time.Time
	n     int
}

// setAside makes dead letters of the items that cannot be read. Beyond maxBadKept it only counts them.
func (l *Listener) setAside(ctx context.Context, now time.Time, s *runningSource, bad []Bad) error {
	if len(bad) == 0 {
		return nil
	}
	seen := s.bad
	if age := now.Sub(seen.since); age >= badSpan || age < 0 {
		seen = badCount{since: now}
	}
	var out []store.DeadLetter
	add := func(id, item, text string) {
		out = append(out, store.DeadLetter{
			ID: id, At: now.UTC(), Room: "ingest", From: s.conf.Name, Error: truncate(text, maxError), Item: truncate(item, store.MaxItem),
		})
	}
	for _, b := range bad[:min(len(bad), max(maxBadKept-seen.n, 0))] {
		add(brand.Hash(s.conf.Name, b.Item), b.Item, b.Err.Error())
	}
	if seen.n += len(bad); seen.n > maxBadKept {
		since := seen.since.UTC().Format(time.RFC3339)
		add(brand.Hash(s.conf.Name, "more since", since), fmt.Sprintf("%d more items", seen.n-maxBadKept),
			fmt.Sprintf("%d items since %s cannot be read; the first %d are kept; the last: %s", seen.n, since, maxBadKept, bad[len(bad)-1].Err))
	}
	if err := l.st.AddDeadLetters(ctx, out...); err != nil {
		return err
	}
	s.bad = seen
	return nil
}

// appendEach appends the mentions of a batch that the store refused several times one by one, so that only the
// mention that causes the error is left out.
func (l *Listener) appendEach(ctx context.Context, now time.Time, ms []brand.Mention, b *Batch) (added int, err error) {
	taken := 0
	for _, m := range ms {
		n, err := l.st.Append(ctx, now, []brand.Mention{m})
		if err != nil {
			doc, _ := json.Marshal(m)
			b.Bad = append(b.Bad, Bad{string(doc), err})
			continue
		}
		taken++
		added += n
	}
	if taken == 0 && len(ms) > 1 {
		return 0, errors.New("the store takes nothing") // the store fails, whatever the mention
	}
	return added, nil
}
