package x

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
)

// sea is X with more posts than may be read. The posts of each minute of each topic are random, and the same for each
// request.
type sea struct {
	now    func() time.Time
	rate   []float64 // posts a minute of each topic
	storm  func(topic int, minute int64) float64
	budget int
	reads  int // billed
	asked  map[string][]time.Time
	t      *testing.T
	known  map[[2]int64]int
}

func (s *sea) count(topic int, minute int64) int {
	key := [2]int64{int64(topic), minute}
	if n, ok := s.known[key]; ok {
		return n
	}
	r := rand.New(rand.NewPCG(uint64(topic), uint64(minute)))
	mean := s.rate[topic]*(1+0.7*math.Sin(float64(minute%1440)/1440*2*math.Pi)) + s.storm(topic, minute)
	n := 0
	for x := r.ExpFloat64(); x < mean; x += r.ExpFloat64() {
		n++
	}
	s.known[key] = n
	return n
}

// within counts requests and reports whether X allows so many in 15 minutes.
func (s *sea) within(path string, limit int) bool {
	now := s.now()
	s.asked[path] = append(s.asked[path], now)
	for now.Sub(s.asked[path][0]) > 15*time.Minute {
		s.asked[path] = s.asked[path][1:]
	}
	return len(s.asked[path]) <= limit
}

func (s *sea) RoundTrip(r *http.Request) (*http.Response, error) {
	q := r.URL.Query()
	var topic int
	_, _ = fmt.Sscanf(q.Get("query"), "topic%d", &topic)
	from, err := time.Parse(time.RFC3339, q.Get("start_time"))
	to, err2 := time.Parse(time.RFC3339, q.Get("end_time"))
	limit := map[string]int{"/2/tweets/counts/recent": 300, "/2/tweets/search/recent": 450}[r.URL.Path]
	var doc any
	code := http.StatusOK
	switch {
	case err != nil || err2 != nil || !from.Before(to) || to.After(s.now().Add(-10*time.Second)) || from.Before(s.now().Add(-7*24*time.Hour)):
		code, doc = http.StatusBadRequest, obj{"errors": arr{obj{"message": "start_time or end_time is wrong: " + r.URL.RawQuery}}}
	case !s.within(r.URL.Path, limit):
		s.t.Errorf("%s is asked for more than %d times in a quarter of an hour", r.URL.Path, limit)
		code, doc = http.StatusTooManyRequests, obj{}
	case strings.Contains(r.URL.Path, "counts"):
		data := arr{}
		for m := from.Unix() / 60; m < to.Unix()/60; m++ {
			at := time.Unix(m*60, 0).UTC()
			data = append(data, obj{"start": at.Format(time.RFC3339), "end": at.Add(time.Minute).Format(time.RFC3339), "tweet_count": s.count(topic, m)})
		}
		doc = obj{"data": data, "meta": obj{}}
	default:
		n, _ := strconv.Atoi(q.Get("max_results"))
		data := arr{}
		// Minute by minute, newest first.
		for at := to.Add(-time.Second); !at.Before(from) && len(data) < n; at = at.Truncate(time.Minute).Add(-time.Second) {
			m := at.Unix() / 60
			k := s.count(topic, m)
			for i := k - 1; i >= 0 && len(data) < n; i-- {
				when := time.Unix(m*60+int64(i*60/k), 0).UTC()
				if when.Before(from) || !when.Before(to) {
					continue
				}
				text := "calm"
				if s.storm(topic, m) > 0 {
					text = "storm"
				}
				data = append(data, obj{"id": fmt.Sprintf("%d%03d%02d", m, i, topic), "text": fmt.Sprintf("topic%d %s", topic, text), "author_id": "1", "created_at": when.Format(time.RFC3339)})
			}
		}
		s.reads += len(data)
		doc = obj{"data": data, "meta": obj{"result_count": len(data)}}
	}
	body, _ := json.Marshal(doc)
	return &http.Response{StatusCode: code, Status: strconv.Itoa(code), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(body))), Request: r}, nil
}

