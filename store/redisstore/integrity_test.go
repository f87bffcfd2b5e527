package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/store"
	"brandmelder/store/storetest"
)

// processes are some on one Redis.
func processes(t *testing.T, address string, n int) (all []*Store) {
	t.Helper()
	for range n {
		s, err := Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		all = append(all, s)
	}
	return all
}

// check checks the stores in turn, and says which report a loss; other errors end the test.
func check(t *testing.T, all []*Store) (lost []bool) {
	t.Helper()
	for i, s := range all {
		err := s.Check(t.Context())
		if err != nil && !errors.Is(err, store.ErrLost) {
			t.Fatalf("process %d: %v", i, err)
		}
		lost = append(lost, err != nil)
	}
	return lost
}

// identity is what all the stores say, which is the same.
func identity(t *testing.T, all []*Store) (id string) {
	t.Helper()
	for i, s := range all {
		is, err := s.Identity(t.Context())
		if err != nil || i > 0 && is != id {
			t.Fatalf("process %d has the identity %x, another %x, %v", i, is, id, err)
		}
		id = is
	}
	return id
}

// Redis crashes and starts with what it last saved, minutes ago. Each process reports it once, also one whose last
// mark was saved, and whoever compares identities sees one change.
//
// Fails on 327a1fc: nobody noticed; the cursors and known IDs were those of before, and mentions counted twice.
func TestARedisWithAnOlderStateIsReportedOnceByEachProcess(t *testing.T) {
	address, cmd := storetest.RedisProcess(t)
	all := processes(t, address, 4)
	none, each := []bool{false, false, false, false}, []bool{true, true, true, true}
	if lost := append(check(t, all), check(t, all)...); slices.Contains(lost, true) {
		t.Fatalf("a loss where none is: %v", lost)
	}
	for round := range 2 {
		if err := all[0].c.Save(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		cmd = storetest.Restart(t, address, cmd)
		if lost := check(t, all); !slices.Equal(lost, none) {
			t.Errorf("nothing is lost, and reported is %v", lost)
		}
		if err := all[0].c.Save(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		check(t, all[2:]) // the first two have no mark that is lost
		was := identity(t, all)
		cmd = storetest.Restart(t, address, cmd)
		order := slices.Clone(all)
		if round == 1 {
			slices.Reverse(order)
		}
		early := check(t, order[:1])[0]
		if now := identity(t, all); early != (now != was) || early != (round == 1) {
			t.Errorf("the first process reports a loss: %v; the identity changed: %v", early, now != was)
		}
		check(t, all[2:]) // one of these notices
		now := identity(t, all)
		if now == was {
			t.Error("the identity is the same")
		}
		if lost := check(t, all[:2]); !slices.Equal(lost, each[:2]) {
			t.Errorf("reported by others is %v", lost)
		}
		if lost := append(check(t, all), check(t, all)...); slices.Contains(lost, true) {
			t.Errorf("reported again: %v", lost)
		}
		if identity(t, all) != now {
			t.Error("the identity changed a second time")
		}
	}
}

// A command that Redis executes late, when the process has given up waiting, is no loss.
func TestARedisThatWasSlowLostNothing(t *testing.T) {
	address, cmd := storetest.RedisProcess(t)
	s := processes(t, address, 1)[0]
	check(t, []*Store{s})
	for range 3 {
		if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		if err := s.Check(ctx); err == nil || errors.Is(err, store.ErrLost) {
			t.Errorf("got %v", err)
		}
		cancel()
		if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if lost := check(t, []*Store{s}); lost[0] {
				t.Error("a loss is reported")
			}
		}
	}
}

func do(t *testing.T, s *Store, args ...any) {
	t.Helper()
	if err := s.c.Do(t.Context(), args...).Err(); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
}

func text(id string) brand.Mention {
	return brand.Mention{ID: id, At: time.Now(), Text: "a", Source: "x", Kind: brand.Post}
}

// ids reads the stream behind a position, and gives the last one.
func ids(t *testing.T, s *Store, pos string) (out []string, last string) {
	t.Helper()
	es, err := s.After(t.Context(), pos, 2000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		out, last = append(out, e.Mention.ID), e.Pos
	}
	return out, last
}

// Somebody writes an entry at the last position that there is, behind which nothing can be added.
//
// Fails on 327a1fc: every Append failed from then on, and Check said that all is well.
func TestAStreamThatIsFullGoesOn(t *testing.T) {
	for _, before := range []bool{false, true} { // an entry is there
		s := open(t)
		ctx := t.Context()
		if before {
			if _, err := s.Append(ctx, time.Now(), []brand.Mention{text("a")}); err != nil {
				t.Fatal(err)
			}
		}
		do(t, s, "XADD", "bm:mentions", most, "d", `{"id":"far","at":"2026-03-14T18:00:00Z","text":"a"}`, "h", "1000")
		do(t, s, "XADD", "bm:spikes", most, "d", `{"id":"far"}`)
		read, reader := ids(t, s, "") // the reader has read it
		if reader != most {
			t.Fatalf("read %v up to %s", read, reader)
		}
		if err := s.Check(ctx); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), ": 1 entries were moved") {
			t.Errorf("got %v", err)
		}
		if err := s.Check(ctx); err != nil {
			t.Errorf("a second time: %v", err)
		}
		if got, _ := ids(t, s, reader); got != nil {
			t.Errorf("who had read all reads %v again", got)
		}
		if _, err := s.Append(ctx, time.Now(), []brand.Mention{text("b")}); err != nil {
			t.Errorf("append: %v", err)
		}
		if got, _ := ids(t, s, reader); !slices.Equal(got, []string{"b"}) {
			t.Errorf("who had read all reads %v", got)
		}
		got, last := ids(t, s, "")
		if !slices.Equal(got, append(read, "b")) || heardAt(last).After(time.Now().Add(time.Minute)) {
			t.Errorf("the stream is %v, up to %s", got, last)
		}
		if err := s.AppendSpikes(ctx, []brand.Spike{{ID: "s"}}); err != nil {
			t.Errorf("tell a spike: %v", err)
		}
		if es, err := s.SpikesAfter(ctx, most, 10); err != nil || len(es) != 1 || es[0].Spike.ID != "s" {
			t.Errorf("who had read all spikes reads %v, %v", es, err)
		}
	}
}

