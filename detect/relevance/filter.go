package relevance

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Example is a text with a person's answer whether it is about the brand.
type Example struct {
	Text  string
	About bool
}

// Filter estimates whether a text is about the brand. It does not change and may be shared.
type Filter struct {
	names  []string // the names by which the texts were found: a piece of a word, and words
	slots  []slot   // by hash, open addressing
	bias   float32
	slope  float64 // of the log odds over the score (Platt 1999)
	offset float64
}

// slot is the weight of a feature.
type slot struct {
	feature uint32 // 0 is free
	idf     float32
	weight  float32
}

// at is the index of a feature, or of the free slot for it.
func (f *Filter) at(feature uint32) int {
	i := int(feature) & (len(f.slots) - 1)
	for f.slots[i].feature != 0 && f.slots[i].feature != feature {
		i = (i + 1) & (len(f.slots) - 1)
	}
	return i
}

// Needed is the least number of examples of either answer that a filter is learned from.
const Needed = 3

// Learn learns a filter from examples. It returns nil if there are too few of either answer, or if the filter would do
// no better on them than to hold nothing back. The same examples in the same order give the same filter.
func Learn(examples []Example) *Filter {
	about := 0
	for _, m := range examples {
		if m.About {
			about++
		}
	}
	if about < Needed || len(examples)-about < Needed {
		return nil
	}
	f := &Filter{names: shared(examples)}
	xs := f.vectors(examples)
	// The probability is learned from scores of examples that were left out of training.
	scores := make([]float64, len(examples))
	folds := min(10, len(examples))
	order := rand.New(rand.NewPCG(2026, 11)).Perm(len(examples))
	for k := range folds {
		var train []int
		for i, j := range order {
			if i%folds != k {
				train = append(train, j)
			}
		}
		f.fit(xs, examples, train)
		for i, j := range order {
			if i%folds == k {
				scores[j] = f.score(xs[j])
			}
		}
	}
	if !f.platt(scores, examples, about) {
		return nil
	}
	all := make([]int, len(examples))
	for i := range all {
		all[i] = i
	}
	f.fit(xs, examples, all)
	return f
}

// maxSharedNames is how many names a filter looks for.
const maxSharedNames = 3

// shared returns the fragments that most of the texts have in common. The first is a piece of a word of four letters or
// more. Then come words of texts without it: words that at least a quarter of those about the brand have, and three
// times as many as of the others. Of pieces that are nearly as frequent, the longest is taken.
func shared(examples []Example) []string {
	var f features
	pieces := map[string]int{}
	texts := make([]map[string]bool, len(examples)) // the words of each text
	for i, m := range examples {
		f.cut(m.Text)
		texts[i] = map[string]bool{}
		seen := map[string]bool{}
		for k := range f.ends {
			w := string(f.word(k))
			texts[i][w] = true
			for a := range len(w) {
				for b := a + 4; b <= min(len(w), a+16); b++ {
					if utf8.RuneStart(w[a]) && (b == len(w) || utf8.RuneStart(w[b])) {
						seen[w[a:b]] = true
					}
				}
			}
		}
		for p := range seen {
			pieces[p]++
		}
	}
	first := mostly(pieces, 0.98)
	if first == "" {
		return nil
	}
	out := []string{first}
	without := func(words map[string]bool) bool {
		for w := range words {
			if strings.Contains(w, first) || slices.Contains(out, w) {
				return false
			}
		}
		return true
	}
	for len(out) < maxSharedNames {
		words, others := map[string]int{}, map[string]int{}
		about, rest := 0, 0
		for i, t := range texts {
			if !without(t) {
				continue
			}
			count := words
			if examples[i].About {
				about++
			} else {
				count = others
				rest++
			}
			for w := range t {
				if len(w) > 1 && strings.ContainsFunc(w, unicode.IsLetter) {
					count[w]++
				}
			}
		}
		for w, n := range words { // a common word is in texts of both answers
			if 3*others[w]*about > n*rest {
				delete(words, w)
			}
		}
		next := mostly(words, 1)
		if words[next] < max(2, about/4, len(examples)/100) {
			break
		}
		out = append(out, next)
	}
	return out
}

// mostly is the longest of those that are nearly as frequent as the most frequent one, by the given share. Of two as
// long it is the more frequent, then the first by the alphabet.
func mostly(count map[string]int, nearly float64) string {
	most := 0
	for _, n := range count {
		most = max(most, n)
	}
	best := ""
	for p, n := range count {
		if float64(n) < nearly*float64(most) {
			continue
		}
		if d := len(p) - len(best); d > 0 || d == 0 && (n > count[best] || n == count[best] && p < best) {
			best = p
		}
	}
	return best
}

// entry is one feature of a text with its value.
type entry struct {
	at    int // in slots
	value float32
}

