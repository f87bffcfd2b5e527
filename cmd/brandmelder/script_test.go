package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// The command as people type it: testdata/script/*.txtar.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}

// tested runs the tests and takes away what they built.
type tested struct{ m *testing.M }

func (t tested) Run() int {
	code := t.m.Run()
	if built.Load() {
		if bin, err := build(); err == nil {
			_ = os.RemoveAll(bin[:len(bin)-len("/brandmelder")])
		}
	}
	if code == 0 {
		if err := goleak.Find(); err != nil { // every goroutine has an owner that waits for it
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

func TestMain(m *testing.M) {
	testscript.Main(tested{m}, map[string]func(){"brandmelder": main})
}