// A daemon ran for an hour with a clock in the year 2200.
//
// Fails on 327a1fc: all that was received from then on had positions of 2200, and was never trimmed.
func TestPositionsOfAWrongClockAreTakenBack(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	wrong := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	var want []string
	for i := range 1200 {
		want = append(want, fmt.Sprint("m", i))
		if _, err := s.Append(ctx, wrong.Add(time.Duration(i)*time.Second), []brand.Mention{text(want[i])}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Append(ctx, time.Now(), []brand.Mention{text("after")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(ctx); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "1201 entries were moved") {
		t.Errorf("got %v", err)
	}
	got, last := ids(t, s, "")
	if !slices.Equal(got, append(want, "after")) || heardAt(last).After(time.Now().Add(time.Minute)) {
		t.Errorf("%d mentions, up to %s", len(got), last)
	}
	if end, err := s.Last(ctx); err != nil || end != last {
		t.Errorf("the last position is %s, want %s, %v", end, last, err)
	}
	if n, err := s.Append(ctx, time.Now(), []brand.Mention{text("m5")}); err != nil || n != 0 {
		t.Errorf("a mention that is known: %d, %v", n, err)
	}
	if n, err := s.Remove(ctx, []string{"m5", "after"}); err != nil || n != 2 {
		t.Errorf("%d were removed, %v", n, err)
	}
	lease, _, err := s.Acquire(ctx, "l", "me", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(ctx, lease, store.Snapshot{Name: "l", Pos: last}, nil); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Trim(ctx, time.Now().Add(time.Minute)); err != nil || n < 1100 {
		t.Errorf("%d were trimmed, %v", n, err)
	}
}

// Indexes of which somebody took the documents away, or whose documents are of another type or of another ID.
//
// Fails on 327a1fc: DueCalls returned none of the calls behind them.
func TestIDsWithoutADocumentHideNothing(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	for i := range 60 { // before the one that is there, in the order of each index
		do(t, s, "ZADD", "bm:outbox", i, fmt.Sprint("gone", i))
		for _, index := range []string{"incidents", "incidents:open", "dead:at"} {
			do(t, s, "ZADD", "bm:"+index, time.Now().Add(time.Hour).UnixMilli()+int64(i), fmt.Sprint("gone", i))
		}
	}
	do(t, s, "LPUSH", "bm:call:gone1", "a list")
	do(t, s, "LPUSH", "bm:incident:gone1", "a list")
	do(t, s, "HSET", "bm:incident:gone2", "a", "b")
	do(t, s, "SET", "bm:call:gone3", `{"id":"another"}`)
	do(t, s, "SET", "bm:call:gone4", ``)
	if err := s.SaveIncident(ctx, storetest.NewIncident(t, "i", time.Now(), incident.Call{ID: "c", Incident: "i", Due: time.Now()})); err != nil {
		t.Fatal(err)
	}
	if err := s.AddDeadLetters(ctx, store.DeadLetter{ID: "d", At: time.Now().Add(-time.Minute)}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if cs, err := s.DueCalls(ctx, time.Now().Add(2*time.Hour), 50); err != nil || len(cs) != 1 || cs[0].ID != "c" {
			t.Errorf("calls %v, %v", cs, err)
		}
		for _, open := range []bool{true, false} {
			if ins, _, err := s.ListIncidents(ctx, store.IncidentQuery{Open: open, Limit: 50}); err != nil || len(ins) != 1 || ins[0].ID != "i" {
				t.Errorf("incidents %v, %v", ins, err)
			}
		}
		if ds, err := s.ListDeadLetters(ctx, 50); err != nil || len(ds) != 3 || ds[2].ID != "d" {
			t.Errorf("dead letters %v, %v", ds, err)
		}
	}
	for _, id := range []string{"gone1", "gone2", "never"} {
		if _, err := s.Incident(ctx, id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("incident %s: %v", id, err)
		}
	}
	again := storetest.NewIncident(t, "gone1", time.Now(), incident.Call{ID: "gone1", Incident: "gone1", Due: time.Now()})
	if err := s.SaveIncident(ctx, again); err != nil {
		t.Errorf("the incident's ID is taken: %v", err)
	}
	if cs, err := s.CallsOf(ctx, "gone1"); err != nil || len(cs) != 1 {
		t.Errorf("its calls %v, %v", cs, err)
	}
}

// Keys with a name of their own are looked at when they are used: the first try says what was wrong, the next works.
//
// Fails on 327a1fc: the shard, or whoever wanted the lease, failed for ever.
func TestNamedKeysOfAWrongTypeArePutOutOfTheWay(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	lease, _, err := s.Acquire(ctx, "held", "me", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(ctx, time.Now(), []brand.Mention{text("a"), text("b")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Keep(ctx, []store.Match{{Topic: "read", Pos: "1-1"}}); err != nil {
		t.Fatal(err)
	}
	for key, use := range map[string]func() error{
		"lease:l":       func() error { _, _, err := s.Acquire(ctx, "l", "me", time.Minute); return err },
		"fence:l":       func() error { _, _, err := s.Acquire(ctx, "l", "me", time.Minute); return err },
		"matches:t":     func() error { return s.Keep(ctx, []store.Match{{Topic: "t", Pos: "1-1"}}) },
		"matches:read":  func() error { _, err := s.Matched(ctx, "read", time.Time{}, time.Now(), 5); return err },
		"snapshot:held": func() error { return s.Commit(ctx, lease, store.Snapshot{Name: "held"}, nil) },
		"incident:i":    func() error { return s.SaveIncident(ctx, storetest.NewIncident(t, "i", time.Now())) },
		"calls:c":       func() error { _, err := s.CallsOf(ctx, "c"); return err },
		"calls:j": func() error {
			return s.SaveIncident(ctx, storetest.NewIncident(t, "j", time.Now(), incident.Call{ID: "x", Incident: "j"}))
		},
		"key:links": func() error { _, err := s.Key(ctx, "links"); return err },
		"calls:k":   func() error { return s.SaveCall(ctx, nil, &incident.Call{ID: "y", Incident: "k"}) },
	} {
		do(t, s, "DEL", "bm:"+key)
		do(t, s, "XADD", "bm:"+key, "*", "by", "hand")
		if err := use(); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "bm:damaged:"+key) {
			t.Errorf("%s: got %v", key, err)
		}
		if err := use(); err != nil && !errors.Is(err, store.ErrConflict) { // its first part may be saved
			t.Errorf("%s a second time: %v", key, err)
		}
	}
	do(t, s, "DEL", "bm:known:a")
	do(t, s, "LPUSH", "bm:known:a", "by hand")
	if n, err := s.Remove(ctx, []string{"a", "b"}); err != nil || n != 1 {
		t.Errorf("%d were removed, %v", n, err)
	}
}
