package sentiment

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Example is a text whose tone somebody has judged.
type Example struct {
	Label int // Negative, Neutral or Positive
	Text  string
}

// ReadExamples reads lines of label, tab, text. name stands in errors, before the line's number.
func ReadExamples(name string, r io.Reader) ([]Example, error) {
	var out []Example
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for line := 1; sc.Scan(); line++ {
		label, text, ok := strings.Cut(sc.Text(), "\t")
		n, err := strconv.Atoi(label)
		if !ok || err != nil || n < 0 || n >= classes {
			return nil, fmt.Errorf("%s:%d:1: want 0 (negative), 1 (neutral) or 2 (positive), a tab and the text", name, line)
		}
		out = append(out, Example{n, text})
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

const (
	epochs = 5
	rate   = 0.8
	decay  = 1e-6
)

// Train fits a model to sets of examples: AdaGrad (Duchi et al. 2011) on the log loss, rare classes weighted up within
// their set, so that a newspaper's neutrality does not deafen the ear for tweets. The same sets give the same model to the byte. progress
// is called after each pass with the share done, 0 to 1.
func Train(sets [][]Example, progress func(float64)) *Model {
	type item struct {
		fs     []uint32
		label  int
		weight float32
	}
	var items []item
	var f features
	for _, set := range sets {
		var count [classes]float64
		for _, ex := range set {
			count[ex.Label]++
		}
		for _, ex := range set {
			fs := append([]uint32(nil), f.extract(ex.Text)...)
			w := float64(len(set)) / classes / count[ex.Label]
			items = append(items, item{fs, ex.Label, float32(w)})
		}
	}
	w := make([]float32, classes<<bits)
	g := make([]float32, classes<<bits)
	var bias, biasG [classes]float32
	rng := rand.New(rand.NewPCG(2026, 3))
	for epoch := range epochs {
		rng.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		for _, it := range items {
			norm := float32(1 / math.Sqrt(float64(len(it.fs))))
			var z [classes]float64
			for c := range z {
				s := float32(0)
				for _, b := range it.fs {
					s += w[int(b)*classes+c]
				}
				z[c] = float64(s*norm + bias[c])
			}
			p := softmax(z)
			for c := range classes {
				d := p[c]
				if c == it.label {
					d--
				}
				d *= it.weight
				biasG[c] += d * d
				bias[c] -= rate / 10 * d / float32(math.Sqrt(float64(biasG[c])+1e-6))
				d *= norm
				for _, b := range it.fs {
					i := int(b)*classes + c
					grad := d + decay*w[i]*float32(len(items))/epochs
					g[i] += grad * grad
					w[i] -= rate / 6 * grad / (float32(math.Sqrt(float64(g[i]))) + 0.02)
				}
			}
		}
		if progress != nil {
			progress(float64(epoch+1) / epochs)
		}
	}
	top := float32(0)
	for _, v := range w {
		top = max(top, float32(math.Abs(float64(v))))
	}
	// Clipping the few largest weights buys finer steps for all others.
	m := &Model{weights: make([]int8, len(w)), scale: top * 0.5 / 127, bias: bias}
	if m.scale == 0 {
		m.scale = 1
	}
	for i, v := range w {
		m.weights[i] = int8(max(-127, min(127, math.Round(float64(v/m.scale)))))
	}
	return m
}

// Report says how well a model hears, on examples it was not trained on. Shares are percentages.
type Report struct {
	N           int                   `json:"n"`
	Accuracy    float64               `json:"accuracy"`
	MacroRecall float64               `json:"macro_recall"`
	MacroF1     float64               `json:"macro_f1"`
	PerClass    map[string]ClassShare `json:"per_class"`
	ECE         float64               `json:"ece"` // expected calibration error, 0 to 1, ten bins (Guo et al. 2017)
	PerSecond   float64               `json:"mentions_per_second"`
}

// ClassShare is one class of a Report.
type ClassShare struct {
	N         int     `json:"n"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// ClassNames are the names of the classes in reports.
var ClassNames = [classes]string{"negative", "neutral", "positive"}

// Evaluate holds tones against labels.
func Evaluate(examples []Example, tones []Tone) Report {
	var hit, said, is [classes]float64
	var binN, binP, binHit [10]float64
	right := 0.0
	for i, ex := range examples {
		c := tones[i].Class()
		said[c]++
		is[ex.Label]++
		p := float64(tones[i][c])
		b := min(int(p*10), 9)
		binN[b]++
		binP[b] += p
		if c == ex.Label {
			hit[c]++
			right++
			binHit[b]++
		}
	}
	n := float64(len(examples))
	r := Report{N: len(examples), Accuracy: 100 * right / max(n, 1), PerClass: map[string]ClassShare{}}
	for c := range classes {
		s := ClassShare{N: int(is[c])}
		s.Precision = 100 * hit[c] / max(said[c], 1)
		s.Recall = 100 * hit[c] / max(is[c], 1)
		s.F1 = 2 * s.Precision * s.Recall / max(s.Precision+s.Recall, 1e-9)
		r.MacroRecall += s.Recall / classes
		r.MacroF1 += s.F1 / classes
		r.PerClass[ClassNames[c]] = s
	}
	for b := range binN {
		r.ECE += math.Abs(binP[b]-binHit[b]) / max(n, 1)
	}
	return r
}
