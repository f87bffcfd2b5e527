package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"brandmelder/brand"
)

var errEnough = errors.New("enough")

// Tried is the result of Try.
type Tried struct {
	Mentions []brand.Mention // the first few
	Bad      []Bad
	Note     string
}

// Try reads one source without its cursor until it has some mentions, at most for the duration most. It stores
// nothing. A stream may be silent for that time.
func Try(ctx context.Context, c Config, topics []brand.Topic, contact string, some int, most time.Duration) (Tried, error) {
	allow := privateOf(c)
	k, ok := kinds[c.Kind]
	if !ok {
		return Tried{}, fmt.Errorf("no source of kind %q", c.Kind)
	}
	s, err := k.make(c, Deps{Client: NewClient(allow, contact), Dial: NewDial(allow), Topics: topics, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return Tried{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	var t Tried
	err = s.Listen(ctx, "", func(_ context.Context, b Batch) error {
		t.Mentions, t.Bad = append(t.Mentions, originOf(c, nil).receive(time.Now(), &b)...), append(t.Bad, b.Bad...)
		if b.Note != "" {
			t.Note = b.Note
		}
		if len(t.Mentions) >= some {
			return errEnough
		}
		return nil
	})
	t.Mentions = t.Mentions[:min(len(t.Mentions), some)]
	if errors.Is(err, errEnough) || errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		err = nil
	}
	return t, err
}