// Forty topics, 100,000 posts a day, and a budget for one in thirty: it is never exceeded, volumes stay exact, and a
// storm is read at once; also after the process was down, and with a store that fails. Five days by default, the
// whole month with make sources.
func TestABudgetIsSpentWhereItCounts(t *testing.T) {
	if testing.Short() || raced {
		t.Skip("it plays a month minute by minute in one goroutine")
	}
	now := time.Date(2026, 3, 27, 0, 0, 7, 0, time.UTC)
	budget, days := 100_000*5/31, 5
	if os.Getenv("BRANDMELDER_SOURCES") == "day" {
		now, budget, days = time.Date(2026, 3, 1, 0, 0, 7, 0, time.UTC), 100_000, 31
	}
	begin := now
	const n = 40
	var ts []brand.Topic
	rates, sum := make([]float64, n), 0.0
	for i := range rates {
		ts = append(ts, brand.Topic{Name: fmt.Sprint("topic", i), Query: fmt.Sprint("topic", i)})
		rates[i] = math.Exp(float64(i) * 0.22)
		sum += rates[i]
	}
	for i := range rates {
		rates[i] *= 100_000.0 / 1440 / sum
	}
	// Two storms of 20,000 posts in three hours: on the third day, and, of another topic, on the fourth, a quarter of
	// an hour after the process was down for eight hours.
	first, second := begin.Add(2*24*time.Hour+3*time.Hour), begin.Add(3*24*time.Hour+9*time.Hour)
	down := second.Add(-15*time.Minute - 8*time.Hour)
	storms := map[int]time.Time{12: first, 30: second}
	x := &sea{now: func() time.Time { return now }, rate: rates, budget: budget, asked: map[string][]time.Time{}, known: map[[2]int64]int{}, t: t, storm: func(topic int, minute int64) float64 {
		at, ok := storms[topic]
		if m := minute - at.Unix()/60; ok && m >= 0 && m < 180 {
			return 20_000.0 / 180
		}
		return 0
	}}
	deps := depsOf(&http.Client{Transport: x}, x.now, ts...)
	r := rand.New(rand.NewPCG(7, 7))
	cursor, lost := "", errors.New("the store is away")
	got := map[string]float64{} // topic and day, to what the tallies say
	seen := map[string]bool{}
	noticed, texts := map[int]time.Duration{}, map[int]int{}
	sampled := map[int]int{}
	var notes []string
	for ; now.Before(begin.Add(time.Duration(days) * 24 * time.Hour)); now = now.Add(time.Minute) {
		if now.After(down) && now.Before(down.Add(8*time.Hour)) {
			continue
		}
		// Each visit may be of another process.
		s, err := New(Config{Token: "t", BaseURL: "http://x.test", ReadsPerMonth: budget}, deps)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Listen(t.Context(), cursor, func(_ context.Context, b Batch) error {
			if r.IntN(500) == 0 {
				return lost
			}
			for _, m := range b.Mentions {
				if seen[m.ID] {
					continue
				}
				seen[m.ID] = true
				var topic int
				if m.Kind == brand.Tally {
					got[m.Topic+m.At.Format(" 01-02")] += float64(m.Count)
					continue
				}
				_, _ = fmt.Sscanf(m.Text, "topic%d", &topic)
				if sampled[topic]++; !m.Counted {
					t.Fatalf("%+v would count twice", m)
				}
				if at, ok := storms[topic]; ok && strings.Contains(m.Text, "storm") && now.Before(at.Add(10*time.Minute)) {
					if texts[topic]++; noticed[topic] == 0 {
						noticed[topic] = now.Sub(at)
					}
				}
			}
			if b.Note != "" {
				notes = append(notes, b.Note)
			}
			cursor = b.Cursor
			return nil
		})
		if err != nil && !errors.Is(err, lost) {
			t.Fatalf("%s: %v", now, err)
		}
		if x.reads > budget {
			t.Fatalf("%s: %d posts read of %d", now, x.reads, budget)
		}
	}
	worst, total := 0.0, 0.0
	for i, topic := range ts {
		for d := range days - 1 { // the last day's last minutes were not asked for
			day := begin.Truncate(24*time.Hour).AddDate(0, 0, d)
			truth := 0.0
			for m := range int64(1440) {
				truth += float64(x.count(i, day.Unix()/60+m))
			}
			if total += truth; truth > 100 {
				off := math.Abs(got[topic.Name+day.Format(" 01-02")]/truth - 1)
				if worst = max(worst, off); off > 0.1 {
					t.Errorf("%s on %s: counted %v of %v", topic.Name, day.Format(time.DateOnly), got[topic.Name+day.Format(" 01-02")], truth)
				}
			}
		}
	}
	t.Logf("%.0f posts in %d days, %d of %d read; volumes at most %.2f %% off; storms noticed after %v with %v texts in ten minutes; %s", total, days-1, x.reads, budget, 100*worst, noticed, texts, notes[len(notes)-1])
	for topic := range storms {
		if noticed[topic] == 0 || noticed[topic] > 5*time.Minute || texts[topic] < 100 {
			t.Errorf("the storm of topic %d: noticed after %s, %d texts in ten minutes", topic, noticed[topic], texts[topic])
		}
	}
	if x.reads < budget*6/10 {
		t.Errorf("only %d of %d posts were read", x.reads, budget)
	}
	for i := range n {
		if rates[i]*1440 > 100 && sampled[i] < 20 {
			t.Errorf("only %d texts of topic %d were read", sampled[i], i)
		}
	}
}
