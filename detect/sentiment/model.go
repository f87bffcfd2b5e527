package sentiment

import (
	"bytes"
	_ "embed" // the model
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
)

// The classes, in the order of the labels in training data.
const (
	Negative = iota
	Neutral
	Positive
	classes
)

// Tone is the probability that a text is negative, neutral or positive; the three add up to 1.
type Tone [classes]float32

// Class is the most probable class.
func (t Tone) Class() int {
	best := 0
	for i := range t {
		if t[i] > t[best] {
			best = i
		}
	}
	return best
}

// Counts is how much of a text counts as a negative and as a positive voice, each 0 to 1: the squares of its
// probabilities, as shares of their sum. A clear text counts nearly whole and a doubtful one in part, so that little
// depends on which of two close probabilities is higher. A change of the negative share shows in about a fifth fewer
// texts than with the most probable classes (docs/detection.md).
func (t Tone) Counts() (negative, positive float32) {
	n, o, p := t[Negative]*t[Negative], t[Neutral]*t[Neutral], t[Positive]*t[Positive]
	sum := n + o + p
	if sum == 0 {
		return 0, 0
	}
	return n / sum, p / sum
}

// Model is a trained tone model: a shared regression, and experts that differ from it, one for each language and kind
// of text in the training data. A gate estimates which expert a text belongs to (Jacobs et al. 1991, "Adaptive mixtures
// of local experts"; the shared and own weights are those of Daumé 2007, "Frustratingly easy domain adaptation"). A
// Model does not change and may be shared.
type Model struct {
	weights []int8 // bucket*classes + class
	scale   float32
	bias    [classes]float32

	gate      []int8 // (bucket & gateMask)*MaxExperts + expert
	gateScale float32
	gateBias  []float32 // of each expert
	// sizeOf*MaxExperts + expert: log odds of that length, against the other experts of the language
	gateSize    []float32
	sharpness   []float32 // of each expert: the inverse temperature (Guo et al. 2017)
	langs       [][2]byte // language of each expert
	usesPhrases []bool    // of each expert

	// expert*classes*signals + class*signals + signal: weights of the figures of its language's lexicon
	signals []float32
	names   []string   // lexicon of each expert's language
	lexicon []*lexicon // phrases of each expert's language; nil for none

	phrases *phrases
	offence question

	about   question // of one expert's texts: whether they are about the subject of its set
	aboutOf int32    // that expert, or -1
}

// aboutBits is the base-2 logarithm of the number of buckets for whether a text is about the subject.
const aboutBits = 17

//go:embed model.bin
var embedded []byte

// Default is the model that brandmelder ships.
var Default = sync.OnceValue(func() *Model {
	m, err := Read(bytes.NewReader(embedded))
	if err != nil {
		panic("the embedded tone model is broken: " + err.Error()) // a broken build, not a broken input
	}
	return m
})

const magic = "BMTONE8\n"

// MaxExperts is the most experts that a model has.
const MaxExperts = 8

type header struct {
	Bits, GateBits, Experts uint32
	Scale, GateScale        float32
	Bias                    [classes]float32
}

// Read reads what Write wrote.
func Read(r io.Reader) (*Model, error) {
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(r, head); err != nil || string(head) != magic {
		return nil, errors.Join(errors.New("not a tone model of this version: train it again, `brandmelder sentiment train`"), err)
	}
	var h header
	if err := binary.Read(r, binary.LittleEndian, &h); err != nil {
		return nil, fmt.Errorf("tone model: %w", err)
	}
	if h.Bits != bits || h.GateBits != gateBits || h.Experts < 1 || h.Experts > MaxExperts {
		return nil, fmt.Errorf("tone model: %d and %d bits and %d experts, want %d, %d and 1 to %d", h.Bits, h.GateBits, h.Experts, bits, gateBits, MaxExperts)
	}
	m := &Model{
		weights: make([]int8, classes<<bits), scale: h.Scale, bias: h.Bias,
		gate: make([]int8, MaxExperts<<gateBits), gateScale: h.GateScale, gateBias: make([]float32, h.Experts), gateSize: make([]float32, sizes*MaxExperts), sharpness: make([]float32, h.Experts), usesPhrases: make([]bool, h.Experts), langs: make([][2]byte, h.Experts), signals: make([]float32, h.Experts*classes*signals),
	}
	for _, part := range []any{m.gateBias, m.gateSize, m.sharpness, m.langs, m.usesPhrases, m.signals, m.gate, m.weights} {
		if err := binary.Read(r, binary.LittleEndian, part); err != nil {
			return nil, fmt.Errorf("tone model: %w", err)
		}
	}
	m.learnLanguages()
	p, err := readPhrases(r, int(h.Experts))
	if err != nil {
		return nil, fmt.Errorf("tone model: phrases: %w", err)
	}
	m.phrases = p
	m.offence, m.about = newQuestion(offenceBits), newQuestion(aboutBits)
	if err := m.offence.read(r); err != nil {
		return nil, fmt.Errorf("tone model: offence: %w", err)
	}
	if err := errors.Join(binary.Read(r, binary.LittleEndian, &m.aboutOf), m.about.read(r)); err != nil {
		return nil, fmt.Errorf("tone model: about: %w", err)
	}
	return m, nil
}

