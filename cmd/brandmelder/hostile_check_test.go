package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"brandmelder/cmd/brandmelder/hostile"
)

const (
	checkFew     = 10               // hostile files in make test
	checkPatient = 10 * time.Second // in which brandmelder check must end
	checkRunaway = 1500             // MiB, at which it is ended
)

// Configuration, people and playbook files that are hostile or broken are refused with a place, soon, in little
// memory.
func TestHostileFilesAreRefusedWithAPlace(t *testing.T) {
	seed, full, only := hostileChoice(t)
	n := checkFew
	if full {
		n = len(hostile.All())
	}
	inputs := hostileInputs(seed, only, n, hostile.Check)
	if len(inputs) == 0 {
		t.Skipf("%s is no file", only)
	}
	if testing.Short() {
		t.Skip("it builds and starts the program for each file")
	}
	bin, err := plainBuild()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := os.ReadFile("../../playbooks/en/general.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2)
	for _, in := range inputs {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			files := map[string]string{
				"config": "topics: [{name: acme, query: acme}]\npeople: people.yaml\nplaybooks: [plan.yaml]\n",
				"people": folk, "plan": string(plan),
			}
			l := in.Load(seed, "", time.Now())
			files[l.Header["file"]] = string(l.Body)
			dir := t.TempDir()
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
					t.Error(err)
				}
			}
			r := check(t, bin, filepath.Join(dir, "config.yaml"))
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(&table, "%-42s %4d MiB  %6.1f s  %s\n", in.Name(), r.mib, r.took.Seconds(),
				hostile.Answer(strings.ReplaceAll(r.said, dir+"/", "")))
			if wrong := r.wrong(); wrong != "" {
				t.Errorf("%s (seed %d): %s", in.Name(), seed, wrong)
			}
		})
	}
	wg.Wait()
	t.Logf("%d files\n%s", len(inputs), table.String())
}

// checked is what brandmelder check did.
type checked struct {
	said string
	exit int
	mib  int
	took time.Duration
}

func check(t *testing.T, bin, conf string) (r checked) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*checkPatient)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, bin, "check", conf)
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return r
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
			mib, _ := hostile.HighWater(cmd.Process.Pid)
			if r.mib = max(r.mib, mib); mib > checkRunaway {
				cancel()
			}
		}
	})
	_ = cmd.Wait() // the exit code says it
	close(done)
	wg.Wait()
	r.took, r.said, r.exit = time.Since(began), out.String(), cmd.ProcessState.ExitCode()
	return r
}

// placed is how an error names its place.
var placed = regexp.MustCompile(`(?m)\.yaml:\d+:\d+: `)

func (r checked) wrong() string {
	switch {
	case strings.Contains(r.said, "goroutine ") || strings.Contains(r.said, "panic"):
		return "it panicked: " + hostile.Answer(r.said)
	case r.took > checkPatient:
		return fmt.Sprintf("it took %s", r.took)
	case r.mib > hostileMiB:
		return fmt.Sprintf("it used %d MiB", r.mib)
	case r.exit != 1:
		return fmt.Sprintf("it exited with %d and said: %s", r.exit, hostile.Answer(r.said))
	case !placed.MatchString(r.said):
		return "the error names no place: " + hostile.Answer(r.said)
	case len(r.said) > 1<<20:
		return fmt.Sprintf("it printed %d MiB of errors", len(r.said)>>20)
	}
	return ""
}
