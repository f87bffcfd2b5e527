package sentiment

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Report is the measured quality of a model on examples that it was not trained on. Shares are percentages.
type Report struct {
	N           int                   `json:"n"`
	Accuracy    float64               `json:"accuracy"`
	MacroRecall float64               `json:"macro_recall"`
	MacroF1     float64               `json:"macro_f1"`
	PerClass    map[string]ClassShare `json:"per_class"`
	ECE         float64               `json:"ece"` // expected calibration error, 0 to 1, ten bins (Guo et al. 2017)
	Intervals   Intervals             `json:"intervals"`
	Looks       []Look                `json:"looks"` // those that occur in some text
	Counted     Counted               `json:"counted"`
	PerSecond   float64               `json:"mentions_per_second"`
}

// Counted is how much of the texts counts as negative (Tone.Counts), 0 to 1: the means of their tenths, ascending.
type Counted struct {
	Negative [tenths]float64 `json:"negative"` // of the negative texts
	Other    [tenths]float64 `json:"other"`
}

const tenths = 10

// tenthsOf are the means of the tenths.
func tenthsOf(values []float64) (out [tenths]float64) {
	slices.Sort(values)
	for i := range out {
		part := values[len(values)*i/tenths : len(values)*(i+1)/tenths]
		for _, v := range part {
			out[i] += v / float64(len(part))
		}
	}
	return out
}

// Look is the measured quality on texts of one form.
type Look struct {
	Name        string  `json:"name"`
	N           int     `json:"n"`
	Accuracy    float64 `json:"accuracy"`
	MacroRecall float64 `json:"macro_recall"`
}

// Intervals hold the figures of 95 of 100 bootstrap samples of the examples (Efron 1979), in per cent.
type Intervals struct {
	Accuracy    [2]float64 `json:"accuracy"`
	MacroRecall [2]float64 `json:"macro_recall"`
	MacroF1     [2]float64 `json:"macro_f1"`
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

// table counts examples by their label and by the model's answer.
type table [classes][classes]float64

func (t *table) class(c int) ClassShare {
	is, said := 0.0, 0.0
	for o := range classes {
		is += t[c][o]
		said += t[o][c]
	}
	s := ClassShare{N: int(is), Precision: 100 * t[c][c] / max(said, 1), Recall: 100 * t[c][c] / max(is, 1)}
	s.F1 = 2 * s.Precision * s.Recall / max(s.Precision+s.Recall, 1e-9)
	return s
}

// figures are accuracy, macro recall and macro F1.
func (t *table) figures() (f [3]float64) {
	n, right := 0.0, 0.0
	for c := range classes {
		s := t.class(c)
		f[1] += s.Recall / classes
		f[2] += s.F1 / classes
		n += float64(s.N)
		right += t[c][c]
	}
	f[0] = 100 * right / max(n, 1)
	return f
}

// draws is the number of bootstrap samples.
const draws = 1000

// Evaluate compares tones with labels. The same input gives the same report.
func Evaluate(examples []Example, tones []Tone) Report {
	var t table
	var binN, binP, binHit [10]float64
	cells := make([][2]int, len(examples))
	var negative, other []float64
	for i, ex := range examples {
		c := tones[i].Class()
		t[ex.Label][c]++
		cells[i] = [2]int{ex.Label, c}
		if counts, _ := tones[i].Counts(); ex.Label == Negative {
			negative = append(negative, float64(counts))
		} else {
			other = append(other, float64(counts))
		}
		p := float64(tones[i][c])
		b := min(int(p*10), 9)
		binN[b]++
		binP[b] += p
		if c == ex.Label {
			binHit[b]++
		}
	}
	n := float64(max(len(examples), 1))
	f := t.figures()
	r := Report{N: len(examples), Accuracy: f[0], MacroRecall: f[1], MacroF1: f[2], PerClass: map[string]ClassShare{}}
	for c, name := range ClassNames {
		r.PerClass[name] = t.class(c)
	}
	for b := range binN {
		r.ECE += math.Abs(binP[b]-binHit[b]) / n
	}
	r.Counted = Counted{tenthsOf(negative), tenthsOf(other)}
	r.Looks = []Look{}
	for _, l := range looks {
		var t table
		look := Look{Name: l.name}
		for i, ex := range examples {
			if l.has(ex.Text) {
				t[cells[i][0]][cells[i][1]]++
				look.N++
			}
		}
		if f := t.figures(); look.N > 0 {
			look.Accuracy, look.MacroRecall = f[0], f[1]
			r.Looks = append(r.Looks, look)
		}
	}
	if len(cells) == 0 {
		return r
	}
	rng := rand.New(rand.NewPCG(2026, 7))
	var drawn [3][]float64
	for range draws {
		var t table
		for range cells {
			c := cells[rng.IntN(len(cells))]
			t[c[0]][c[1]]++
		}
		for i, v := range t.figures() {
			drawn[i] = append(drawn[i], v)
		}
	}
	for i, to := range []*[2]float64{&r.Intervals.Accuracy, &r.Intervals.MacroRecall, &r.Intervals.MacroF1} {
		slices.Sort(drawn[i])
		*to = [2]float64{drawn[i][draws*25/1000], drawn[i][draws*975/1000-1]}
	}
	return r
}
