package relevance

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// said makes examples of a railway that shares its name, Bahn, with racetracks and bowling alleys.
func said(n int, seed uint64) []Example {
	rng := rand.New(rand.NewPCG(seed, 1))
	pick := func(words string) string {
		all := strings.Fields(words)
		return all[rng.IntN(len(all))]
	}
	var out []Example
	for i := range n {
		if i%3 > 0 {
			out = append(out, Example{fmt.Sprintf("Die Bahn nach %s ist %s, wir %s am %s", pick("Köln Hamburg Berlin Ulm"), pick("verspätet voll pünktlich ausgefallen"), pick("warten stehen sitzen"), pick("Bahnhof Gleis Bahnsteig")), true})
		} else {
			out = append(out, Example{fmt.Sprintf("%s %s auf der %s Bahn %s", pick("Kegeln Radsport Golf Bowling"), pick("macht war wird"), pick("zweiten schnellen nassen"), pick("Spaß gewonnen Weltmeister Bestzeit")), false})
		}
	}
	return out
}

func TestADozenMarksTellARailwayFromARacetrack(t *testing.T) {
	var r Reader
	f := Learn(said(12, 1))
	if f == nil {
		t.Fatal("nothing is learned from a dozen examples")
	}
	right := 0
	test := said(300, 2)
	for _, m := range test {
		if (r.About(f, m.Text) >= 0.5) == m.About {
			right++
		}
	}
	if right < 285 {
		t.Errorf("of 300 texts %d are told right", right)
	}
}

func TestWithoutEnoughMarksNothingIsHeldBack(t *testing.T) {
	var r Reader
	for name, examples := range map[string][]Example{"none": nil, "one kind": said(3, 1)[1:], "two of the other": said(6, 1)[:5]} {
		if p := r.About(Learn(examples), "Kegeln auf der Bahn"); p != 1 {
			t.Errorf("%s: about the brand with %v, want 1", name, p)
		}
	}
	// Contradicting examples teach nothing.
	var examples []Example
	for i := range 40 {
		examples = append(examples, Example{"Die Bahn fährt", i%2 == 0})
	}
	if f := Learn(examples); f != nil && r.About(f, "Die Bahn fährt") < 0.3 {
		t.Error("what is said both ways is held back")
	}
}

func TestTheNameIsFoundByItself(t *testing.T) {
	if names := shared(said(60, 3)); len(names) == 0 || names[0] != "bahn" {
		t.Errorf("the texts are found by %q", names)
	}
	var examples []Example
	for i := range 40 {
		examples = append(examples, Example{fmt.Sprintf("my parcel number%d from DHX is late", i), true}, Example{fmt.Sprintf("thing%d at the parcel shop of another", i), false})
	}
	if names := shared(examples); names[0] != "parcel" {
		t.Errorf("the texts are found by %q", names)
	}
}

func TestLearningIsRepeatable(t *testing.T) {
	var r Reader
	a, b := Learn(said(90, 4)), Learn(said(90, 4))
	for _, m := range said(90, 5) {
		if x, y := r.About(a, m.Text), r.About(b, m.Text); x != y {
			t.Fatalf("%q: %v and %v", m.Text, x, y)
		}
	}
}

func FuzzAbout(f *testing.F) {
	f.Add("Die Bahn 🚆 ist\u200b spät @DB_Bahn #bahn", "Bahn frei!")
	examples := said(30, 6)
	f.Fuzz(func(t *testing.T, text, said string) {
		var r Reader
		filter := Learn(append([]Example{{said, true}, {text, false}}, examples...))
		if p := r.About(filter, text); !(p >= 0 && p <= 1) {
			t.Errorf("%q: %v", text, p)
		}
	})
}

// One text, compared with encoding/json reading it.
func BenchmarkAbout(b *testing.B) {
	const text = "Die Bahn nach Hamburg ist heute wieder verspätet, wir stehen seit einer halben Stunde am Gleis und niemand sagt etwas. #bahn"
	line, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var m map[string]string
			if err := json.Unmarshal(line, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("about", func(b *testing.B) {
		var r Reader
		f := Learn(said(300, 7))
		b.ReportAllocs()
		for b.Loop() {
			r.About(f, text)
		}
	})
}
