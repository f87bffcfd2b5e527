package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// Grafana's own types take every field of the file, and the file is what the code builds.
func TestTheDashboardIsInStepAndStrictlyValid(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	file, err := os.ReadFile("brandmelder.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := render()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, doc) {
		t.Error("brandmelder.json is old; run: go generate ./deploy/grafana")
	}
	var d dashboard.Dashboard
	// Without mistakes the error is an empty list of them.
	if err := d.UnmarshalJSONStrict(file); err != nil && err.Error() != "" {
		t.Errorf("strictly: %v", err)
	}
	if err := d.Validate(); err != nil && err.Error() != "" {
		t.Errorf("validate: %v", err)
	}
}
