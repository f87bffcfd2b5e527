package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

// pages reads the spikes of a topic in pages, as ID and level of each.
func pages(t *testing.T, ctx context.Context, s store.Store, topic string, limit int) (out []string) {
	t.Helper()
	for before := ""; ; {
		es := get[[]store.SpikeEntry](t)(s.RecentSpikes(ctx, topic, before, limit))
		if len(es) == 0 {
			return out
		}
		if len(es) > limit {
			t.Fatalf("a page has %d spikes, want %d at most", len(es), limit)
		}
		for _, e := range es {
			out = append(out, fmt.Sprint(e.Spike.ID, int(e.Spike.Level)))
		}
		before = es[len(es)-1].Pos
	}
}

func recentSpikes(t *testing.T, ctx context.Context, s store.Store) {
	same(t, len(pages(t, ctx, s, "a", 5)), 0)
	var want []string
	for level := range 3 { // each spike is reported three times
		want = nil
		for i := range 7 {
			topic := []string{"a", "b: c"}[i%2]
			sp := brand.Spike{ID: fmt.Sprint("s", i, "."), Topic: topic, Level: brand.Level(level)}
			must(t, s.AppendSpikes(ctx, []brand.Spike{sp, {ID: "of nobody" + topic, Topic: "x"}}))
			if i%2 == 0 {
				want = append(want, fmt.Sprint("s", i, ".", level))
			}
		}
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 3, 100} {
		same(t, pages(t, ctx, s, "a", limit), want)
	}
	same(t, len(pages(t, ctx, s, "b: c", 2)), 3)
	same(t, len(pages(t, ctx, s, "", 2)), 9)
	same(t, len(pages(t, ctx, s, "unknown", 2)), 0)
	// Redacting a spike takes a quote, or the whole report, off the list.
	last := get[[]store.SpikeEntry](t)(s.SpikesAfter(ctx, "", 100))
	get[int](t)(s.RedactSpikes(ctx, last[len(last)-1].Pos, func(sp *brand.Spike) bool {
		sp.Level = 6
		return sp.ID == "s6."
	}))
	if got := pages(t, ctx, s, "a", 3); slices.Contains(got, "s6.2") || len(got) < 3 {
		t.Errorf("got %v", got)
	}
}

func trimSpikes(t *testing.T, ctx context.Context, s store.Store) {
	for i := range 6 {
		must(t, s.AppendSpikes(ctx, []brand.Spike{{ID: fmt.Sprint("s", i/2), Topic: "a"}}))
	}
	es := get[[]store.SpikeEntry](t)(s.SpikesAfter(ctx, "", 10))
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	same(t, get[int](t)(s.TrimSpikes(ctx, "", future)), 0) // the desk has received nothing yet
	same(t, get[int](t)(s.TrimSpikes(ctx, es[5].Pos, past)), 0)
	same(t, get[int](t)(s.TrimSpikes(ctx, es[2].Pos, future)), 3)
	same(t, get[[]store.SpikeEntry](t)(s.SpikesAfter(ctx, "", 10)), es[3:])
	same(t, pages(t, ctx, s, "a", 10), []string{"s20", "s10"})
	same(t, get[int](t)(s.TrimSpikes(ctx, es[5].Pos, future)), 3)
	same(t, len(pages(t, ctx, s, "a", 10)), 0)
	same(t, len(pages(t, ctx, s, "", 10)), 0)
	must(t, s.AppendSpikes(ctx, []brand.Spike{{ID: "s0", Topic: "a"}}))
	same(t, len(pages(t, ctx, s, "a", 10)), 1)
}
