package alert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"brandmelder/alert/notify"
	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/store"
	"brandmelder/store/sqlite"
)

// Fails on 327a1fc: with a damaged cursor nothing was received, nor delivered; with one that was lost a spike of 90
// days ago, which had joined an incident that was closed since, opened another one and called a person.
func TestADeskThatLostItsPlaceCallsNobodyForThePast(t *testing.T) {
	for what, damaged := range map[string]string{"lost": "", "damaged": "no position \xff"} {
		t.Run("file, "+what, func(t *testing.T) {
			st, err := sqlite.Open(t.Context(), ":memory:")
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			loseThePlace(t, st, damaged)
		})
		t.Run("Redis, "+what, func(t *testing.T) { loseThePlace(t, newNight(t).st, damaged) })
	}
}

func loseThePlace(t *testing.T, st store.Store, damaged string) {
	var sent atomic.Int32
	var log bytes.Buffer
	l := NewLoop(st, testDesk(t), Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Channels: map[string]notify.Channel{
		"first": channelFunc(func() error { sent.Add(1); return nil }), "second": channelFunc(func() error { return nil }),
	}})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	tell := func(id string, at time.Time, said ...string) {
		t.Helper()
		sp := spike(id, "acme", 3, said...)
		sp.Began, sp.Detected, sp.Updated = at, at, at
		must(st.AppendSpikes(t.Context(), []brand.Spike{sp}))
	}
	incidents := func() []incident.Summary {
		t.Helper()
		open, _, err := st.ListIncidents(t.Context(), store.IncidentQuery{Open: true, Limit: 10})
		must(err)
		return open
	}
	// An incident that a second spike joins is closed.
	tell("s", t0, "fire")
	tell("joined", t0.Add(time.Hour), "fire")
	must(l.Step(t.Context(), t0.Add(time.Hour)))
	l.Settle()
	a := &Actions{Desk: l.desk, Store: st, Now: func() time.Time { return t0.Add(2 * time.Hour) }}
	must(a.Do(t.Context(), incidents()[0].ID, incident.Actor{ID: "anna"}, func(*incident.State) incident.Command {
		return incident.Close{Outcome: incident.Resolved}
	}))

	// 90 days later there is news, and a call waits. More of the past is on the stream than is read at once.
	now := t0.AddDate(0, 0, 90)
	for range manySpikes {
		tell("joined", t0.Add(time.Hour), "fire")
	}
	tell("new", now, "delivery")
	tell("late", t0, "smoke")
	must(st.SetCursor(t.Context(), cursor, damaged))
	must(st.SaveCall(t.Context(), nil, &incident.Call{ID: "waits", Channel: "first", Created: now, Due: now}))
	sent.Store(0)
	for s := range 3 {
		must(l.Step(t.Context(), now.Add(time.Duration(s)*time.Second)))
		l.Settle()
	}
	if open := incidents(); len(open) != 1 || !open[0].Detected.Equal(now) || sent.Load() != 2 {
		t.Errorf("got %d incidents and %d calls, want the new one and the call that waited", len(open), sent.Load())
	}
	if n := strings.Count(log.String(), "place among the spikes"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
	pos, err := Received(t.Context(), st)
	must(err)
	behind, err := st.SpikesAfter(t.Context(), pos, 10)
	must(err)
	if pos == "" || len(behind) != 0 {
		t.Errorf("received up to %q; behind it are %d spikes", pos, len(behind))
	}
}

func TestWhatIsNoPositionIsReadAsNone(t *testing.T) {
	for _, pos := range []string{"1", "1773453600000-0"} {
		if got := position(pos); got != pos {
			t.Errorf("%q gave %q", pos, got)
		}
	}
	large := strings.Repeat("9", 40)
	for _, pos := range []string{"", "-", "1-", "-1", "+1", "1-2-3", "0x1", " 1", "1\x00", "\xff", large, "1-" + large} {
		if got := position(pos); got != "" {
			t.Errorf("%q gave %q", pos, got)
		}
	}
}

// deaf is a store that gives no spikes.
type deaf struct{ Store }

var errDeaf = errors.New("read spikes: no answer")

func (deaf) SpikesAfter(context.Context, string, int) ([]store.SpikeEntry, error) {
	return nil, errDeaf
}

// Fails on 327a1fc: no call was sent, and nobody else was called for an incident that nobody took.
func TestCallsAreSentWhileNoSpikeCanBeRead(t *testing.T) {
	n := newNight(t)
	n.tell(spike("s", "acme", 3, "fire"))
	n.turn(n.process("a", n.st), 0)
	l := n.process("a", deaf{n.st})
	for m := range 60 {
		if err := l.Step(t.Context(), t0.Add(time.Duration(m)*time.Minute)); !errors.Is(err, errDeaf) {
			t.Fatalf("got %v", err)
		}
		l.Settle()
	}
	if n.sent.Load() < 3 {
		t.Errorf("%d calls, want the owner, the deputy and the decider", n.sent.Load())
	}
}

// Fails on 327a1fc: the call was tried in each round for ever.
func TestACallOfADamagedIncidentIsGivenUpOnce(t *testing.T) {
	n := newNight(t)
	tries := 0
	l := NewLoop(n.st, testDesk(t), Options{Channels: map[string]notify.Channel{
		"first": channelFunc(func() error { tries++; return fmt.Errorf("gone: %w", notify.ErrGiveUp) }),
	}})
	n.tell(spike("s", "acme", 3, "fire"))
	n.must(l.receive(t.Context(), t0))
	id := n.incidents()[0].ID
	n.must(n.c.HSet(t.Context(), "bm:incident:"+id, "doc", "no JSON").Err())
	n.must(n.c.Del(t.Context(), "bm:events:"+id).Err()) // or it is made again from them
	for s := range 20 {
		n.must(l.Step(t.Context(), t0.Add(time.Duration(s)*time.Minute)))
		l.Settle()
	}
	letters, err := n.st.ListDeadLetters(t.Context(), 10)
	n.must(err)
	if tries != 1 || len(letters) != 2 {
		t.Errorf("%d tries, %d dead letters; want 1, and 2: the incident and the call", tries, len(letters))
	}
}
