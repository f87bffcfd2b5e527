package sentiment

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Example is a text with a person's judgement of its tone.
type Example struct {
	Label int // Negative, Neutral or Positive; for other questions, the number of the answer
	Text  string
}

// OffenceLabels are the answers to whether a text is offensive.
var OffenceLabels = []string{"other", "offensive"}

// ReadExamples reads lines of label, tab, text. A label is the number of one of the answers, which are ClassNames for
// tone. name stands in errors, before the line's number.
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
	orders = 8
)

// item is an example prepared for training.
type item struct {
	fs    []uint32
	words []uint32
	// what the gate reads: every other feature, before the language is known, and the accounts named
	gate   []uint32
	gateOf int // number of features
	label  int
	set    int
	weight float32 // weight of its class within its set
	decay  float32 // weight of the example

	cut     features // the words
	figures [signals]float32
}

// Set is examples of one language and kind of text.
type Set struct {
	Lang     string // ISO 639-1
	Examples []Example
	// 1: a text of this kind about the subject of the set; 0: one about something else, which is neutral. At most one
	// set has any
	About []Example
}

// Lessons is the training data of a model.
type Lessons struct {
	Sets      []Set     // each becomes an expert
	Vectors   *Vectors  // nil means none; experts whose words have vectors use phrases
	Offensive []Example // labels 0, other, and 1, offensive; may be empty
	Extra     []Example // of any language and kind: the gate assigns each to an expert
}

