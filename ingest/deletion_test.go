package ingest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
	"brandmelder/store/redisstore"
	"brandmelder/store/sqlite"
	"brandmelder/store/storetest"
)

// dying is a store whose process is killed after some writes: it can write nothing more.
type dying struct {
	store.Store
	left int
}

var errKilled = errors.New("the process was killed")

func (d *dying) write() error {
	if d.left--; d.left < 0 {
		return errKilled
	}
	return nil
}

func (d *dying) Append(ctx context.Context, heard time.Time, ms []brand.Mention) (int, error) {
	if err := d.write(); err != nil {
		return 0, err
	}
	return d.Store.Append(ctx, heard, ms)
}

func (d *dying) Delete(ctx context.Context, at time.Time, ids []string) (int, error) {
	if err := d.write(); err != nil {
		return 0, err
	}
	return d.Store.Delete(ctx, at, ids)
}

func (d *dying) SetCursor(ctx context.Context, name, value string) error {
	if err := d.write(); err != nil {
		return err
	}
	return d.Store.SetCursor(ctx, name, value)
}

func (d *dying) RedactSpikes(ctx context.Context, pos string, f func(*brand.Spike) bool) (int, error) {
	if err := d.write(); err != nil {
		return 0, err
	}
	return d.Store.RedactSpikes(ctx, pos, f)
}

func (d *dying) RedactEvidence(ctx context.Context, f func(*brand.Spike) bool) (int, error) {
	if err := d.write(); err != nil {
		return 0, err
	}
	return d.Store.RedactEvidence(ctx, f)
}

func (d *dying) EndDeletions(ctx context.Context, ids []string) error {
	if err := d.write(); err != nil {
		return err
	}
	return d.Store.EndDeletions(ctx, ids)
}

// A source reports a deletion, and the process is killed between any two writes. The next process goes on: the mention
// is gone, and so are its quotes.
//
// Fails on 5a11e2e: what was removed waited in memory, and the quotes stayed.
func TestADeletionSurvivesAKillBetweenAnyTwoWrites(t *testing.T) {
	address := storetest.Redis(t)
	for name, open := range map[string]func(n int) (store.Store, error){
		"sqlite": func(int) (store.Store, error) { return sqlite.Open(t.Context(), ":memory:") },
		"redis": func(n int) (store.Store, error) {
			return redisstore.Open(t.Context(), fmt.Sprintf("%s?prefix=t%d", address, n))
		},
	} {
		t.Run(name, func(t *testing.T) {
			killed := true
			for n := 0; killed; n++ {
				st, err := open(n)
				if err != nil {
					t.Fatal(err)
				}
				killed = killAfter(t, st, n)
				if err := st.Close(); err != nil {
					t.Error(err)
				}
				if n > 20 {
					t.Fatal("it does not end")
				}
			}
		})
	}
}

// killAfter kills the process after n writes and starts another; killed is false when there were fewer.
func killAfter(t *testing.T, st store.Store, n int) (killed bool) {
	ctx, now := t.Context(), time.Now()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("killed after %d writes: %v", n, err)
		}
	}
	process := func(st store.Store) error {
		l, err := New(st, []Config{{Kind: "feed", Name: "s", URL: "https://news.example/rss"}}, topics, Options{})
		must(err)
		cursor, err := st.Cursor(ctx, "source/s")
		must(err)
		if cursor == "1" { // or the source does not report it again
			if err := l.emit(ctx, l.sources[0], Batch{Gone: []string{"a"}, Cursor: "2"}); err != nil {
				return err
			}
		}
		var r store.Redaction
		for _, later := range []time.Duration{0, time.Hour} {
			es, err := st.SpikesAfter(ctx, "", 10)
			if err != nil {
				return err
			}
			desk := ""
			if len(es) > 0 {
				desk = es[len(es)-1].Pos
			}
			if err := r.Redact(ctx, st, desk, now.Add(later)); err != nil {
				return err
			}
		}
		return nil
	}
	a, b := brand.Mention{ID: "a", At: now, Text: "a text"}, brand.Mention{ID: "b", At: now, Text: "another"}
	_, err := st.Append(ctx, now, []brand.Mention{a, b})
	must(err)
	spike := brand.Spike{ID: "s", Topic: "x", Evidence: brand.Evidence{Samples: []brand.Mention{a, b}}}
	must(st.AppendSpikes(ctx, []brand.Spike{spike}))
	in := storetest.NewIncident(t, "i", now)
	in.Evidence = []brand.Spike{spike}
	must(st.SaveIncident(ctx, in))
	must(st.SetCursor(ctx, "source/s", "1"))

	err = process(&dying{st, n})
	if killed = errors.Is(err, errKilled); !killed {
		must(err)
	}
	must(process(st))

	quoting, err := st.Evidence(ctx, "i")
	must(err)
	spikes, err := st.SpikesAfter(ctx, "", 10)
	must(err)
	for _, e := range spikes {
		quoting = append(quoting, e.Spike)
	}
	for _, sp := range quoting {
		if len(sp.Evidence.Samples) != 1 || sp.Evidence.Samples[0].ID != "b" {
			t.Errorf("killed after %d writes, it is still quoted: %v", n, sp.Evidence.Samples)
		}
	}
	es, err := st.After(ctx, "", 10)
	must(err)
	ds, err := st.Deletions(ctx)
	if len(es) != 1 || len(ds) != 0 || err != nil {
		t.Errorf("killed after %d writes: mentions %v, deletions %v, %v", n, es, ds, err)
	}
	return killed
}
