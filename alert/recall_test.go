package alert

import (
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/store/redisstore"
	"brandmelder/store/storetest"

	"github.com/redis/go-redis/v9"
)

// Fails on 0005da9: the open incident was gone without a word, and the next telling of its spike would have called
// everybody again.
func TestOpenIncidentsSurviveAnEmptiedStore(t *testing.T) {
	addr := storetest.Redis(t)
	st, err := redisstore.Open(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	opt, err := redis.ParseURL(addr)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(opt)
	defer c.Close()
	sent := 0
	l := NewLoop(st, testDesk(t), Options{Channels: map[string]Channel{"first": channelFunc(func() error { sent++; return nil }), "second": channelFunc(func() error { return nil })}})
	step := func(after time.Duration) {
		t.Helper()
		if err := l.Step(t.Context(), t0.Add(after)); err != nil {
			t.Fatal(err)
		}
	}
	sp := spike("s", "acme", 3, "fire")
	if err := st.TellSpikes(t.Context(), []brand.Spike{sp}); err != nil {
		t.Fatal(err)
	}
	step(0)
	step(time.Minute)
	before, err := st.ListIncidents(t.Context(), true, 10)
	if err != nil || len(before) != 1 || sent != 1 {
		t.Fatalf("%d incidents, %d calls, %v", len(before), sent, err)
	}
	if err := c.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	sp.State, sp.Updated = brand.Lasting, t0.Add(2*time.Minute)
	if err := st.TellSpikes(t.Context(), []brand.Spike{sp}); err != nil {
		t.Fatal(err)
	}
	step(2 * time.Minute)
	after, err := st.ListIncidents(t.Context(), true, 10)
	if err != nil || len(after) != 1 || after[0].ID != before[0].ID || len(after[0].Timeline) <= len(before[0].Timeline) || sent != 1 {
		t.Errorf("got %d incidents and %d calls, %v; want the one from before and no second call", len(after), sent, err)
	}
}
