package storetest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

func corrections(t *testing.T, ctx context.Context, s store.Store) {
	a := brand.Correction{Topic: "x", Mention: "a", Text: "text", About: brand.AboutUs, By: "anna", At: t0.Add(time.Hour)}
	b := brand.Correction{Topic: "x/y", Mention: "a", Meant: brand.MeantNegative, At: t0}
	must(t, s.SaveCorrection(ctx, a))
	must(t, s.SaveCorrection(ctx, b))
	a.About = brand.NotAboutUs
	must(t, s.SaveCorrection(ctx, a))
	same(t, get[[]brand.Correction](t)(s.Corrections(ctx)), []brand.Correction{b, a})
	same(t, get[[]brand.Correction](t)(s.Corrections(ctx, a.Key(), "unknown")), []brand.Correction{a})
	must(t, s.DropCorrection(ctx, a.Key()))
	must(t, s.DropCorrection(ctx, a.Key()))
	same(t, get[[]brand.Correction](t)(s.Corrections(ctx)), []brand.Correction{b})
}

func feedback(t *testing.T, ctx context.Context, s store.Store) {
	a := brand.Feedback{Spike: "a", Topic: "x", From: t0, To: t0.Add(time.Hour), Right: true}
	b := brand.Feedback{Spike: "b", Topic: "x", From: t0, To: t0.Add(time.Hour)}
	must(t, s.SaveFeedback(ctx, b))
	must(t, s.SaveFeedback(ctx, a))
	a.Right = false
	must(t, s.SaveFeedback(ctx, a))
	same(t, get[[]brand.Feedback](t)(s.Feedback(ctx)), []brand.Feedback{a, b})
}

func statuses(t *testing.T, ctx context.Context, s store.Store) {
	a := store.SourceStatus{Name: "https://a.example/feed", Kind: "feed", LastOK: t0, New: 7, Rhythm: []byte(`{"days":3}`)}
	b := store.SourceStatus{Name: "x"}
	topic := store.TopicStatus{Name: "x", Curve: []brand.Point{{At: t0, Voices: 2}}}
	shard := store.DetectionStatus{Shard: "detect/0-of-1", At: t0, Faults: []store.Fault{{Kind: store.StoreLost, At: t0}}}
	for _, one := range []store.Status{b, topic, a, shard} {
		must(t, s.SaveStatus(ctx, one))
	}
	a.New = 8
	must(t, s.SaveStatus(ctx, a))
	same(t, get[[]store.SourceStatus](t)(s.SourceStatuses(ctx)), []store.SourceStatus{a, b})
	same(t, get[[]store.SourceStatus](t)(s.SourceStatuses(ctx, "x", "unknown")), []store.SourceStatus{b})
	same(t, get[[]store.TopicStatus](t)(s.TopicStatuses(ctx)), []store.TopicStatus{topic})
	same(t, get[[]store.DetectionStatus](t)(s.DetectionStatuses(ctx, "detect/0-of-1")), []store.DetectionStatus{shard})
}

func erasures(t *testing.T, ctx context.Context, s store.Store) {
	a := store.Erasure{At: t0.Add(time.Second), By: "anna", Forgotten: store.Forgotten{Mentions: 3}}
	b := store.Erasure{At: t0.Add(time.Second + time.Millisecond), By: "ben"}
	must(t, s.LogErasure(ctx, b))
	must(t, s.LogErasure(ctx, a))
	same(t, get[[]store.Erasure](t)(s.Erasures(ctx)), []store.Erasure{a, b})
}

func toneLabels(t *testing.T, ctx context.Context, s store.Store) {
	must(t, s.SaveToneLabels(ctx, t0, map[string]int{"a": 0, "b": 2}))
	must(t, s.SaveToneLabels(ctx, t0.Add(time.Hour), map[string]int{"b": 1}))
	same(t, get[map[string]int](t)(s.ToneLabels(ctx, []string{"a", "b", "c"})), map[string]int{"a": 0, "b": 1})
	same(t, len(get[map[string]int](t)(s.ToneLabels(ctx, nil))), 0)
	same(t, get[int](t)(s.TrimToneLabels(ctx, t0.Add(time.Minute))), 1)
	same(t, get[map[string]int](t)(s.ToneLabels(ctx, []string{"a", "b", "c"})), map[string]int{"b": 1})
}

// Many processes spend at once: together they stay within each limit, and an expense that one budget refuses is taken
// from none.
func budgets(t *testing.T, ctx context.Context, s store.Store) {
	money := store.Expense{Budget: "money", Period: "2026-03", Amount: 0.75, Limit: 10}
	calls := store.Expense{Budget: "calls", Period: "2026-03-14", Amount: 1, Limit: 7}
	var mu sync.Mutex
	var wg sync.WaitGroup
	refused := map[string]int{}
	for range 8 {
		wg.Go(func() {
			for range 5 {
				over, err := s.Spend(ctx, money, calls)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				refused[over]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	same(t, refused, map[string]int{"": 7, "calls": 33})
	same(t, get[float64](t)(s.Spent(ctx, "money", "2026-03")), 7*0.75)
	same(t, get[float64](t)(s.Spent(ctx, "calls", "2026-03-14")), 7.0)
	money.Amount = 5
	same(t, get[string](t)(s.Spend(ctx, money)), "money")
	money.Amount, money.Limit = -1.25, 1
	must(t, s.Settle(ctx, money)) // a limit does not count there
	same(t, get[float64](t)(s.Spent(ctx, "money", "2026-03")), 4.0)
	money.Amount = -100
	must(t, s.Settle(ctx, money))
	same(t, get[float64](t)(s.Spent(ctx, "money", "2026-03")), 0.0)
	money.Amount, money.Limit = 1000, 0
	same(t, get[string](t)(s.Spend(ctx, money)), "") // no limit
}

// A process whose clock is behind spends from the budget of the day before, not from a new one.
func periods(t *testing.T, ctx context.Context, s store.Store) {
	var got []string
	for _, day := range []string{"2026-03-14", "2026-03-15", "2026-03-14", "2026-03-15"} {
		got = append(got, get[string](t)(s.Spend(ctx, store.Expense{Budget: "calls", Period: day, Amount: 1, Limit: 1})))
	}
	if want := []string{"", "", "calls", "calls"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	same(t, get[float64](t)(s.Spent(ctx, "calls", "2026-03-16")), 0.0)
}
