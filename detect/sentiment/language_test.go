package sentiment

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"brandmelder/language"
)

var update = flag.Bool("update", false, "write the language model again, after a training")

// Package language has its own copy of the gate's weights, so that it does not need the tone model. A training of the
// tone model changes both.
func TestTheLanguageModelHasTheWeightsOfTheGate(t *testing.T) {
	m := Default()
	n := len(m.names)
	copied := &language.Model{Languages: m.names, Bias: m.gateBias, Scale: m.gateScale, Weights: make([]int8, 0, n<<gateBits)}
	for row := range language.Buckets {
		copied.Weights = append(copied.Weights, m.gate[row*MaxExperts:][:n]...)
	}
	var want bytes.Buffer
	if err := copied.Write(&want); err != nil {
		t.Fatal(err)
	}
	const file = "../../language/model.bin"
	if *update {
		if err := os.WriteFile(file, want.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("language/model.bin has other weights than the gate; write it: go test ./detect/sentiment -run LanguageModel -update")
	}
}
