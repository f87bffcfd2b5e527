package sentiment

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Example is a text whose tone somebody has judged.
type Example struct {
	Label int // Negative, Neutral or Positive; of other questions, the number of the answer
	Text  string
}

// OffenceLabels are the answers to whether a text is offensive.
var OffenceLabels = []string{"other", "offensive"}

// ReadExamples reads lines of label, tab, text; a label is the number of one of the answers, which are ClassNames for tone. name stands in errors, before
// the line's number.
func ReadExamples(name string, r io.Reader, answers []string) ([]Example, error) {
	var want []string
	for i, a := range answers {
		want = append(want, fmt.Sprintf("%d (%s)", i, a))
	}
	var out []Example
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for line := 1; sc.Scan(); line++ {
		label, text, ok := strings.Cut(sc.Text(), "\t")
		n, err := strconv.Atoi(label)
		if !ok || err != nil || n < 0 || n >= len(answers) {
			return nil, fmt.Errorf("%s:%d:1: want %s, a tab and the text", name, line, strings.Join(want, " or "))
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
	rate   = 0.13
	damp   = 0.1
	decay  = 1e-6
)

// item is an example as the learner sees it.
type item struct {
	fs     []uint32
	words  []uint32
	gate   []uint32 // what the gate reads: every other feature, before the language is known, and the accounts named
	gateOf int      // of so many features
	label  int
	set    int
	weight float32 // of its class within its set

	cut     features // the words, as cut
	figures [signals]float32
}

// Set is examples of one language and kind of text.
type Set struct {
	Lang     string // ISO 639-1
	Examples []Example
}

// Lessons is what a model is trained on.
type Lessons struct {
	Sets      []Set     // each becomes an expert
	Vectors   *Vectors  // nil means none; the experts whose words have vectors also hear phrases
	Offensive []Example // labels 0, other, and 1, offensive; may be empty
	Extra     []Example // of any language and kind: each goes to the expert whose matter it is likeliest to be
}

// Train fits a model: AdaGrad (Duchi et al. 2011) on the log loss, rare classes weighted up within their set, so that a newspaper's neutrality does not
// deafen the ear for tweets. The same lessons give the same model to the byte. progress is called now and then with the share done, 0 to 1.
func Train(l Lessons, progress func(float64)) *Model {
	sets, vectors := slices.Clone(l.Sets), l.Vectors
	if vectors == nil {
		vectors = &Vectors{Dims: 1}
	}
	if progress == nil {
		progress = func(float64) {}
	}
	if len(l.Extra) > 0 {
		m := &Model{}
		m.fitGate(itemsOf(sets), len(sets))
		ear := m.Ear()
		for _, ex := range l.Extra {
			fs := ear.f.extract(ex.Text)
			shares := ear.experts(fs, ear.f.named)
			best := 0
			for k := range sets {
				if shares[k] > shares[best] {
					best = k
				}
			}
			sets[best].Examples = append(slices.Clip(sets[best].Examples), ex)
		}
	}
	items := itemsOf(sets)
	m := &Model{sharpness: make([]float32, len(sets)), trust: make([]float32, len(sets)), langs: make([][2]byte, len(sets))}
	for k := range m.sharpness {
		copy(m.langs[k][:], sets[k].Lang)
		m.sharpness[k] = 1
		if own := of(items, k); len(own) >= enough && !oneSided(sets[k].Examples) && covers(own, vectors, sets[k].Lang) >= covered {
			m.trust[k] = 1
		}
	}
	m.learnLanguages()
	m.fitGate(items, len(sets))
	progress(0.05)
	// What the phrases count, and how sure it may be, are learned from a fifth that it was not trained on.
	most, rest := aside(items, 5)
	m.fitTone(most, func(done float64) { progress(0.05 + 0.1*done) })
	m.phrases = fitPhrases(m.readers(most), m.names, vectors, func(done float64) { progress(0.15 + 0.3*done) })
	m.fitTrust(rest, func(done float64) { progress(0.45 + 0.05*done) })
	m.fitTone(items, func(done float64) { progress(0.5 + 0.1*done) })
	m.phrases = fitPhrases(m.readers(items), m.names, vectors, func(done float64) { progress(0.6 + 0.4*done) })
	m.offence = fitOffence(offenceItems(l.Offensive))
	return m
}

// oneSided says whether most of the set is of one class, as in newspapers.
func oneSided(set []Example) bool {
	var count [classes]int
	for _, ex := range set {
		count[ex.Label]++
	}
	return float64(max(count[0], count[1], count[2])) > 0.6*float64(len(set))
}

// itemsOf are the examples of all sets as the learner sees them.
func itemsOf(sets []Set) []item {
	var items []item
	var f features
	for k := range sets {
		set := sets[k].Examples
		var count [classes]float64
		for _, ex := range set {
			count[ex.Label]++
		}
		// Where most is of one class, that class must stay heard too.
		balance := 1.0
		if oneSided(set) {
			balance = 0.75
		}
		for _, ex := range set {
			w := math.Pow(float64(len(set))/classes/count[ex.Label], balance)
			it := item{label: ex.Label, set: k, weight: float32(w)}
			fs := f.extract(ex.Text)
			for i := 0; i < len(fs); i += gateStride {
				it.gate = append(it.gate, fs[i]&gateMask)
			}
			it.gateOf = len(fs)
			for _, h := range f.named {
				it.gate = append(it.gate, bucket(h^'@')&gateMask)
			}
			it.fs, it.words = slices.Clone(f.extractIn(sets[k].Lang, ex.Text)), slices.Clone(f.hashes)
			it.cut = features{buf: slices.Clone(f.buf), ends: slices.Clone(f.ends), hashes: it.words}
			if l := lexicons()[sets[k].Lang]; l != nil {
				s := it.cut.summarize(l)
				s.figures(&it.figures)
			}
			items = append(items, it)
		}
	}
	return items
}

// aside sets one of n items apart.
func aside(items []item, n int) (most, rest []item) {
	for i, it := range items {
		if i%n == 3 {
			rest = append(rest, it)
		} else {
			most = append(most, it)
		}
	}
	return most, rest
}

// An expert hears phrases where so large a share of its set's words has vectors, and where it has so many texts: what the filters answer must be learned from
// texts of its own kind. Where most is of one class they are no help: what they hear is learned from tweets, in which people say what they mean.
const covered, enough = 0.7, 1500

func of(items []item, set int) []item {
	return slices.DeleteFunc(slices.Clone(items), func(it item) bool { return it.set != set })
}

// readers are the items of experts that hear phrases.
func (m *Model) readers(items []item) []item {
	return slices.DeleteFunc(slices.Clone(items), func(it item) bool { return m.trust[it.set] == 0 })
}

// fitGate learns whose matter a text is.
func (m *Model) fitGate(items []item, experts int) {
	const passes, rate, damp = 5, 0.2, 0.02
	w, g := make([]float32, MaxExperts<<gateBits), make([]float32, MaxExperts<<gateBits)
	m.gateBias = make([]float32, experts)
	size := make([]float64, experts)
	for _, it := range items {
		size[it.set]++
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
				z[k] = float64(s*norm + m.gateBias[k])
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
				d *= float32(2000 / size[it.set]) // none is likelier before the text is seen
				m.gateBias[k] -= 0.01 * d
				d *= norm
				for _, b := range it.gate {
					i := int(b)*MaxExperts + k
					g[i] += d * d
					w[i] -= rate * d / (float32(math.Sqrt(float64(g[i]))) + damp)
				}
			}
		}
	}
	m.gate, m.gateScale = quantize(w)
}

