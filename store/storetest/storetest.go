// Package storetest says what a store promises. Every implementation passes it. No package may rely on what it does not
// check.
package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/store"

	"github.com/google/go-cmp/cmp"
)

var t0 = time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC)

func mention(id string, at time.Time) brand.Mention {
	return brand.Mention{
		ID: id, At: at, Text: "text of " + id, Source: "x", Kind: brand.Post,
		Extra: map[string]json.RawMessage{"k": json.RawMessage(`1`)},
	}
}

// Run tries a store; open gives an empty one each time.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for name, f := range map[string]func(*testing.T, context.Context, store.Store){
		"a mention heard twice is on the stream once":         appendOnce,
		"the stream is read in order, in pieces":              readInPieces,
		"many writers lose nothing":                           manyWriters,
		"trimming spares what a snapshot has not read":        trim,
		"matches are read by topic and time, newest first":    matches,
		"snapshot and spikes are saved together, under lease": commit,
		"spikes are listed by topic, in pages":                recentSpikes,
		"old spikes are trimmed up to the desk":               trimSpikes,
		"cursors remember":                                    cursors,
		"an incident is saved by one hand at a time":          incidents,
		"what was taken back is gone and stays so":            takenBack,
		"a deletion is noted until it is done":                deletions,
		"what was deleted is quoted nowhere":                  redaction,
		"a person can be forgotten everywhere":                forgotten,
		"a source's mentions may be kept for a shorter time":  expiry,
		"a clock that ran ahead keeps no mention longer":      expiryAhead,
		"incidents are listed in pages":                       incidentPages,
		"old incidents are deleted with all that is theirs":   incidentTrim,
		"evidence can be redacted":                            redacted,
		"an incident can be read as it is stored":             audited,
		"a state that cannot be read is made from its events": rebuilt,
		"a call stays in the outbox until it is sent":         outbox,
		"a lease has one holder and a rising fence":           leases,
		"dead letters can be looked at and taken back":        deadLetters,
		"a correction is kept by topic and mention":           corrections,
		"feedback is kept by spike":                           feedback,
		"each status is the last that was saved":              statuses,
		"the log of erasures is read in order":                erasures,
		"a tone label is kept until it is trimmed":            toneLabels,
		"a budget is never exceeded":                          budgets,
		"a new period has a budget of its own":                periods,
		"a key is made once and stays":                        keys,
		"an ended context ends the call":                      contexts,
		"texts from outside come back as they were":           hostileTexts,
		"what could not be read back is not taken":            notTaken,
		"a snapshot that nobody needs holds nothing up":       dropped,
		"the last position is known":                          last,
		"a store that works says so":                          works,
		"a user is changed by one hand at a time":             users,
		"a token has a name of its own and can be taken away": tokens,
		"a session that was ended stays ended":                sessions,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() { must(t, s.Close()) })
			f(t, t.Context(), s)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func get[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T { t.Helper(); must(t, err); return v }
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
}

func ids(es []store.Entry) (out []string) {
	for _, e := range es {
		out = append(out, e.Mention.ID)
	}
	return out
}

func appendOnce(t *testing.T, ctx context.Context, s store.Store) {
	a, b := mention("a", t0), mention("b", t0.Add(time.Second))
	same(t, get[int](t)(s.Append(ctx, t0, []brand.Mention{a, b, a})), 2)
	same(t, get[int](t)(s.Append(ctx, t0.Add(time.Hour), []brand.Mention{b, mention("c", t0)})), 1)
	same(t, get[int](t)(s.Append(ctx, t0, nil)), 0)
	es := get[[]store.Entry](t)(s.After(ctx, "", 10))
	same(t, ids(es), []string{"a", "b", "c"})
	same(t, es[0].Mention, a)
	same(t, es[0].Heard, t0)
	same(t, es[2].Heard, t0.Add(time.Hour))
}

