package ingest

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

// Intake puts mentions on the stream that are pushed to the API. It prepares them like those of any source. It needs
// neither sources nor a Listener: a process without the role ingest has one too.
type Intake struct {
	st   store.Mentions
	from origin
	opt  Options
}

// NewIntake makes an Intake. It uses Authors, Metrics, Now and Log of the options.
func NewIntake(st store.Mentions, opt Options) *Intake {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Metrics == nil {
		opt.Metrics = &Metrics{}
	}
	opt.Metrics.batch(API, 0, 0, 0) // visible from the start
	return &Intake{st, origin{API, API, opt.Authors}, opt}
}

var errStoreRefused = errors.New("the store refused it; the log says why")

// Take prepares the mentions and puts them on the stream. added is the number of new ones. refused has one entry for
// each mention: nil if it is on the stream, else the reason. After an error of the store some may be on the stream;
// sending all again does no harm.
func (in *Intake) Take(ctx context.Context, ms []brand.Mention) (added int, refused []error, err error) {
	now := in.opt.Now()
	refused = make([]error, len(ms))
	good, places := make([]brand.Mention, 0, len(ms)), make([]int, 0, len(ms))
	for i, m := range ms {
		if refused[i] = in.from.prepare(now, &m); refused[i] == nil {
			good, places = append(good, m), append(places, i)
		}
	}
	setLanguages(good)
	kept := len(good)
	if added, err = in.st.Append(ctx, now, good); err != nil {
		if ctx.Err() != nil || len(good) < 2 && !errors.Is(err, brand.ErrBadMention) {
			return 0, refused, err
		}
		if added, kept, err = in.appendEach(ctx, now, good, places, refused); err != nil {
			return added, refused, err
		}
	}
	in.opt.Metrics.batch(API, added, kept-added, len(ms)-kept)
	return added, refused, nil
}

// Refuse counts items that cannot be read as mentions.
func (in *Intake) Refuse(n int) { in.opt.Metrics.batch(API, 0, 0, n) }

// appendEach appends mentions one by one, so that only the mention that the store refuses is left out. If the first
// few are all refused for another reason than ErrBadMention, the store fails: its error is returned.
func (in *Intake) appendEach(
	ctx context.Context, now time.Time, ms []brand.Mention, places []int, refused []error,
) (added, kept int, err error) {
	failed := 0
	for i := range ms {
		n, err := in.st.Append(ctx, now, ms[i:i+1])
		switch {
		case err == nil:
			added += n
			kept++
			continue
		case errors.Is(err, brand.ErrBadMention):
			refused[places[i]] = err
			continue
		}
		if failed++; ctx.Err() != nil || kept == 0 && (failed == maxStoreErrors || i == len(ms)-1) {
			return added, kept, err
		}
		in.opt.Log.Error("the store refused a pushed mention", "id", ms[i].ID, "error", err)
		refused[places[i]] = errStoreRefused
	}
	return added, kept, nil
}
