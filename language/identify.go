package language

import (
	"math"

	"github.com/abadojack/whatlanggo"
)

const (
	minBytes = 20   // a shorter text has no language
	certain  = 0.98 // probability from which whatlanggo is not asked: it is then right more often than whatlanggo
	likely   = 0.9  // probability that is enough where whatlanggo cannot answer
)

// stride: the classifier reads one feature in two. Languages show in any of them.
const stride = 2

// Identifier identifies languages. It may be used by one goroutine at a time.
type Identifier struct {
	model    *Model
	features features
}

// NewIdentifier makes an identifier with the built-in model.
func NewIdentifier() *Identifier { return &Identifier{model: builtIn()} }

// Identify returns the ISO 639-1 code of the text's language, or "" for a text that is too short or too mixed.
func (i *Identifier) Identify(text string) string {
	if len(text) < minBytes {
		return ""
	}
	lang, probability := i.classify(text)
	if probability >= certain {
		return lang
	}
	info := whatlanggo.Detect(text[:min(len(text), 1000)])
	switch {
	case info.IsReliable():
		return info.Lang.Iso6391()
	case probability >= likely:
		return lang
	}
	return ""
}

// classify returns the most probable of the model's languages. A text in another language gets one of them too, with
// a lower probability.
func (i *Identifier) classify(text string) (lang string, probability float32) {
	found := i.features.extract(text)
	if len(found) == 0 {
		return "", 0
	}
	m := i.model
	n := len(m.Languages)
	var logits [MaxClasses]float32
	for f := 0; f < len(found); f += stride {
		row := m.Weights[int(found[f])*n:][:n]
		for k, w := range row {
			logits[k] += float32(w)
		}
	}
	norm := m.Scale / float32(math.Sqrt(float64(len(found))))
	top := float32(math.Inf(-1))
	for k := range n {
		logits[k] = logits[k]*norm + m.Bias[k]
		top = max(top, logits[k])
	}
	total := float32(0)
	for k := range n {
		logits[k] = float32(math.Exp(float64(logits[k] - top)))
		total += logits[k]
	}
	for k := range n {
		sum := float32(0)
		for j := range n {
			if m.Languages[j] == m.Languages[k] {
				sum += logits[j] / total
			}
		}
		if sum > probability {
			lang, probability = m.Languages[k], sum
		}
	}
	return lang, probability
}