func readInPieces(t *testing.T, ctx context.Context, s store.Store) {
	var ms []brand.Mention
	var want []string
	for i := range 25 {
		ms = append(ms, mention(fmt.Sprint("m", i), t0))
		want = append(want, ms[i].ID)
	}
	get[int](t)(s.Append(ctx, t0, ms[:20]))
	get[int](t)(s.Append(ctx, t0.Add(-time.Hour), ms[20:])) // a clock set back does not disturb the order
	var got []string
	pos := ""
	for {
		es := get[[]store.Entry](t)(s.After(ctx, pos, 7))
		if len(es) == 0 {
			break
		}
		got, pos = append(got, ids(es)...), es[len(es)-1].Pos
	}
	same(t, got, want)
}

func manyWriters(t *testing.T, ctx context.Context, s store.Store) {
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				if _, err := s.Append(ctx, t0, []brand.Mention{mention(fmt.Sprint(w, "-", i), t0), mention(fmt.Sprint("shared", i), t0)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	same(t, len(get[[]store.Entry](t)(s.After(ctx, "", 1000))), 8*20+20)
}

func trim(t *testing.T, ctx context.Context, s store.Store) {
	var ms []brand.Mention
	for i := range 4 {
		m := mention(fmt.Sprint(i), t0.Add(time.Duration(i)*time.Hour))
		ms = append(ms, m)
		get[int](t)(s.Append(ctx, m.At, []brand.Mention{m}))
	}
	same(t, get[int](t)(s.Trim(ctx, t0.Add(24*time.Hour))), 0) // no snapshot: somebody may still want it all
	es := get[[]store.Entry](t)(s.After(ctx, "", 10))
	must(t, s.Keep(ctx, []store.Match{{Topic: "a", Pos: es[0].Pos, At: t0}, {Topic: "a", Pos: es[3].Pos, At: ms[3].At}}))
	l, _, err := s.Acquire(ctx, "detect", "me", time.Minute)
	must(t, err)
	must(t, s.Commit(ctx, l, store.Snapshot{Name: "one", Pos: es[3].Pos}, nil))
	must(t, s.Commit(ctx, l, store.Snapshot{Name: "two", Pos: es[1].Pos}, nil))
	get[int](t)(s.Trim(ctx, t0.Add(100*time.Hour)))
	left := ids(get[[]store.Entry](t)(s.After(ctx, "", 10)))
	if !slices.Contains(left, "2") || !slices.Contains(left, "3") || slices.Contains(left, "0") {
		t.Errorf("left after trimming: %v, want 2 and 3 and not 0", left)
	}
	must(t, s.Commit(ctx, l, store.Snapshot{Name: "two", Pos: es[3].Pos}, nil))
	get[int](t)(s.Trim(ctx, t0.Add(150*time.Minute)))
	same(t, ids(get[[]store.Entry](t)(s.After(ctx, "", 10))), []string{"3"})
	m := get[[]store.Matched](t)(s.Matched(ctx, "a", t0, t0.Add(100*time.Hour), 10))
	same(t, len(m), 1)
}

func matches(t *testing.T, ctx context.Context, s store.Store) {
	a, b, c := mention("a", t0), mention("b", t0.Add(time.Minute)), mention("c", t0.Add(2*time.Minute))
	get[int](t)(s.Append(ctx, t0, []brand.Mention{b, a, c}))
	es := get[[]store.Entry](t)(s.After(ctx, "", 10))
	match := func(topic string, e store.Entry) store.Match {
		return store.Match{Topic: topic, Pos: e.Pos, At: e.Mention.At, Negative: 0.75, Positive: 0.125, Weight: 0.5, Doubt: 0.25}
	}
	all := []store.Match{match("acme", es[0]), match("acme", es[1]), match("acme", es[2]), match("other: topic", es[2])}
	must(t, s.Keep(ctx, all))
	must(t, s.Keep(ctx, all)) // harmless twice
	got := get[[]store.Matched](t)(s.Matched(ctx, "acme", t0, t0.Add(2*time.Minute), 10))
	same(t, got, []store.Matched{{Match: all[0], Mention: b}, {Match: all[1], Mention: a}})
	same(t, len(get[[]store.Matched](t)(s.Matched(ctx, "acme", t0, t0.Add(time.Hour), 1))), 1)
	again := all[1]
	again.Doubt = 0.75
	must(t, s.Keep(ctx, []store.Match{again}))
	same(t, len(get[[]store.Matched](t)(s.Matched(ctx, "acme", t0, t0.Add(time.Hour), 9))), 3)
	same(t, len(get[[]store.Matched](t)(s.Matched(ctx, "other: topic", t0, t0.Add(time.Hour), 9))), 1)
	same(t, len(get[[]store.Matched](t)(s.Matched(ctx, "nobody", t0, t0.Add(time.Hour), 9))), 0)
}

func commit(t *testing.T, ctx context.Context, s store.Store) {
	_, err := s.Snapshot(ctx, "detect")
	if !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("got %v, want ErrNotFound", err)
	}
	l, ok, err := s.Acquire(ctx, "detect", "me", time.Minute)
	must(t, err)
	same(t, ok, true)
	get[int](t)(s.Append(ctx, t0, []brand.Mention{mention("a", t0)}))
	pos := get[[]store.Entry](t)(s.After(ctx, "", 1))[0].Pos
	snap := store.Snapshot{Name: "detect", Pos: pos, State: []byte{0, 1, 2, 255}}
	must(t, s.Commit(ctx, l, snap, []brand.Spike{{ID: "s1", Topic: "a"}, {ID: "s2", Topic: "a"}}))
	same(t, get[store.Snapshot](t)(s.Snapshot(ctx, "detect")), snap)
	es := get[[]store.SpikeEntry](t)(s.SpikesAfter(ctx, "", 10))
	same(t, len(es), 2)
	same(t, es[1].Spike.ID, "s2")
	same(t, len(get[[]store.SpikeEntry](t)(s.SpikesAfter(ctx, es[0].Pos, 10))), 1)
	same(t, get[[]store.SpikeEntry](t)(s.RecentSpikes(ctx, "a", "", 1)), es[1:])

	must(t, s.AppendSpikes(ctx, []brand.Spike{{ID: "drill", Topic: "a"}}))
	same(t, get[[]store.SpikeEntry](t)(s.SpikesAfter(ctx, es[1].Pos, 10))[0].Spike.ID, "drill")
	same(t, get[store.Snapshot](t)(s.Snapshot(ctx, "detect")), snap)

	must(t, s.Release(ctx, l))
	_, ok, err = s.Acquire(ctx, "detect", "she", time.Minute)
	must(t, err)
	same(t, ok, true)
	err = s.Commit(ctx, l, store.Snapshot{Name: "detect", Pos: pos, State: []byte("stale")}, []brand.Spike{{ID: "s3"}})
	if !errors.Is(err, store.ErrFenced) {
		t.Errorf("a commit under a lost lease: got %v, want ErrFenced", err)
	}
	same(t, get[store.Snapshot](t)(s.Snapshot(ctx, "detect")), snap)
	same(t, len(get[[]store.SpikeEntry](t)(s.SpikesAfter(ctx, "", 10))), 3)
	must(t, s.Commit(ctx, get2(s.Acquire(ctx, "detect", "she", time.Minute)), store.Snapshot{Name: "empty"}, nil))
	same(t, get[store.Snapshot](t)(s.Snapshot(ctx, "empty")).Pos, "")
}

func get2(l store.Lease, _ bool, _ error) store.Lease { return l }

func cursors(t *testing.T, ctx context.Context, s store.Store) {
	same(t, get[string](t)(s.Cursor(ctx, "x")), "")
	must(t, s.SetCursor(ctx, "x", "1"))
	must(t, s.SetCursor(ctx, "x", `{"since":"2"}`))
	must(t, s.SetCursor(ctx, "y", "3"))
	same(t, get[string](t)(s.Cursor(ctx, "x")), `{"since":"2"}`)
}

func leases(t *testing.T, ctx context.Context, s store.Store) {
	a, ok, err := s.Acquire(ctx, "l", "a", time.Minute)
	must(t, err)
	same(t, ok, true)
	again, ok, err := s.Acquire(ctx, "l", "a", 50*time.Millisecond)
	must(t, err)
	same(t, ok, true)
	same(t, again, a)
	_, ok, err = s.Acquire(ctx, "l", "b", time.Minute)
	must(t, err)
	same(t, ok, false)
	var b store.Lease
	for until := time.Now().Add(10 * time.Second); !ok && time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		b, ok, err = s.Acquire(ctx, "l", "b", time.Minute)
		must(t, err)
	}
	same(t, ok, true)
	if b.Fence <= a.Fence {
		t.Errorf("fences %d then %d, want rising", a.Fence, b.Fence)
	}
	must(t, s.Release(ctx, a)) // not a's any more
	_, ok, err = s.Acquire(ctx, "l", "c", time.Minute)
	must(t, err)
	same(t, ok, false)
	must(t, s.Release(ctx, b))
	_, ok, err = s.Acquire(ctx, "l", "c", time.Minute)
	must(t, err)
	same(t, ok, true)
}