// fitTone learns the shared weights and each expert's own.
func (m *Model) fitTone(items []item, progress func(float64)) {
	w, g := make([]float32, classes<<bits), make([]float32, classes<<bits)
	var bias, biasG [classes]float32
	figures, figuresG := make([]float32, len(m.langs)*classes*signals), make([]float32, len(m.langs)*classes*signals)
	for i := range figures {
		figures[i] = believed[i/signals%classes][i%signals]
	}
	order := rand.New(rand.NewPCG(2026, 3))
	items = slices.Clone(items)
	var fs []uint32
	for epoch := range epochs {
		order.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		for _, it := range items {
			fs = append(fs[:0], it.fs...)
			for _, b := range it.fs {
				fs = append(fs, own(b, it.set))
			}
			norm := weigh(len(it.fs))
			var z [classes]float64
			for c := range z {
				s := float32(0)
				for _, b := range fs {
					s += w[int(b)*classes+c]
				}
				s = s*norm + bias[c]
				for i, x := range it.figures {
					s += figures[(it.set*classes+c)*signals+i] * x
				}
				z[c] = float64(s)
			}
			p := softmax(z)
			for c := range classes {
				d := p[c]
				if c == it.label {
					d--
				}
				d *= it.weight
				biasG[c] += d * d
				bias[c] -= 0.08 * d / float32(math.Sqrt(float64(biasG[c])+1e-6))
				for i, x := range it.figures {
					if x != 0 {
						k, grad := (it.set*classes+c)*signals+i, d*x
						figuresG[k] += grad * grad
						figures[k] -= 0.005 * grad / float32(math.Sqrt(float64(figuresG[k])+1e-3))
					}
				}
				d *= norm
				for _, b := range fs {
					i := int(b)*classes + c
					grad := d + decay*w[i]*float32(len(items))/epochs
					g[i] += grad * grad
					w[i] -= rate * grad / (float32(math.Sqrt(float64(g[i]))) + damp)
				}
			}
		}
		progress(float64(epoch+1) / epochs)
	}
	m.bias, m.signals = bias, figures
	m.weights, m.scale = quantize(w)
}

