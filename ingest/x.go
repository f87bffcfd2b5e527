package ingest

import (
	"context"

	"brandmelder/ingest/x"
)

// xSource makes a source of package x.
type xSource struct{ source x.Source }

func newX(c Config, d Deps) (Source, error) {
	api := &service{name: "X", advice: "is the token right, and does its plan include this?", deps: d}
	s, err := x.New(x.Config{
		Token: c.Token, BaseURL: c.BaseURL, API: c.API, Mode: c.Mode, ReadsPerMonth: c.ReadsPerMonth, ReadsPerDay: c.ReadsPerDay,
	}, x.Deps{Do: api.send, Decode: decode, Check: checkJSON, Topics: d.Topics, Now: d.Now})
	if err != nil {
		return nil, err
	}
	return xSource{s}, nil
}

func (s xSource) Listen(ctx context.Context, cursor string, emit Emit) error {
	return s.source.Listen(ctx, cursor, func(ctx context.Context, b x.Batch) error {
		out := Batch{Mentions: b.Mentions, Cursor: b.Cursor, Note: b.Note}
		for _, bad := range b.Bad {
			out.Bad = append(out.Bad, unreadable(bad.Item, bad.Err))
		}
		return emit(ctx, out)
	})
}

// Left returns how many posts may still be read this month, if there is a budget.
func (s xSource) Left() (posts int, limited bool) {
	b, ok := s.source.(interface{ Left() int })
	if !ok {
		return 0, false
	}
	return b.Left(), true
}

// Withdrawn returns those of the mentions that do not exist at X any more. API v1.1 cannot say.
func (s xSource) Withdrawn(ctx context.Context, ids []string) ([]string, error) {
	if c, ok := s.source.(interface {
		Withdrawn(ctx context.Context, ids []string) ([]string, error)
	}); ok {
		return c.Withdrawn(ctx, ids)
	}
	return nil, nil
}
