package sentiment

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

const (
	phraseEpochs = 8
	phraseBatch  = 64
	phraseRate   = 1e-3
	// the last passes, whose mean is kept (Izmailov et al. 2018, "Averaging weights leads to wider optima")
	phraseMean = 4
	phraseDrop = 0.5  // share of filters left out in training (Srivastava et al. 2014)
	vectorDrop = 0.1  // share of a vector's dimensions left out in training
	vectorSize = 0.15 // standard deviation of vectors
	often      = 3    // a word without a vector is learned if it occurs so often
)

var matrix gonum.Implementation

// multiply sets c (m by n) to a (m by k) times b (k by n).
func multiply(c, a, b []float32, m, k, n int) {
	matrix.Sgemm(blas.NoTrans, blas.NoTrans, m, n, k, 1, a, k, b, n, 0, c, n)
}

// adam is one parameter array with its moments (Kingma & Ba 2015).
type adam struct {
	w, m, v, sum []float32
	t            int
}

// remember adds the parameters to their sum.
func (a *adam) remember() {
	if a.sum == nil {
		a.sum = make([]float32, len(a.w))
	}
	for i, x := range a.w {
		a.sum[i] += x
	}
}

func newAdam(n int) *adam {
	return &adam{w: make([]float32, n), m: make([]float32, n), v: make([]float32, n)}
}

func (a *adam) step(from int, grad []float32, rate, decay float32) {
	fix := float32(math.Sqrt(1-math.Pow(0.999, float64(a.t))) / (1 - math.Pow(0.9, float64(a.t))))
	w, m, v := a.w[from:][:len(grad)], a.m[from:][:len(grad)], a.v[from:][:len(grad)]
	for i, g := range grad {
		g += decay * w[i]
		m[i] += 0.1 * (g - m[i])
		v[i] += 0.001 * (g*g - v[i])
		w[i] -= rate * fix * m[i] / (float32(math.Sqrt(float64(v[i]))) + 1e-8)
	}
}

// covers is the share of the items' words that have a vector in the language.
func covers(items []item, v *Vectors, lang string) float64 {
	has := map[uint32]bool{}
	for i := range v.Words {
		if l, w := v.word(i); l == lang || !letters(w) {
			has[hashWord(w)] = true
		}
	}
	n, known := 0, 0
	for _, it := range items {
		for _, h := range it.words {
			n++
			if has[h] {
				known++
			}
		}
	}
	return float64(known) / float64(max(n, 1))
}

// letters reports whether a word has a letter. Signs and emoji belong to every language.
func letters(w string) bool { return strings.ContainsFunc(w, unicode.IsLetter) }