// vectors counts how many examples have each feature, and returns the examples' features.
func (f *Filter) vectors(examples []Example) [][]entry {
	df := map[uint32]float64{}
	var fs features
	for _, m := range examples {
		words, places := fs.extract(m.Text, f.names)
		for _, block := range [][]uint32{words, places} {
			for _, b := range slices.Compact(block) {
				df[b]++
			}
		}
	}
	size := 1
	for size < 2*len(df) {
		size *= 2
	}
	f.slots = make([]slot, size)
	for b, n := range df {
		f.slots[f.at(b)] = slot{feature: b, idf: float32(math.Log((1+float64(len(examples)))/(1+n)) + 1)}
	}
	xs := make([][]entry, len(examples))
	for i, m := range examples {
		words, places := fs.extract(m.Text, f.names)
		xs[i] = f.block(places, f.block(words, nil))
	}
	return xs
}

// block appends the features of one block, weighted by inverse document frequency (Spärck Jones 1972) and normalized to
// length 1. Features without a slot are left out.
func (f *Filter) block(sorted []uint32, dst []entry) []entry {
	start, square := len(dst), float32(0)
	for i := 0; i < len(sorted); {
		j := i + 1
		for j < len(sorted) && sorted[j] == sorted[i] {
			j++
		}
		if k := f.at(sorted[i]); f.slots[k].feature != 0 {
			v := f.slots[k].idf * often[min(j-i, len(often)-1)]
			dst = append(dst, entry{k, v})
			square += v * v
		}
		i = j
	}
	norm := 1 / float32(math.Sqrt(float64(square)+1e-9))
	for i := range dst[start:] {
		dst[start+i].value *= norm
	}
	return dst
}

// often is 1 + log n for a feature that occurs n times in a text.
var often = func() (t [64]float32) {
	for n := 1; n < len(t); n++ {
		t[n] = float32(1 + math.Log(float64(n)))
	}
	return t
}()

const (
	cost   = 0.1 // of an error, against the weights' length
	passes = 30
)

// fit learns the weights from the examples in train. Both answers have the same weight: dual coordinate descent on the
// squared hinge loss (Hsieh et al. 2008).
func (f *Filter) fit(xs [][]entry, examples []Example, train []int) {
	for i := range f.slots {
		f.slots[i].weight = 0
	}
	f.bias = 0
	about := 0.0
	for _, i := range train {
		if examples[i].About {
			about++
		}
	}
	alpha := make([]float64, len(train))
	order := make([]int, len(train))
	for i := range order {
		order[i] = i
	}
	rng := rand.New(rand.NewPCG(2026, 13))
	for range passes {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, k := range order {
			x, y, share := xs[train[k]], 1.0, about
			if !examples[train[k]].About {
				y, share = -1, float64(len(train))-about
			}
			soft := share / float64(len(train)) / cost // 1/(2 cost), the cost weighted by n/(2 share)
			square := 1.0
			for _, e := range x {
				square += float64(e.value) * float64(e.value)
			}
			gradient := y*f.score(x) - 1 + soft*alpha[k]
			next := max(0, alpha[k]-gradient/(square+soft))
			step := float32((next - alpha[k]) * y)
			alpha[k] = next
			f.bias += step
			for _, e := range x {
				f.slots[e.at].weight += step * e.value
			}
		}
	}
}

func (f *Filter) score(x []entry) float64 {
	s := f.bias
	for _, e := range x {
		s += f.slots[e.at].weight * e.value
	}
	return float64(s)
}

// platt fits the log odds of being about the brand to the scores (Platt 1999, with the Newton steps of Lin, Lin & Weng
// 2007). Its targets keep few examples from looking certain. It returns false if the scores do not help.
func (f *Filter) platt(scores []float64, examples []Example, about int) bool {
	yes := (float64(about) + 1) / (float64(about) + 2)
	no := 1 / (float64(len(examples)-about) + 2)
	a, b := 0.0, math.Log((float64(about)+1)/(float64(len(examples)-about)+1))
	const ridge = 0.05 // keeps few examples from looking certain
	for range 100 {
		var ga, gb, haa, hab, hbb float64
		for i, s := range scores {
			t := no
			if examples[i].About {
				t = yes
			}
			p := 1 / (1 + math.Exp(-a*s-b))
			d, w := p-t, p*(1-p)
			ga += d * s
			gb += d
			haa += w * s * s
			hab += w * s
			hbb += w
		}
		ga += ridge * a
		haa, hbb = haa+ridge, hbb+1e-6
		det := haa*hbb - hab*hab
		da, db := (hbb*ga-hab*gb)/det, (haa*gb-hab*ga)/det
		a, b = a-max(-1, min(1, da)), b-max(-1, min(1, db))
		if math.Abs(da)+math.Abs(db) < 1e-6 {
			break
		}
	}
	right := 0
	for i, s := range scores {
		if (a*s+b >= 0) == examples[i].About {
			right++
		}
	}
	f.slope, f.offset = a, b
	return a > 0 && right > about
}

// Reader applies filters. It is not safe for use by two goroutines at once; it allocates nothing once warm.
type Reader struct {
	fs features
	x  []entry
}

// About is the probability that the text is about the brand; 1 without a filter.
func (r *Reader) About(f *Filter, text string) float64 {
	if f == nil {
		return 1
	}
	words, places := r.fs.extract(text, f.names)
	r.x = f.block(places, f.block(words, r.x[:0]))
	return 1 / (1 + math.Exp(-f.slope*f.score(r.x)-f.offset))
}