// Train fits a model: AdaGrad (Duchi et al. 2011) on the log loss. Rare classes have a higher weight within their set,
// so that a newspaper's neutrality does not dominate tweets. The same training data give the same model to the byte.
// progress is called now and then with the share done, 0 to 1.
func Train(l Lessons, progress func(float64)) *Model {
	sets, vectors := slices.Clone(l.Sets), l.Vectors
	if vectors == nil {
		vectors = &Vectors{Dims: 1}
	}
	if progress == nil {
		progress = func(float64) {}
	}
	if len(l.Extra) > 0 {
		m := &Model{langs: langsOf(sets)}
		m.fitGate(itemsOf(sets))
		scorer := m.Scorer()
		for _, ex := range l.Extra {
			fs := scorer.f.extract(ex.Text)
			shares := scorer.experts(fs, scorer.f.named)
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
	m := &Model{sharpness: make([]float32, len(sets)), usesPhrases: make([]bool, len(sets)), langs: langsOf(sets), aboutOf: -1}
	for k := range m.sharpness {
		m.sharpness[k] = 1
		if own := of(items, k); len(own) >= enough && !oneSided(sets[k].Examples) && covers(own, vectors, sets[k].Lang) >= covered {
			m.usesPhrases[k] = true
		}
	}
	m.learnLanguages()
	m.fitGate(items)
	var about []Example
	for k := range sets {
		if len(sets[k].About) > 0 {
			m.aboutOf, about = int32(k), sets[k].About
		}
	}
	progress(0.05)
	// The certainty is learned from a fifth that is left out of training.
	most, rest := aside(items, 5)
	m.about = fitQuestion(questionItems(withoutAside(about, sets, 5)), aboutBits)
	m.fitTone(most, func(done float64) { progress(0.05 + 0.1*done) })
	m.phrases = fitPhrases(m.readers(most), m.names, vectors, func(done float64) { progress(0.15 + 0.3*done) })
	m.fitSharpness(rest)
	m.fitTone(items, func(done float64) { progress(0.5 + 0.1*done) })
	m.phrases = fitPhrases(m.readers(items), m.names, vectors, func(done float64) { progress(0.6 + 0.4*done) })
	m.offence = fitQuestion(questionItems(l.Offensive), offenceBits)
	m.about = fitQuestion(questionItems(about), aboutBits)
	return m
}

func langsOf(sets []Set) [][2]byte {
	out := make([][2]byte, len(sets))
	for k := range sets {
		copy(out[k][:], sets[k].Lang)
	}
	return out
}

// oneSided reports whether most of the set is of one class, as in newspapers.
func oneSided(set []Example) bool {
	var count [classes]int
	for _, ex := range set {
		count[ex.Label]++
	}
	return float64(max(count[0], count[1], count[2])) > 0.6*float64(len(set))
}

// itemsOf are the examples of all sets, prepared for training.
func itemsOf(sets []Set) []item {
	var items []item
	var f features
	for k := range sets {
		set := sets[k].Examples
		var count [classes]float64
		for _, ex := range set {
			count[ex.Label]++
		}
		// If most examples are of one class, that class keeps its weight, and the others, with few texts, are learned
		// more slowly.
		balance := 1.0
		fading := float32(decay)
		if oneSided(set) {
			balance, fading = 0.75, 2*decay
		}
		for _, ex := range set {
			w := math.Pow(float64(len(set))/classes/count[ex.Label], balance)
			it := item{label: ex.Label, set: k, weight: float32(w), decay: fading}
			fs := f.extract(ex.Text)
			for i := 0; i < len(fs); i += gateStride {
				it.gate = append(it.gate, fs[i]&gateMask)
			}
			it.gateOf = len(fs)
			for _, h := range f.named {
				for range namedCounts {
					it.gate = append(it.gate, bucket(h^'@')&gateMask)
				}
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

// aside separates one of n items.
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

// withoutAside is the examples without the texts that aside separates.
func withoutAside(examples []Example, sets []Set, n int) []Example {
	apart, i := map[string]bool{}, 0
	for _, set := range sets {
		for _, ex := range set.Examples {
			if i%n == 3 {
				apart[ex.Text] = true
			}
			i++
		}
	}
	return slices.DeleteFunc(slices.Clone(examples), func(ex Example) bool { return apart[ex.Text] })
}

// An expert uses phrases if so large a share of its set's words has vectors, and if its set has so many texts: the
// filters' weights must be learned from texts of its own kind. In a one-sided set they do not help, because the filters
// are learned from tweets, in which people say what they think.
const covered, enough = 0.7, 1500

func of(items []item, set int) []item {
	return slices.DeleteFunc(slices.Clone(items), func(it item) bool { return it.set != set })
}

// readers are the items of experts that use phrases.
func (m *Model) readers(items []item) []item {
	return slices.DeleteFunc(slices.Clone(items), func(it item) bool { return !m.usesPhrases[it.set] })
}

// regression is the result of fitTone: the weights of buckets, bucket*classes + class, of the classes, and of the
// lexicons' figures, as in Model.
type regression struct{ weights, bias, signals []float32 }

// fitTone learns the shared weights and each expert's own: the mean over several orders of the items, so that the last
// texts have little influence.
func (m *Model) fitTone(items []item, progress func(float64)) {
	learned := make([]regression, orders)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	var mu sync.Mutex
	done := 0
	for i := range learned {
		group.Go(func() error {
			learned[i] = m.fitOrder(items, uint64(i))
			mu.Lock()
			defer mu.Unlock()
			done++
			progress(float64(done) / orders)
			return nil
		})
	}
	_ = group.Wait() // none fails
	mean := learned[0]
	for _, r := range learned[1:] {
		add(mean.weights, r.weights)
		add(mean.bias, r.bias)
		add(mean.signals, r.signals)
	}
	for _, s := range [][]float32{mean.weights, mean.bias, mean.signals} {
		for i := range s {
			s[i] /= orders
		}
	}
	m.bias, m.signals = [classes]float32(mean.bias), mean.signals
	m.weights, m.scale = quantize(mean.weights, 0.5)
}

func add(to, what []float32) {
	for i, x := range what {
		to[i] += x
	}
}

// fitOrder learns from the items in one order.
func (m *Model) fitOrder(items []item, order uint64) regression {
	w, g := make([]float32, classes<<bits), make([]float32, classes<<bits)
	var bias, biasG [classes]float32
	figures, figuresG := make([]float32, len(m.langs)*classes*signals), make([]float32, len(m.langs)*classes*signals)
	for i := range figures {
		figures[i] = believed[i/signals%classes][i%signals]
	}
	shuffle := rand.New(rand.NewPCG(2026, 3+order))
	items = slices.Clone(items)
	var fs []uint32
	for range epochs {
		shuffle.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
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
					grad := d + it.decay*w[i]*float32(len(items))/epochs
					g[i] += grad * grad
					w[i] -= rate * grad / (float32(math.Sqrt(float64(g[i]))) + damp)
				}
			}
		}
	}
	return regression{w, bias[:], figures}
}

// fitSharpness finds each expert's inverse temperature, on texts that were left out of training.
func (m *Model) fitSharpness(items []item) {
	scorer := m.Scorer()
	for k := range m.sharpness {
		own := of(items, k)
		loss := func(logarithm float64) float64 {
			m.sharpness[k] = float32(math.Exp(logarithm))
			sum := 0.0
			for _, it := range own {
				b := brief{fs: it.fs, words: it.words}
				sum -= math.Log(float64(scorer.score(&b, &it.cut, k)[it.label]) + 1e-9)
			}
			return sum
		}
		// The loss is convex in it: golden-section search (Kiefer 1953).
		from, to := math.Log(0.3), math.Log(4)
		for to-from > 0.01 {
			if l, r := to-(to-from)/math.Phi, from+(to-from)/math.Phi; loss(l) < loss(r) {
				to = r
			} else {
				from = l
			}
		}
		m.sharpness[k] = float32(math.Exp((from + to) / 2))
	}
}

// quantize stores weights in a byte each. Weights above a share of the largest are clipped to it, which gives all
// others finer steps.
func quantize(w []float32, clip float32) ([]int8, float32) {
	top := float32(0)
	for _, v := range w {
		top = max(top, float32(math.Abs(float64(v))))
	}
	scale := top * clip / 127
	if scale == 0 {
		scale = 1
	}
	out := make([]int8, len(w))
	for i, v := range w {
		out[i] = int8(max(-127, min(127, math.Round(float64(v/scale)))))
	}
	return out, scale
}
