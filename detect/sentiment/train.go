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
	orders = 8
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
	decay  float32 // of what it teaches

	cut     features // the words, as cut
	figures [signals]float32
}

// Set is examples of one language and kind of text.
type Set struct {
	Lang     string // ISO 639-1
	Examples []Example
	About    []Example // 1: a text of this kind that is about what the set is about, 0: one that is not and so is neutral. At most one set has any
}

// Lessons is what a model is trained on.
type Lessons struct {
	Sets      []Set     // each becomes an expert
	Vectors   *Vectors  // nil means none; the experts whose words have vectors also hear phrases
	Offensive []Example // labels 0, other, and 1, offensive; may be empty
	Extra     []Example // of any language and kind: each goes to the expert whose matter it is likeliest to be
}

// Train fits a model: AdaGrad (Duchi et al. 2011) on the log loss, rare classes weighted up within their set, so that a newspaper's neutrality does not
// deafen the scorer for tweets. The same lessons give the same model to the byte. progress is called now and then with the share done, 0 to 1.
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
	// How sure it may be is learned from a fifth that it was not trained on.
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
		// Where most is of one class, that class must stay heard too, and what is learned of the others, from few texts, is held back.
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

// withoutAside is the examples without the texts that aside sets apart of the sets' items.
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

// An expert usesPhrases phrases where so large a share of its set's words has vectors, and where it has so many texts: what the filters answer must be learned from
// texts of its own kind. Where most is of one class they are no help: what they hear is learned from tweets, in which people say what they mean.
const covered, enough = 0.7, 1500

func of(items []item, set int) []item {
	return slices.DeleteFunc(slices.Clone(items), func(it item) bool { return it.set != set })
}

// readers are the items of experts that hear phrases.
func (m *Model) readers(items []item) []item {
	return slices.DeleteFunc(slices.Clone(items), func(it item) bool { return !m.usesPhrases[it.set] })
}

// regression is what fitTone learns: the weights of buckets, bucket*classes + class, of the classes, and of the lexicons' figures, as in Model.
type regression struct{ weights, bias, signals []float32 }

// fitTone learns the shared weights and each expert's own: the mean of what is learned in several orders, so that little hangs on which text came last.
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

// fitSharpness finds each expert's inverse temperature, on texts that it was not trained on.
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
		// The loss is convex in it: the range is narrowed by the golden section (Kiefer 1953).
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

// quantize puts weights into a byte each. Those larger than a share of the largest are clipped to it: that buys finer steps for all others.
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
