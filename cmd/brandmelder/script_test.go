package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
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
	return code
}

func TestMain(m *testing.M) {
	testscript.Main(tested{m}, map[string]func(){"brandmelder": main})
}
