package sentiment

import (
	"math"
	"math/rand/v2"
)

// offenceBits is the base-2 logarithm of the number of buckets for offence: insults, threats, abuse.
const offenceBits = 18

// OffenceLanguage is the only language in which offence is detected.
const OffenceLanguage = "de"

// Offensive is the probability that the text is offensive. It is 0 in other languages than German, and for a model that
// was not trained for it.
func (e *Scorer) Offensive(text string) float32 {
	if lang, _ := e.language(text); lang != OffenceLanguage {
		return 0
	}
	return e.m.offence.yes(e.f.extract(text))
}

// OffenceReport is the measured quality of offence detection. Shares are percentages.
type OffenceReport struct {
	N         int     `json:"n"`
	Folds     int     `json:"folds"`
	Accuracy  float64 `json:"accuracy"`
	MacroF1   float64 `json:"macro_f1"`
	Precision float64 `json:"precision"` // of the texts classified as offensive
	Recall    float64 `json:"recall"`    // of the offensive texts
	ECE       float64 `json:"ece"`       // of the probability of the class taken
}

// CrossOffence trains on all folds but one and measures on that one, in turn. The labels are 0, other, and 1,
// offensive.
func CrossOffence(examples []Example, folds int) OffenceReport {
	items := questionItems(examples)
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
		o := fitQuestion(train, offenceBits)
		for i, j := range perm {
			if i%folds != k {
				continue
			}
			p, taken := float64(o.yes(items[j].fs)), 0
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
