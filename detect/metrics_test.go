package detect

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"brandmelder/brand"
	"brandmelder/store"

	"github.com/prometheus/client_golang/prometheus"
)

// refusing refuses one lease.
type refusing struct {
	store.Store
	name string
}

func (r refusing) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (store.Lease, bool, error) {
	if name == r.name {
		return store.Lease{}, false, errors.New("value is not an integer")
	}
	return r.Store.Acquire(ctx, name, holder, ttl)
}

// Of two shards one never runs. The alert rule for it needs the shard's time.
//
// Fails on 327a1fc: there was none, and the rule was silent because the other shard had one.
func TestAShardThatNeverRanIsMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := refusing{inMemory(t), "b"}
		reg := prometheus.NewRegistry()
		m := NewMetrics(reg)
		ctx, cancel := context.WithCancel(t.Context())
		began, done := time.Now(), make(chan error)
		for _, name := range []string{"a", "b"} {
			rules := Rules{Topics: []brand.Topic{{Name: name, Query: name}}, Scorer: plainScorer{}}
			l, err := NewLoop(st, rules, Options{Name: name, Holder: "me", Pin: true, Metrics: m})
			if err != nil {
				t.Fatal(err)
			}
			go func() { done <- l.Run(ctx) }()
		}
		time.Sleep(2 * time.Minute)
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		ago := map[string]float64{} // seconds, by shard
		for _, f := range families {
			for _, s := range f.GetMetric() {
				if f.GetName() == "brandmelder_detect_last_success_timestamp_seconds" {
					ago[s.GetLabel()[0].GetValue()] = time.Since(began).Seconds() + float64(began.Unix()) - s.GetGauge().GetValue()
				}
			}
		}
		if len(ago) != 2 || ago["a"] > 5 || ago["b"] != 120 {
			t.Errorf("detection ran so many seconds ago: %v", ago)
		}
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}
