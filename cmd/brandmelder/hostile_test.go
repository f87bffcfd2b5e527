package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"brandmelder/cmd/brandmelder/hostile"
	"brandmelder/store/storetest"
)

// Hostile inputs reach a running daemon through every entry, on both stores. It stays up, it stays small, it
// counts what is right within seconds, and it reports what it refuses. make hostile sends 200 to each store;
// make test sends a few.
//
// BRANDMELDER_HOSTILE=all sends 200 to each store; a name such as rss/deep-compressed sends this one alone.
// BRANDMELDER_SEED is the seed of all that is by chance; it chooses the inputs too.

const (
	hostileMany   = 200             // inputs for each store, in full
	hostileFew    = 24              // in make test
	hostileAtOnce = 4               // inputs that are on their way at once, for each store
	hostileMiB    = 400             // of memory that the daemon may use
	canarySoon    = 5 * time.Second // in which a right mention is counted
	canaryLate    = 40 * time.Second
)

// hostileChoice is what the environment asks for. In make test, where little is sent, these tests run beside one
// another.
func hostileChoice(t *testing.T) (seed uint64, full bool, only string) {
	seed = 17
	if n, err := strconv.ParseUint(os.Getenv("BRANDMELDER_SEED"), 10, 64); err == nil {
		seed = n
	}
	only = os.Getenv("BRANDMELDER_HOSTILE")
	if only == "all" {
		full, only = true, ""
	}
	if !full && only == "" {
		t.Parallel()
	}
	t.Logf("seed %d; one input again: BRANDMELDER_SEED=%d BRANDMELDER_HOSTILE=name", seed, seed)
	return seed, full, only
}

// hostileInputs are the inputs of the entries that the choice asks for.
func hostileInputs(seed uint64, only string, n int, entries ...hostile.Entry) []hostile.Input {
	if only == "" {
		return hostile.Pick(seed, n, entries...)
	}
	return slices.DeleteFunc(hostile.Pick(seed, len(hostile.All()), entries...), func(in hostile.Input) bool {
		return in.Name() != only
	})
}

// plainBuild is the binary as users have it: without the race detector, which multiplies memory.
var plainBuild = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "brandmelder-plain")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "brandmelder")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return bin, nil
})

func TestHostileInputsNeitherStopNorSilenceTheDaemon(t *testing.T) {
	seed, full, only := hostileChoice(t)
	n := hostileFew
	if full {
		n = hostileMany
	}
	inputs := hostileInputs(seed, only, n, hostile.Live...)
	if len(inputs) == 0 {
		t.Skipf("%s is no input of a running daemon", only)
	}
	// In make test one of the two daemons looks for data races instead of its memory.
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		besiege(t, seed, inputs, "file:brandmelder.db", !full && only == "")
	})
	t.Run("redis", func(t *testing.T) { t.Parallel(); besiege(t, seed, inputs, storetest.Redis(t), false) })
}

// siege is a daemon whose entries are sent hostile inputs, and what became of them.
type siege struct {
	*fort
	seed  uint64
	soon  time.Duration // in which a right mention must be counted
	meter *hostile.Meter
	slots chan struct{}

	mu   sync.Mutex
	rows []siegeRow
}

// siegeRow is a line of the table of results.
type siegeRow struct {
	name, answer string
	mib          int
	canary       time.Duration
	wrong        []string
}

// besiege sends the inputs: those of one entry one after the other, the entries at once.
func besiege(t *testing.T, seed uint64, inputs []hostile.Input, store string, race bool) {
	s := &siege{fort: newFort(t, store, race), seed: seed, soon: canarySoon, slots: make(chan struct{}, hostileAtOnce)}
	if race {
		s.soon *= 4 // the race detector multiplies time
	}
	s.begin()
	s.meter = hostile.Watch(s.cmd.Process.Pid)
	began := time.Now()
	var wg sync.WaitGroup
	for _, e := range hostile.Live {
		wg.Go(func() {
			for _, in := range inputs {
				if dead, _ := s.meter.Died(); in.Entry == e && !dead {
					s.send(in)
				}
			}
		})
	}
	wg.Wait()
	s.report(began, race)
}

// send sends one input, and then a right mention the same way, which must be counted soon.
func (s *siege) send(in hostile.Input) {
	s.slots <- struct{}{}
	row := siegeRow{name: in.Name()}
	defer func() {
		s.mu.Lock()
		s.rows = append(s.rows, row)
		s.mu.Unlock()
	}()
	way := s.ways[in.Entry]
	load := in.Load(s.seed, hostileWord(in.Entry), time.Now())
	before := s.counted(hostileTopic(in.Entry))
	s.meter.Begin(row.name)
	out := way.send(load)
	if !out.Refused {
		s.wait(hostileTopic(in.Entry), before+load.Valid, s.soon)
	}
	row.answer, row.mib = out.Answer, s.meter.End(row.name)
	<-s.slots
	if bad := load.Wrong(out, s.counted(hostileTopic(in.Entry))-before); bad != "" {
		row.wrong = append(row.wrong, bad)
	}
	topic := canaryTopic(in.Entry)
	was, sent := s.counted(topic), time.Now()
	if err := way.canary(canaryWord(in.Entry)); err != nil {
		row.wrong = append(row.wrong, "the right mention behind it could not be sent: "+err.Error())
		return
	}
	found := s.wait(topic, was+1, canaryLate)
	if row.canary = time.Since(sent); !found {
		row.wrong = append(row.wrong, fmt.Sprintf("the right mention behind it was not counted in %s", canaryLate))
	} else if row.canary > s.soon {
		after := row.canary.Round(100 * time.Millisecond)
		row.wrong = append(row.wrong, fmt.Sprintf("the right mention behind it was counted after %s", after))
	}
}

// report prints the table and fails for each line that is wrong.
func (s *siege) report(began time.Time, race bool) {
	s.t.Helper()
	dead, with := s.meter.Died()
	most, at := s.meter.Close()
	slices.SortFunc(s.rows, func(a, b siegeRow) int { return strings.Compare(a.name, b.name) })
	var table strings.Builder
	for _, r := range s.rows {
		fmt.Fprintf(&table, "%-42s %4d MiB  %6.1f s  %s\n", r.name, r.mib, r.canary.Seconds(), r.answer)
		for _, w := range r.wrong {
			s.t.Errorf("%s (seed %d): %s", r.name, s.seed, w)
		}
	}
	load, _ := os.ReadFile("/proc/loadavg") // a right mention is late where others need the machine too
	s.t.Logf("%d inputs in %s, load of the machine %.5s, at most %d MiB (with %v)\n%s", len(s.rows),
		time.Since(began).Round(time.Second), load,
		most, at, table.String())
	if dead {
		s.t.Errorf("the daemon ended (seed %d); on their way were %v", s.seed, with)
	}
	if most > hostileMiB && !race {
		s.t.Errorf("the daemon used %d MiB, more than %d; on their way were %v (seed %d)", most, hostileMiB, at, s.seed)
	}
	s.calm()
}

// calm fails where the log holds what no daemon may write. The race detector's words are looked for by the
// house.
func (s *siege) calm() {
	out, err := os.ReadFile(s.log.Name())
	if err != nil {
		s.t.Error(err)
	}
	for _, word := range []string{"panic", "fatal error", "goroutine stack exceeds"} {
		if i := bytes.Index(out, []byte(word)); i >= 0 {
			s.t.Errorf("the daemon's log says %q:\n%s", word, out[max(0, i-200):min(len(out), i+1200)])
			return
		}
	}
}
