package sentiment

import (
	"bytes"
	_ "embed" // the model
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
)

// The classes, in the order of the labels in training data.
const (
	Negative = iota
	Neutral
	Positive
	classes
)

// Tone is the probability that a text is meant negatively, neutrally or positively; the three add up to 1.
type Tone [classes]float32

// Class is the likeliest.
func (t Tone) Class() int {
	best := 0
	for i := range t {
		if t[i] > t[best] {
			best = i
		}
	}
	return best
}

// Model is a trained ear. It does not change and may be shared.
type Model struct {
	weights []int8 // bucket*classes + class
	scale   float32
	bias    [classes]float32
}

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

const magic = "BMTONE1\n"

type header struct {
	Bits  uint32
	Scale float32
	Bias  [classes]float32
}

// Read reads what Write wrote.
func Read(r io.Reader) (*Model, error) {
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(r, head); err != nil || string(head) != magic {
		return nil, errors.Join(errors.New("not a tone model"), err)
	}
	var h header
	if err := binary.Read(r, binary.LittleEndian, &h); err != nil {
		return nil, fmt.Errorf("tone model: %w", err)
	}
	if h.Bits != bits {
		return nil, fmt.Errorf("tone model: %d bits, want %d", h.Bits, bits)
	}
	m := &Model{weights: make([]int8, classes<<bits), scale: h.Scale, bias: h.Bias}
	if err := binary.Read(r, binary.LittleEndian, m.weights); err != nil {
		return nil, fmt.Errorf("tone model: %w", err)
	}
	return m, nil
}

// Write writes the model's file.
func (m *Model) Write(w io.Writer) error {
	_, err := io.WriteString(w, magic)
	if err == nil {
		err = binary.Write(w, binary.LittleEndian, header{bits, m.scale, m.bias})
	}
	if err == nil {
		err = binary.Write(w, binary.LittleEndian, m.weights)
	}
	return err
}

// Ear scores texts with a model. It is not safe for use by two goroutines at once; it allocates nothing once warm.
type Ear struct {
	m *Model
	f features
}

// Ear makes an ear of the model.
func (m *Model) Ear() *Ear { return &Ear{m: m} }

// Score hears one text. Time is linear in its length, and bounded.
func (e *Ear) Score(text string) Tone {
	fs := e.f.extract(text)
	var sum [classes]int32
	w := e.m.weights
	for _, b := range fs {
		i := int(b) * classes
		sum[0] += int32(w[i])
		sum[1] += int32(w[i+1])
		sum[2] += int32(w[i+2])
	}
	var z [classes]float64
	norm := e.m.scale / float32(math.Sqrt(float64(len(fs))))
	for c := range z {
		z[c] = float64(float32(sum[c])*norm + e.m.bias[c])
	}
	return softmax(z)
}

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

// Word is a word of a text with what it adds to the tone: below 0 towards negative, above towards positive.
type Word struct {
	Text   string  `json:"text"`
	Weight float64 `json:"weight"`
}

// Explain returns the words of the text, each with the change of log odds (positive to negative) that its absence would undo.
func (e *Ear) Explain(text string) []Word {
	odds := func(t Tone) float64 { return math.Log(float64(t[Positive]+1e-6) / float64(t[Negative]+1e-6)) }
	whole := odds(e.Score(text))
	e.f.words(text)
	var words []string
	start := 0
	for _, end := range e.f.ends {
		words = append(words, string(e.f.buf[start+1:end-1]))
		start = end
	}
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
