package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
	"brandmelder/store/sqlite"

	"github.com/prometheus/client_golang/prometheus"
)

// ill is a store whose Check gives what a test says: one error for each call, and the last one from then on.
type ill struct {
	store.Store
	errs []error
}

func (s *ill) Check(context.Context) error {
	err := s.errs[0]
	if len(s.errs) > 1 {
		s.errs = s.errs[1:]
	}
	return err
}

// ward is where the health of a store is looked at. Detection runs.
type ward struct {
	*testing.T
	v   *healthCheck
	log bytes.Buffer
	reg *prometheus.Registry
}

func newWard(t *testing.T, st store.Store) *ward {
	t.Helper()
	x := &ward{T: t, reg: prometheus.NewRegistry()}
	x.v = newHealthCheck(st, []string{"a"}, slog.New(slog.NewTextHandler(&x.log, nil)), x.reg)
	return x
}

// check looks at the store some times, one each second.
func (x *ward) check(times int) store.Health {
	x.Helper()
	for range times {
		if err := x.v.st.SaveStatus(x.Context(), store.DetectionStatus{Shard: "a", At: time.Now()}); err != nil {
			x.Fatal(err)
		}
		x.v.check(x.Context())
		time.Sleep(time.Second)
	}
	return x.v.Health()
}

// found compares what was logged and counted so far.
func (x *ward) found(what string, lines int, lost float64) {
	x.Helper()
	families, err := x.reg.Gather()
	if err != nil {
		x.Fatal(err)
	}
	n, l := strings.Count(x.log.String(), "\n"), -1.0
	for _, f := range families {
		if f.GetName() == "brandmelder_store_lost_total" {
			l = f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	if n != lines || l != lost {
		x.Errorf("%s: %d lines in the log and %v losses, want %d and %v:\n%s", what, n, l, lines, lost, x.log.String())
	}
}

func inMemory(t *testing.T) store.Store {
	t.Helper()
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// Fails on 327a1fc: six lines in six seconds, and as many losses.
func TestVitalsReportADeletedFileOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	st, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	synctest.Test(t, func(t *testing.T) {
		x := newWard(t, st)
		if h := x.check(3); !h.Working() {
			t.Errorf("at first: %+v", h)
		}
		x.found("at first", 0, 0)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if h := x.check(1); h.Cause != store.StoreGone || len(h.Faults) != 1 {
			t.Errorf("deleted: %+v", h)
		}
		if h := x.check(50); h.Cause != store.StoreGone || len(h.Faults) != 0 {
			t.Errorf("still deleted: %+v", h)
		}
		x.found("deleted", 1, 1)
		x.check(120)
		x.found("after two more minutes", 3, 1)
	})
}

// What another process emptied, or brought back, is reported once for each time; the store goes on.
func TestVitalsReportEachLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := store.ErrLost
		st := &ill{inMemory(t), []error{nil, lost, nil, nil, lost, nil, nil}}
		x := newWard(t, st)
		for i, losses := range []float64{0, 1, 1, 2, 2} {
			if h := x.check(1); !h.Working() || (len(h.Faults) == 1) != (i == 1 || i == 3) {
				t.Errorf("check %d: %+v", i, h)
			}
			x.found("a loss", int(losses), losses)
		}
	})
}

// Fails on 327a1fc: the store was said to be deleted, where it was slow.
func TestVitalsOfAStoreThatWasEmptiedAndIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newWard(t, &ill{inMemory(t), []error{store.ErrLost, context.DeadlineExceeded}})
		if h := x.check(1); !h.Working() {
			t.Errorf("got %+v", h)
		}
		if h := x.check(1); h.Cause != store.StoreRefuses {
			t.Errorf("got %+v", h)
		}
	})
}

// A trouble that goes on is logged each minute, another one at once.
func TestVitalsLogWhatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("no space left on device")
		x := newWard(t, &ill{inMemory(t), []error{full}})
		x.check(30)
		x.found("full", 1, 0)
		x.check(60)
		x.found("full for longer", 2, 0)
		x.v.st.(*ill).errs = []error{nil, full}
		x.check(5)
		x.found("full again", 3, 0)
		x.v.st.(*ill).errs = []error{store.ErrDamaged, full}
		x.check(1)
		x.found("something was mended", 4, 0)
	})
}

// full is a store that takes everything but mentions.
type full struct {
	store.Store
	err error
}

func (f *full) Append(context.Context, time.Time, []brand.Mention) (int, error) { return 1, f.err }

// Fails on 8c2207e: every mention was refused, and all was calm.
func TestAStoreThatTakesNoMentionsRefusesWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := sqlite.Open(t.Context(), ":memory:")
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		x := newWard(t, st)
		f := &full{Store: st}
		push := func(err error, want store.Cause) {
			t.Helper()
			f.err = err
			_, _ = appending{f, x.v}.Append(t.Context(), time.Now(), []brand.Mention{{ID: "m"}})
			if h := x.check(1); h.Cause != want {
				t.Errorf("after %v: %q, want %q", err, h.Cause, want)
			}
		}
		push(nil, "")
		push(errors.New("constraint failed"), "") // a hitch
		time.Sleep(20 * time.Second)
		push(errors.New("constraint failed"), store.StoreRefuses)
		push(brand.ErrBadMention, store.StoreRefuses) // says nothing of the store
		push(nil, "")
		push(errors.New("constraint failed"), "")
		time.Sleep(20 * time.Second)
		push(errors.New("constraint failed"), store.StoreRefuses)
		time.Sleep(10 * time.Minute)
		if h := x.check(1); !h.Working() {
			t.Errorf("nobody tried for ten minutes: %q", h.Cause)
		}
	})
}
