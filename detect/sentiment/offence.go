package sentiment

import (
	"math"
	"math/rand/v2"
	"slices"
)

// offenceBits is the base-2 logarithm of the number of buckets for offence.
const offenceBits = 18

const offenceMask = 1<<offenceBits - 1

// offence is a regression that says whether a text is offensive: insults, threats, abuse.
type offence struct {
	weights []int8
	scale   float32
	bias    float32
	slope   float32 // of the log odds; 0 where nothing was learned
}

func (o *offence) logit(fs []uint32) float32 {
	sum := int32(0)
	for _, b := range fs {
		sum += int32(o.weights[b&offenceMask])
	}
	return float32(sum)*o.scale/float32(math.Sqrt(float64(len(fs)+1))) + o.bias
}

func (o *offence) probability(fs []uint32) float32 {
	if o.slope == 0 {
		return 0
	}
	return float32(1 / (1 + math.Exp(-float64(o.slope*o.logit(fs)))))
}

// OffenceLanguage is the language in which offence is heard.
const OffenceLanguage = "de"

// Offensive is how likely the text is offensive, 0 to 1; 0 too where that is not heard: in other languages than German, and by a model that did not learn it.
func (e *Ear) Offensive(text string) float32 {
	if lang, _ := e.Language(text); lang != OffenceLanguage {
		return 0
	}
	return e.m.offence.probability(e.f.extract(text))
}

// fitOffence learns from items with the labels 0 and 1. How sure it may be is learned from a tenth that it is not trained on.
func fitOffence(items []item) offence {
	if len(items) == 0 {
		return offence{weights: make([]int8, 1<<offenceBits), scale: 1}
	}
	most, rest := aside(items, 10)
	o := regress(most)
	slope, least := float32(1), math.Inf(1)
	for s := 0.1; s < 4; s *= 1.08 {
		loss := 0.0
		for _, it := range rest {
			p := 1 / (1 + math.Exp(-s*float64(o.logit(it.fs))))
			if it.label == 0 {
				p = 1 - p
			}
			loss -= math.Log(p + 1e-9)
		}
		if loss < least {
			slope, least = float32(s), loss
		}
	}
	o = regress(items)
	o.slope = slope
	return o
}

func regress(items []item) offence {
	const passes, rate, damp, decay = 6, 0.15, 0.05, 1e-6
	w, g := make([]float32, 1<<offenceBits), make([]float32, 1<<offenceBits)
	var o offence
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
				z += w[b&offenceMask]
			}
			p := 1 / (1 + math.Exp(-float64(z*norm+o.bias)))
			weight := float32(len(items)) / 2 / float32(ones)
			if it.label == 0 {
				weight = float32(len(items)) / 2 / float32(len(items)-ones)
			}
			d := (float32(p) - float32(it.label)) * weight
			o.bias -= 0.01 * d
			for _, b := range it.fs {
				b &= offenceMask
				grad := d*norm + decay*w[b]*float32(len(items))
				g[b] += grad * grad
				w[b] -= rate * grad / (float32(math.Sqrt(float64(g[b]))) + damp)
			}
		}
	}
	o.weights, o.scale = quantize(w)
	return o
}

// OffenceReport says how well offence is heard. Shares are percentages.
type OffenceReport struct {
	N         int     `json:"n"`
	Folds     int     `json:"folds"`
	Accuracy  float64 `json:"accuracy"`
	MacroF1   float64 `json:"macro_f1"`
	Precision float64 `json:"precision"` // of what is taken for offensive
	Recall    float64 `json:"recall"`    // of what is
	ECE       float64 `json:"ece"`       // of the probability of the class taken
}

// CrossOffence trains on all folds but one and measures on that, in turn. Labels are 0, other, and 1, offensive.
func CrossOffence(examples []Example, folds int) OffenceReport {
	items := offenceItems(examples)
	perm := rand.New(rand.NewPCG(2026, 19)).Perm(len(items))
	var n [2][2]float64
	var binN, binP, binHit [10]float64
	for k := range folds {
		var train []item
		for i, j := range perm {
			if i%folds != k {
				train = append(train, items[j])
			}
		}
		o := fitOffence(train)
		for i, j := range perm {
			if i%folds != k {
				continue
			}
			p, taken := float64(o.probability(items[j].fs)), 0
			if p >= 0.5 {
				taken = 1
			}
			n[items[j].label][taken]++
			p = max(p, 1-p)
			b := min(int(p*10), 9)
			binN[b]++
			binP[b] += p
			if taken == items[j].label {
				binHit[b]++
			}
		}
	}
	f1 := func(c int) float64 { return 100 * 2 * n[c][c] / max(2*n[c][c]+n[c][1-c]+n[1-c][c], 1) }
	r := OffenceReport{
		N: len(items), Folds: folds, Accuracy: 100 * (n[0][0] + n[1][1]) / max(float64(len(items)), 1), MacroF1: (f1(0) + f1(1)) / 2,
		Precision: 100 * n[1][1] / max(n[1][1]+n[0][1], 1), Recall: 100 * n[1][1] / max(n[1][1]+n[1][0], 1),
	}
	for b := range binN {
		r.ECE += math.Abs(binP[b]-binHit[b]) / max(float64(len(items)), 1)
	}
	return r
}

func offenceItems(examples []Example) []item {
	var f features
	var out []item
	for _, ex := range examples {
		out = append(out, item{fs: slices.Clone(f.extract(ex.Text)), label: ex.Label})
	}
	return out
}