// learnLanguages finds the experts' lexicons.
func (m *Model) learnLanguages() {
	m.names, m.lexicon = make([]string, len(m.langs)), make([]*lexicon, len(m.langs))
	for k, lang := range m.langs {
		m.names[k] = string(lang[:])
		m.lexicon[k] = lexicons()[m.names[k]]
	}
}

// Write writes the model's file.
func (m *Model) Write(w io.Writer) error {
	_, err := io.WriteString(w, magic)
	h := header{bits, gateBits, uint32(len(m.gateBias)), m.scale, m.gateScale, m.bias}
	for _, part := range []any{h, m.gateBias, m.gateSize, m.sharpness, m.langs, m.usesPhrases, m.signals, m.gate, m.weights} {
		if err == nil {
			err = binary.Write(w, binary.LittleEndian, part)
		}
	}
	if err != nil {
		return err
	}
	return errors.Join(m.phrases.write(w), m.offence.write(w), binary.Write(w, binary.LittleEndian, m.aboutOf), m.about.write(w))
}

// brief is what is known of a text while it is scored: its features, its words, and the figures of a language's
// lexicon.
type brief struct {
	fs, words []uint32
	shares    [MaxExperts]float32 // the gate's share of each expert
	lexicon   *lexicon
	figures   [signals]float32 // by lexicon
	turned    bool
	denied    bool     // a word of the lexicon is negated, or there is a contrast
	rows      []uint32 // rows of the words, in the current language
	answers   answers  // the filters' answers to them
	asked     string
}

// Scorer scores texts with a model. It is not safe for use by two goroutines at once; it allocates nothing once warm.
type Scorer struct {
	m *Model
	f features
	b brief
}

// Scorer makes a scorer of the model.
func (m *Model) Scorer() *Scorer { return &Scorer{m: m} }

// Score scores one text. Its time is linear in the text's length, and bounded.
func (e *Scorer) Score(text string) Tone {
	e.read(text)
	return e.mix(&e.b, &e.f)
}

// sure is the share of a language from which on words are read in its dialects' spellings. Of the 21,777 development
// texts in other languages than German, 17 have such a share of German.
const sure = 0.5

// read makes the brief of a text. The reading of dialect words depends on the language, and the language on the words,
// so a text may be read twice.
func (e *Scorer) read(text string) {
	e.b.fs = e.f.extract(text)
	e.b.shares = e.experts(e.b.fs, e.f.named)
	if e.f.spoken {
		if lang, share := e.likeliest(&e.b.shares); share >= sure {
			e.b.fs = e.f.extractIn(lang, text)
		}
	}
	e.b.words, e.b.lexicon, e.b.asked = e.f.hashes, nil, ""
}

// doubt is the gate's share from which on an expert is asked beside the most probable one.
const doubt = 0.1

// mix mixes the experts' answers by the gate's shares.
func (e *Scorer) mix(b *brief, f *features) Tone {
	var t Tone
	total := float32(0)
	for k, share := range b.shares[:len(e.m.gateBias)] {
		if share >= doubt {
			total += share
			for c, p := range e.score(b, f, k) {
				t[c] += share * p
			}
		}
	}
	for c := range t {
		t[c] /= total
	}
	return t
}

// language is the ISO 639-1 code of the language of the experts that the gate gives the text to, and their share, 0 to
// 1. A text in another language gets one of them too, with a smaller share. Package language identifies any language.
func (e *Scorer) language(text string) (string, float32) {
	fs := e.f.extract(text)
	shares := e.experts(fs, e.f.named)
	return e.likeliest(&shares)
}