func deadLetters(t *testing.T, ctx context.Context, s store.Store) {
	a := store.DeadLetter{ID: "a", At: t0, Room: "ingest", From: "feed", Error: "bad", Item: "<rss"}
	b := store.DeadLetter{ID: "b", At: t0.Add(time.Hour), Room: "alert"}
	must(t, s.AddDeadLetters(ctx, a))
	must(t, s.AddDeadLetters(ctx, b))
	a.Error = "still bad"
	must(t, s.AddDeadLetters(ctx, a))
	same(t, get[[]store.DeadLetter](t)(s.ListDeadLetters(ctx, 10)), []store.DeadLetter{b, a})
	must(t, s.DropDeadLetter(ctx, "b"))
	if err := s.DropDeadLetter(ctx, "b"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	same(t, get[[]store.DeadLetter](t)(s.ListDeadLetters(ctx, 10)), []store.DeadLetter{a})
	must(t, s.AddDeadLetters(ctx, b))
	same(t, get[int](t)(s.TrimDeadLetters(ctx, b.At)), 1)
	same(t, get[[]store.DeadLetter](t)(s.ListDeadLetters(ctx, 10)), []store.DeadLetter{b})
}

func keys(t *testing.T, ctx context.Context, s store.Store) {
	a := get[[]byte](t)(s.Key(ctx, "links"))
	same(t, len(a), 32)
	same(t, get[[]byte](t)(s.Key(ctx, "links")), a)
	if string(get[[]byte](t)(s.Key(ctx, "other"))) == string(a) {
		t.Error("two keys are the same")
	}
}

func contexts(t *testing.T, ctx context.Context, s store.Store) {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Append(ended, t0, []brand.Mention{mention("a", t0)}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	same(t, len(get[[]store.Entry](t)(s.After(ctx, "", 10))), 0)
}

func hostileTexts(t *testing.T, ctx context.Context, s store.Store) {
	m := mention("'; DROP TABLE mentions; --\r\n{}", t0)
	m.Text = "<script>alert(1)</script> \u202e \x00 '\" {{.}} \U0001F525"
	get[int](t)(s.Append(ctx, t0, []brand.Mention{m}))
	e := get[[]store.Entry](t)(s.After(ctx, "", 10))[0]
	same(t, e.Mention, m)
	topic := "a b:*\"'"
	must(t, s.Keep(ctx, []store.Match{{Topic: topic, Pos: e.Pos, At: t0}}))
	same(t, get[[]store.Matched](t)(s.Matched(ctx, topic, t0, t0.Add(time.Millisecond), 10))[0].Mention, m)
}