// fitTrust finds what the phrases count for each expert that hears them, by a loss in which the classes weigh alike, and each expert's inverse temperature by the
// plain one; both on texts that it was not trained on.
func (m *Model) fitTrust(items []item, progress func(float64)) {
	ear := m.Ear()
	for k := range m.sharpness {
		own := of(items, k)
		var count [classes]float64
		for _, it := range own {
			count[it.label]++
		}
		loss := func(balanced bool) float64 {
			sum := 0.0
			for _, it := range own {
				b := brief{fs: it.fs, words: it.words}
				l := -math.Log(float64(ear.score(&b, &it.cut, k)[it.label]) + 1e-9)
				if balanced {
					l /= count[it.label]
				}
				sum += l
			}
			return sum
		}
		// The loss is convex in it: the range is narrowed by the golden section (Kiefer 1953).
		sharpest := func(balanced bool) (best float32, least float64) {
			at := func(logarithm float64) float64 {
				m.sharpness[k] = float32(math.Exp(logarithm))
				return loss(balanced)
			}
			from, to := math.Log(0.3), math.Log(4)
			for to-from > 0.01 {
				if l, r := to-(to-from)/math.Phi, from+(to-from)/math.Phi; at(l) < at(r) {
					to = r
				} else {
					from = l
				}
			}
			least = at((from + to) / 2)
			return m.sharpness[k], least
		}
		if m.trust[k] > 0 {
			best, least := float32(0), math.Inf(1)
			for _, m.trust[k] = range []float32{0.25, 0.5, 0.75, 1} {
				if _, l := sharpest(true); l < least {
					best, least = m.trust[k], l
				}
			}
			m.trust[k] = best
		}
		m.sharpness[k], _ = sharpest(false)
		progress(float64(k+1) / float64(len(m.sharpness)))
	}
}

// quantize puts weights into a byte each. Clipping the few largest buys finer steps for all others.
func quantize(w []float32) ([]int8, float32) {
	top := float32(0)
	for _, v := range w {
		top = max(top, float32(math.Abs(float64(v))))
	}
	scale := top * 0.5 / 127
	if scale == 0 {
		scale = 1
	}
	out := make([]int8, len(w))
	for i, v := range w {
		out[i] = int8(max(-127, min(127, math.Round(float64(v/scale)))))
	}
	return out, scale
}
