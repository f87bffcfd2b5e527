package sentiment

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Vectors are words with positions in a space in which similar words lie close together (Pennington et al. 2014,
// "GloVe"). Training needs them.
type Vectors struct {
	Dims   int
	Words  []string // language, blank, word as the scorer cuts it, see Words: "en good"
	Values []int8   // word*Dims + dimension, of the first words
	Scale  float32  // of one step of a value
	Like   []uint16 // for each word without values: the number of the most similar word with values
}

const vectorsMagic = "BMWORDS2\n"

type vectorsHeader struct {
	Words, Like, Dims uint32
	Scale             float32
}

// Write writes the vectors' file.
func (v *Vectors) Write(w io.Writer) error {
	buf := bufio.NewWriter(w)
	_, _ = buf.WriteString(vectorsMagic) // Flush returns its error
	err := binary.Write(buf, binary.LittleEndian, vectorsHeader{uint32(len(v.Words)), uint32(len(v.Like)), uint32(v.Dims), v.Scale})
	for _, word := range v.Words {
		_, _ = buf.WriteString(word + "\n")
	}
	return errors.Join(err, binary.Write(buf, binary.LittleEndian, v.Like), binary.Write(buf, binary.LittleEndian, v.Values), buf.Flush())
}

// ReadVectors reads what Write wrote.
func ReadVectors(r io.Reader) (*Vectors, error) {
	in := bufio.NewReader(r)
	if line, err := in.ReadString('\n'); err != nil || line != vectorsMagic {
		return nil, errors.Join(errors.New("not a file of word vectors"), err)
	}
	var h vectorsHeader
	if err := binary.Read(in, binary.LittleEndian, &h); err != nil {
		return nil, fmt.Errorf("word vectors: %w", err)
	}
	if h.Words > maxWords || h.Like > h.Words || h.Words-h.Like > maxRows || h.Dims < 1 || h.Dims > 1024 {
		return nil, fmt.Errorf("word vectors: %d words, %d of them like others, of %d dimensions; want at most %d words, %d of them with values, and 1 to 1024", h.Words, h.Like, h.Dims, maxWords, maxRows)
	}
	v := &Vectors{Dims: int(h.Dims), Scale: h.Scale, Values: make([]int8, (h.Words-h.Like)*h.Dims), Like: make([]uint16, h.Like)}
	for range h.Words {
		word, err := in.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("word vectors: %w", err)
		}
		word = word[:len(word)-1]
		if len(word) < 4 || word[2] != ' ' {
			return nil, fmt.Errorf("word vectors: %q, want a language, a blank and a word", word)
		}
		v.Words = append(v.Words, word)
	}
	for _, part := range []any{v.Like, v.Values} {
		if err := binary.Read(in, binary.LittleEndian, part); err != nil {
			return nil, fmt.Errorf("word vectors: %w", err)
		}
	}
	for _, l := range v.Like {
		if uint32(l) >= h.Words-h.Like {
			return nil, fmt.Errorf("word vectors: a word is like number %d of %d", l, h.Words-h.Like)
		}
	}
	return v, nil
}

// word is the i-th word with its language.
func (v *Vectors) word(i int) (lang, word string) { return v.Words[i][:2], v.Words[i][3:] }

// hashIn is the hash of a word in a language, from the word's own hash.
func hashIn(lang string, h uint32) uint32 {
	return h ^ (uint32(lang[0])<<8|uint32(lang[1]))*0x9E3779B1
}

// Words cuts a text as the scorer does.
func Words(text string) []string {
	var f features
	f.words(text)
	var out []string
	start := 0
	for _, end := range f.ends {
		out = append(out, string(f.buf[start+1:end-1]))
		start = end
	}
	return out
}