// fitPhrases learns the filters, each expert's weights of them, and vectors of frequent words that have none. names are
// the experts' languages.
func fitPhrases(items []item, names []string, v *Vectors, progress func(float64)) *phrases {
	rng := rand.New(rand.NewPCG(2026, 5))
	var words []uint32
	var rows []uint16
	known := map[uint32]bool{}
	add := func(h uint32, row int) {
		if !known[h] {
			known[h] = true
			words, rows = append(words, h), append(rows, uint16(row))
		}
	}
	langs := slices.Compact(slices.Sorted(slices.Values(names)))
	given := len(v.Words) - len(v.Like)
	for i := range v.Words {
		row := i + 1
		if i >= given {
			row = int(v.Like[i-given]) + 1
		}
		lang, w := v.word(i)
		add(hashIn(lang, hashWord(w)), row)
		if !letters(w) {
			for _, l := range langs {
				add(hashIn(l, hashWord(w)), row)
			}
		}
	}
	last := given
	count := map[uint32]int{}
	for _, it := range items {
		for _, h := range it.words {
			h = hashIn(names[it.set], h)
			if count[h]++; count[h] == often && !known[h] && len(words) < maxWords && last < maxRows-1 {
				last++
				add(h, last)
			}
		}
	}
	p := newPhrases(len(words), last+1, len(names))
	order := make([]int, len(words))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(words[i], words[j]) })
	for to, i := range order {
		p.words[to], p.rows[to] = words[i], rows[i]
	}
	p.index()

	d := v.Dims
	vec := newAdam((last + 1) * d)
	square := 0.0
	for _, x := range v.Values {
		square += float64(x) * float64(x)
	}
	size := float32(vectorSize / math.Sqrt(square/float64(max(len(v.Values), 1))))
	for i, x := range v.Values {
		vec.w[d+i] = float32(x) * size
	}
	for i := (given + 1) * d; i < len(vec.w); i++ {
		vec.w[i] = float32(rng.NormFloat64()) * 0.05
	}
	bound := 1 / math.Sqrt(float64(3*d))
	w, threshold := newAdam(d*rowSize), newAdam(filters)
	for i := range w.w {
		w.w[i] = float32((2*rng.Float64() - 1) * bound)
	}
	// The weights that all experts share, followed by each expert's own.
	out, bias := newAdam((1+len(names))*classes*filters), newAdam((1+len(names))*classes)
	for i := range out.w[:classes*filters] {
		out.w[i] = float32((2*rng.Float64() - 1) / math.Sqrt(filters))
	}

	b := batch{p: p, names: names, dims: d, stamp: make([]int, last+1), place: make([]int, last+1)}
	texts := slices.Clone(items)
	steps := phraseEpochs * (len(texts) + phraseBatch - 1) / phraseBatch
	step := 0
	for epoch := range phraseEpochs {
		rng.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
		for from := 0; from < len(texts); from += phraseBatch {
			step++
			b.learn(texts[from:min(from+phraseBatch, len(texts))], vec.w, w.w, threshold.w, out.w, bias.w, rng)
			rate := float32(phraseRate * (1 - 0.95*float64(step)/float64(steps+1)))
			for _, a := range []*adam{w, threshold, out, bias, vec} {
				a.t = step
			}
			w.step(0, b.dw, rate, 1e-4)
			threshold.step(0, b.dthreshold, rate, 1e-4)
			out.step(0, b.dout, rate, 1e-4)
			bias.step(0, b.dbias, rate, 0)
			for i, row := range b.rows {
				if int(row) > given {
					vec.step(int(row)*d, b.dvec[i*d:][:d], rate, 0)
				}
			}
		}
		if epoch >= phraseEpochs-phraseMean {
			for _, a := range []*adam{w, threshold, out, bias, vec} {
				a.remember()
			}
		}
		progress(float64(epoch+1) / phraseEpochs)
	}
	for _, a := range []*adam{w, threshold, out, bias, vec} {
		for i, x := range a.sum {
			a.w[i] = x / phraseMean
		}
	}
	for i := range p.out {
		p.out[i] = out.w[i%(classes*filters)] + out.w[classes*filters+i]
	}
	for i := range p.bias {
		p.bias[i] = bias.w[i%classes] + bias.w[classes+i]
	}
	p.lay(vec.w, w.w, threshold.w, d)
	return p
}

// batch is the memory of one step of learning.
type batch struct {
	p     *phrases
	names []string // language of each expert
	dims  int

	rows  []uint32 // rows that occur in the batch
	stamp []int    // of a row: the step in which it last occurred
	place []int    // of a row: its index in rows
	step  int

	vec, mask, sums []float32 // of each of rows: its vector as used, its mask, its sums
	dvec, dsums     []float32
	dw, dthreshold  []float32
	dout, dbias     []float32
	at              []int // of a text's words: the index in rows; -1 is beyond its ends or unknown
	top, keep       [filters]float32
	where           [filters]int
}

func grown(s []float32, n int) []float32 {
	s = slices.Grow(s[:0], n)[:n]
	clear(s)
	return s
}

