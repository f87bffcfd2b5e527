package language

import (
	"bytes"
	_ "embed" // the model
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Model is the weights of the classifier, one column for each class. A language may have several classes, each a
// kind of text. The built-in model has the weights of the gate of the built-in tone model: a test in detect/sentiment
// compares them, and writes the file after a training.
type Model struct {
	Languages []string // of each class: ISO 639-1
	Bias      []float32
	Scale     float32 // of the weights
	Weights   []int8  // bucket*classes + class
}

const (
	// Buckets is the number of hashes that have weights.
	Buckets = 1 << 16
	// MaxClasses is the most classes of a model.
	MaxClasses = 8

	magic = "BMLANG1\n"
)

//go:embed model.bin
var file []byte

var builtIn = sync.OnceValue(func() *Model {
	m, err := read(bytes.NewReader(file))
	if err != nil {
		panic("read the embedded language model: " + err.Error()) // a broken build, not a broken input
	}
	return m
})

// read reads what Write wrote.
func read(r io.Reader) (*Model, error) {
	start := make([]byte, len(magic))
	if _, err := io.ReadFull(r, start); err != nil || string(start) != magic {
		return nil, errors.Join(errors.New("not a language model of this version"), err)
	}
	m := &Model{}
	var n uint32
	if err := errors.Join(binary.Read(r, binary.LittleEndian, &n), binary.Read(r, binary.LittleEndian, &m.Scale)); err != nil {
		return nil, fmt.Errorf("read a language model: %w", err)
	}
	if n < 1 || n > MaxClasses {
		return nil, fmt.Errorf("read a language model: %d classes, want 1 to %d", n, MaxClasses)
	}
	codes := make([][2]byte, n)
	m.Bias, m.Weights = make([]float32, n), make([]int8, n*Buckets)
	for _, part := range []any{codes, m.Bias, m.Weights} {
		if err := binary.Read(r, binary.LittleEndian, part); err != nil {
			return nil, fmt.Errorf("read a language model: %w", err)
		}
	}
	for _, c := range codes {
		m.Languages = append(m.Languages, string(c[:]))
	}
	return m, nil
}

// Write writes the model.
func (m *Model) Write(w io.Writer) error {
	codes := make([][2]byte, len(m.Languages))
	for k, lang := range m.Languages {
		copy(codes[k][:], lang)
	}
	_, err := io.WriteString(w, magic)
	for _, part := range []any{uint32(len(codes)), m.Scale, codes, m.Bias, m.Weights} {
		if err == nil {
			err = binary.Write(w, binary.LittleEndian, part)
		}
	}
	return err
}