// likeliest is the language with the largest share, summed over its experts.
func (e *Scorer) likeliest(shares *[MaxExperts]float32) (string, float32) {
	best, most := 0, float32(0)
	for k := range e.m.langs {
		sum := float32(0)
		for j, share := range shares[:len(e.m.langs)] {
			if e.m.langs[j] == e.m.langs[k] {
				sum += share
			}
		}
		if sum > most {
			best, most = k, sum
		}
	}
	return e.m.names[best], most
}

func (e *Scorer) score(b *brief, f *features, expert int) Tone {
	fs := b.fs
	var sum [classes]int32
	w := e.m.weights
	for _, at := range fs {
		i, j := int(at)*classes, int(own(at, expert))*classes
		sum[0] += int32(w[i]) + int32(w[j])
		sum[1] += int32(w[i+1]) + int32(w[j+1])
		sum[2] += int32(w[i+2]) + int32(w[j+2])
	}
	var z [classes]float64
	norm := e.m.scale * weigh(len(fs))
	for c := range z {
		z[c] = float64(float32(sum[c])*norm + e.m.bias[c])
	}
	if l := e.m.lexicon[expert]; l != nil {
		if b.lexicon != l {
			b.lexicon = l
			s := f.summarize(l)
			s.figures(&b.figures)
			b.turned = s.turned(l)
			b.denied = s.contrast || s.notGood+s.notBad > 0
		}
		for c := range z {
			for i, w := range e.m.signals[(expert*classes+c)*signals:][:signals] {
				z[c] += float64(w * b.figures[i])
			}
		}
	}
	if e.m.usesPhrases[expert] {
		if lang := e.m.names[expert]; b.asked != lang {
			b.asked = lang
			b.rows = e.m.phrases.rowsOf(b.rows[:0], b.words, lang)
			e.m.phrases.ask(b.rows, &b.answers)
		}
		counts := float32(phrasesCount)
		if b.denied && e.m.names[expert] == "de" {
			counts *= deniedAfter
		}
		e.m.phrases.score(&b.answers, expert, counts, &z)
	}
	if e.m.lexicon[expert] != nil && b.turned && z[Negative] > z[Positive] {
		z[Negative], z[Positive] = z[Positive], z[Negative]
	}
	for c := range z {
		z[c] *= float64(e.m.sharpness[expert])
	}
	t := softmax(z)
	if int(e.m.aboutOf) == expert {
		if about := e.m.about.yes(fs); about < 0.5 { // a text about something else says nothing about the subject
			t[Negative] *= about
			t[Neutral] = t[Neutral]*about + 1 - about
			t[Positive] *= about
		}
	}
	return t
}

// phrasesCount is the weight of phrases beside the words, because the two overlap.
const phrasesCount = 0.7

// deniedAfter is the share of it that remains where German denies or contrasts. Most filters are learned from English,
// where "not" stands before what it denies.
const deniedAfter = 0.25

// weigh is the weight of each of n features, shared and own.
func weigh(n int) float32 { return float32(1 / math.Sqrt(float64(2*n+1))) }

func softmax(z [classes]float64) Tone {
	top := max(z[0], z[1], z[2])
	var t Tone
	total := 0.0
	for c := range z {
		z[c] = math.Exp(z[c] - top)
		total += z[c]
	}
	for c := range z {
		t[c] = float32(z[c] / total)
	}
	return t
}

// Word is a word of a text with its effect on the tone: below 0 negative, above positive.
type Word struct {
	Text   string  `json:"text"`
	Weight float64 `json:"weight"`
}

// Explain returns the words of the text, each with the change of log odds (positive to negative) that leaving it out
// would undo.
func (e *Scorer) Explain(text string) []Word {
	odds := func(t Tone) float64 { return math.Log(float64(t[Positive]+1e-6) / float64(t[Negative]+1e-6)) }
	words := Words(text)
	whole := odds(e.Score(strings.Join(words, " "))) // scored like the texts without a word, which name nobody
	out := make([]Word, len(words))
	for i, w := range words {
		var rest bytes.Buffer
		for j, o := range words {
			if j != i {
				rest.WriteString(o + " ")
			}
		}
		out[i] = Word{w, whole - odds(e.Score(rest.String()))}
	}
	return out
}