// learn computes the gradients of the mean loss over the items.
func (b *batch) learn(items []item, vec, w, threshold, out, bias []float32, rng *rand.Rand) {
	d := b.dims
	b.step++
	b.rows = b.rows[:0]
	for _, it := range items {
		for _, h := range it.words {
			if r := b.p.row(hashIn(b.names[it.set], h)); r != 0 && b.stamp[r] != b.step {
				b.stamp[r], b.place[r] = b.step, len(b.rows)
				b.rows = append(b.rows, r)
			}
		}
	}
	n := len(b.rows)
	b.vec, b.mask, b.dvec = grown(b.vec, n*d), grown(b.mask, n*d), grown(b.dvec, n*d)
	b.sums, b.dsums = grown(b.sums, n*rowSize), grown(b.dsums, n*rowSize)
	b.dw, b.dthreshold = grown(b.dw, d*rowSize), grown(b.dthreshold, filters)
	b.dout, b.dbias = grown(b.dout, len(out)), grown(b.dbias, len(bias))
	for i, r := range b.rows {
		for j := range d {
			if rng.Float32() >= vectorDrop {
				b.mask[i*d+j] = 1 / (1 - vectorDrop)
				b.vec[i*d+j] = vec[int(r)*d+j] / (1 - vectorDrop)
			}
		}
	}
	multiply(b.sums, b.vec, w, n, d, rowSize)
	share := 1 / float32(len(items))
	for _, it := range items {
		b.one(it, threshold, out, bias, share, rng)
	}
	// The gradients of the weights are the vectors' transpose times the sums'. Those of the vectors are the sums' times
	// the weights' transpose.
	matrix.Sgemm(blas.Trans, blas.NoTrans, d, rowSize, n, 1, b.vec, d, b.dsums, rowSize, 0, b.dw, rowSize)
	matrix.Sgemm(blas.NoTrans, blas.Trans, n, d, rowSize, 1, b.dsums, rowSize, w, rowSize, 0, b.dvec, d)
	for i, m := range b.mask {
		b.dvec[i] *= m
	}
}

// one scores one text and adds its gradients.
func (b *batch) one(it item, threshold, out, bias []float32, share float32, rng *rand.Rand) {
	b.at = append(b.at[:0], -1, -1)
	for _, h := range it.words {
		if r := b.p.row(hashIn(b.names[it.set], h)); r != 0 {
			b.at = append(b.at, b.place[r])
		} else {
			b.at = append(b.at, -1)
		}
	}
	b.at = append(b.at, -1, -1)
	clear(b.top[:])
	for k := range b.where {
		b.where[k] = -1
	}
	var sum [filters]float32
	for i := range len(b.at) - 2 {
		copy(sum[:], threshold)
		for place, row := range b.at[i : i+3] {
			if row >= 0 {
				part := b.sums[row*rowSize+place*filters:][:filters]
				for k := range sum {
					sum[k] += part[k]
				}
			}
		}
		for k, s := range sum {
			if s > b.top[k] {
				b.top[k], b.where[k] = s, i
			}
		}
	}
	for k := range b.keep {
		b.keep[k] = 0
		if rng.Float32() >= phraseDrop {
			b.keep[k] = 1 / (1 - phraseDrop)
		}
	}
	own := 1 + it.set
	var z [classes]float64
	for c := range z {
		s := bias[c] + bias[own*classes+c]
		beside := out[(own*classes+c)*filters:][:filters]
		for k, o := range out[c*filters:][:filters] {
			s += (o + beside[k]) * b.top[k] * b.keep[k]
		}
		z[c] = float64(s)
	}
	t := softmax(z)
	var back [filters]float32
	for c := range t {
		g := t[c]
		if c == it.label {
			g--
		}
		g *= it.weight * share
		b.dbias[c] += g
		b.dbias[own*classes+c] += g
		shared, beside := c*filters, (own*classes+c)*filters
		for k := range back {
			d := g * b.top[k] * b.keep[k]
			b.dout[shared+k] += d
			b.dout[beside+k] += d
			back[k] += g * (out[shared+k] + out[beside+k]) * b.keep[k]
		}
	}
	for k, i := range b.where {
		if i < 0 || back[k] == 0 {
			continue
		}
		b.dthreshold[k] += back[k]
		for place, row := range b.at[i : i+3] {
			if row >= 0 {
				b.dsums[row*rowSize+place*filters+k] += back[k]
			}
		}
	}
}
