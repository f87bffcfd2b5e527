package sentiment

import (
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
	"slices"
)

// question is a regression for a yes-or-no question about a text.
type question struct {
	weights []int8 // buckets, a power of two
	scale   float32
	bias    float32
	slope   float32 // of the log odds; 0 if nothing was learned
}

func newQuestion(bits int) question { return question{weights: make([]int8, 1<<bits), scale: 1} }

func (q *question) parts() []any { return []any{&q.scale, &q.bias, &q.slope, q.weights} }

func (q *question) read(r io.Reader) error {
	for _, part := range q.parts() {
		if err := binary.Read(r, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	return nil
}

func (q *question) write(w io.Writer) error {
	for _, part := range q.parts() {
		if err := binary.Write(w, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	return nil
}

func (q *question) logit(fs []uint32) float32 {
	sum, mask := int32(0), uint32(len(q.weights)-1)
	for _, b := range fs {
		sum += int32(q.weights[b&mask])
	}
	return float32(sum)*q.scale/float32(math.Sqrt(float64(len(fs)+1))) + q.bias
}

// yes is the probability of yes; 0 if nothing was learned.
func (q *question) yes(fs []uint32) float32 {
	if q.slope == 0 {
		return 0
	}
	return float32(1 / (1 + math.Exp(-float64(q.slope*q.logit(fs)))))
}

// fitQuestion learns from items with the labels 0, no, and 1, yes. Both have the same weight, however rare. The
// certainty is learned from a tenth that is left out of training.
func fitQuestion(items []item, bits int) question {
	if len(items) == 0 {
		return newQuestion(bits)
	}
	most, rest := aside(items, 10)
	q := regress(most, bits)
	slope, least := float32(1), math.Inf(1)
	for s := 0.1; s < 4; s *= 1.08 {
		loss := 0.0
		for _, it := range rest {
			p := 1 / (1 + math.Exp(-s*float64(q.logit(it.fs))))
			if it.label == 0 {
				p = 1 - p
			}
			loss -= math.Log(p + 1e-9)
		}
		if loss < least {
			slope, least = float32(s), loss
		}
	}
	q = regress(items, bits)
	q.slope = slope
	return q
}

func regress(items []item, bits int) question {
	const passes, rate, damp, decay = 6, 0.15, 0.05, 1e-6
	mask := uint32(1)<<bits - 1
	w, g := make([]float32, 1<<bits), make([]float32, 1<<bits)
	var q question
	ones := 0
	for _, it := range items {
		ones += it.label
	}
	rng := rand.New(rand.NewPCG(2026, 17))
	order := slices.Clone(items)
	for range passes {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, it := range order {
			norm := 1 / float32(math.Sqrt(float64(len(it.fs)+1)))
			z := float32(0)
			for _, b := range it.fs {
				z += w[b&mask]
			}
			p := 1 / (1 + math.Exp(-float64(z*norm+q.bias)))
			weight := float32(len(items)) / 2 / float32(ones)
			if it.label == 0 {
				weight = float32(len(items)) / 2 / float32(len(items)-ones)
			}
			d := (float32(p) - float32(it.label)) * weight
			q.bias -= 0.01 * d
			for _, b := range it.fs {
				b &= mask
				grad := d*norm + decay*w[b]*float32(len(items))
				g[b] += grad * grad
				w[b] -= rate * grad / (float32(math.Sqrt(float64(g[b]))) + damp)
			}
		}
	}
	q.weights, q.scale = quantize(w, 0.5)
	return q
}

// questionItems are texts with the labels 0 and 1, prepared for training.
func questionItems(examples []Example) []item {
	var f features
	var out []item
	for _, ex := range examples {
		out = append(out, item{fs: slices.Clone(f.extract(ex.Text)), label: ex.Label})
	}
	return out
}
