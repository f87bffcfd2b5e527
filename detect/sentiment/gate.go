package sentiment

import (
	"math"
	"math/rand/v2"
	"slices"
)

// gateBits is the base-2 logarithm of the number of the gate's buckets. The gate needs fewer than tone, to separate
// languages and kinds of text.
const gateBits = 16

const gateMask = 1<<gateBits - 1

// gateStride: the gate reads one of so many features, because languages and kinds of text show in any of them.
const gateStride = 2

// namedCounts is how many features a named account is worth to the gate: whom people write to says more than a piece of
// a word.
const namedCounts = 4

// sizes is the number of lengths of texts that the gate separates.
const sizes = 32

// sizeOf is the length of a text of n features, in half octaves, below sizes.
func sizeOf(n int) int { return min(sizes-1, int(2*math.Log2(float64(n+1)))) }

// experts is the share of each expert in the text, by its features and by the accounts that it names.
func (e *Scorer) experts(fs, named []uint32) (shares [MaxExperts]float32) {
	n := len(e.m.gateBias)
	var sums [MaxExperts]int32
	for i := 0; i < len(fs); i += gateStride {
		row := (*[MaxExperts]int8)(e.m.gate[int(fs[i]&gateMask)*MaxExperts:])
		for k, w := range row {
			sums[k] += int32(w)
		}
	}
	for _, h := range named {
		for k, w := range (*[MaxExperts]int8)(e.m.gate[int(bucket(h^'@')&gateMask)*MaxExperts:]) {
			sums[k] += namedCounts * int32(w)
		}
	}
	norm := e.m.gateScale / float32(math.Sqrt(float64(len(fs))))
	top := float32(math.Inf(-1))
	bySize := e.m.gateSize[sizeOf(len(fs))*MaxExperts:]
	for k := range n {
		shares[k] = float32(sums[k])*norm + e.m.gateBias[k] + bySize[k]
		top = max(top, shares[k])
	}
	total := float32(0)
	for k := range n {
		shares[k] = float32(math.Exp(float64(shares[k] - top)))
		total += shares[k]
	}
	for k := range n {
		shares[k] /= total
	}
	return shares
}

// gateDamp slows the first steps of the gate's learning.
const gateDamp = 0.02

// fitGate learns which expert a text belongs to.
func (m *Model) fitGate(items []item) {
	const passes, rate = 5, 0.2
	experts := len(m.langs)
	w, g := make([]float32, MaxExperts<<gateBits), make([]float32, MaxExperts<<gateBits)
	m.gateBias, m.gateSize = make([]float32, experts), make([]float32, sizes*MaxExperts)
	sizeG, ds := make([]float32, sizes*MaxExperts), make([]float32, experts)
	size := make([]float64, experts)
	var seen [sizes]bool
	for _, it := range items {
		size[it.set]++
		seen[sizeOf(it.gateOf)] = true
	}
	z := make([]float64, experts)
	order := rand.New(rand.NewPCG(2026, 1))
	items = slices.Clone(items)
	for range passes {
		order.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		for _, it := range items {
			norm := float32(1 / math.Sqrt(float64(it.gateOf)))
			top := math.Inf(-1)
			for k := range z {
				s := float32(0)
				for _, b := range it.gate {
					s += w[int(b)*MaxExperts+k]
				}
				z[k] = float64(s*norm + m.gateBias[k] + m.gateSize[sizeOf(it.gateOf)*MaxExperts+k])
				top = max(top, z[k])
			}
			total := 0.0
			for k := range z {
				z[k] = math.Exp(z[k] - top)
				total += z[k]
			}
			for k := range z {
				d := float32(z[k] / total)
				if k == it.set {
					d--
				}
				d *= float32(2000 / size[it.set]) // none is more probable before the text is read
				m.gateBias[k] -= 0.01 * d
				ds[k] = d
				d *= norm
				for _, b := range it.gate {
					i := int(b)*MaxExperts + k
					g[i] += d * d
					w[i] -= rate * d / (float32(math.Sqrt(float64(g[i]))) + gateDamp)
				}
			}
			m.learnSize(sizeOf(it.gateOf), ds, sizeG)
		}
	}
	// A text longer than any in the training data counts as the longest.
	for s := 1; s < sizes; s++ {
		if !seen[s] {
			copy(m.gateSize[s*MaxExperts:][:MaxExperts], m.gateSize[(s-1)*MaxExperts:])
		}
	}
	m.gate, m.gateScale = quantize(w, 1)
}

// learnSize learns from a text of that length, by the gradients of the experts' logits; squares are the sums of earlier
// ones. A text's language does not show in its length, so only what separates the experts of one language is learned.
func (m *Model) learnSize(size int, gradients, squares []float32) {
	const rate = 0.05
	for k, lang := range m.langs {
		n, sum := float32(0), float32(0)
		for j := range m.langs {
			if m.langs[j] == lang {
				n++
				sum += gradients[j]
			}
		}
		if n > 1 {
			i, d := size*MaxExperts+k, gradients[k]-sum/n
			squares[i] += d * d
			m.gateSize[i] -= rate * d / (float32(math.Sqrt(float64(squares[i]))) + gateDamp)
		}
	}
}
