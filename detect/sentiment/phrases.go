package sentiment

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// filters is the number of patterns of three adjacent words.
const filters = 96

// phrases is a convolution over words (Kim 2014, "Convolutional neural networks for sentence classification"). Each
// filter answers most to some kind of three adjacent words, wherever they stand. A table holds what each known word
// adds to each filter as the first, the middle and the last of the three, so scoring is addition. The word vectors that
// it was computed from are not needed.
type phrases struct {
	words     []uint32  // hash of each known word in its language, ascending, see hashIn
	rows      []uint16  // row of each known word; row 0 is all zeros, the unknown word. Similar words share a row
	table     []int8    // row*3*filters + place*filters + filter
	scale     float32   // of the table
	threshold []int32   // of each filter, in the table's units
	out       []float32 // expert*classes*filters + class*filters + filter
	bias      []float32 // expert*classes + class

	known  hashed[uint16] // the words' rows
	packed []uint64       // the table, see lanes
}

const rowSize = 3 * filters

// index makes the lookup by hash and the packed table.
func (p *phrases) index() {
	p.packed = make([]uint64, len(p.table)/8)
	for i := range p.packed {
		for j, v := range p.table[i*8:][:8] {
			p.packed[i] |= uint64(uint8(v)^0x80) << (8 * j)
		}
	}
	p.known = newHashed[uint16](len(p.words))
	for i, h := range p.words {
		*p.known.put(h) = p.rows[i]
	}
}

// row is the row of a word's hash, 0 if the word is unknown.
func (p *phrases) row(h uint32) uint32 { return uint32(p.known.find(h)) }

// rowsOf appends the rows of words in a language. It looks up all words before any row is read, which hides the latency
// of memory.
func (p *phrases) rowsOf(rows, words []uint32, lang string) []uint32 {
	for _, w := range words {
		rows = append(rows, p.row(hashIn(lang, w)))
	}
	return rows
}

// The filters' sums for a place are added and compared four to a word of the machine, in lanes of 16 bits: bytes from 0
// to 255 that stand for -128 to 127.
const (
	lanes = 0x00FF00FF00FF00FF
	high  = 0x8000800080008000
	third = filters / 8 // words of eight bytes for one place
)

// larger is the larger of each lane; lanes are below 0x8000.
func larger(x, y uint64) uint64 {
	m := (x | high) - y&^high
	m &= high
	m |= m - m>>15
	return x&m | y&^m
}

// answers are the filters' answers to a text in a language, each 0 or more, in the table's units.
type answers [filters]float32

// ask computes the answers to the words of a text, given by their rows.
func (p *phrases) ask(rows []uint32, most *answers) {
	var even, odd [third]uint64
	none := p.packed[:3*third]
	before, middle := none, none
	for i := range len(rows) + 2 { // the third of the three words is the i-th
		last := none
		if i < len(rows) {
			r := int(rows[i]) * 3 * third
			last = p.packed[r:][:3*third]
		}
		a, b, c := before[:third], middle[third:2*third], last[2*third:3*third]
		for k := range even {
			x, y, z := a[k], b[k], c[k]
			even[k] = larger(even[k], x&lanes+y&lanes+z&lanes)
			odd[k] = larger(odd[k], x>>8&lanes+y>>8&lanes+z>>8&lanes)
		}
		before, middle = middle, last
	}
	for k := range most {
		lane := even[k/8]
		if k%2 == 1 {
			lane = odd[k/8]
		}
		most[k] = float32(max(0, int32(lane>>(16*(k%8/2))&0xFFFF)-3*128+p.threshold[k]))
	}
}

// score adds an expert's weighted answers to z. counts is the weight of the phrases.
func (p *phrases) score(most *answers, expert int, counts float32, z *[classes]float64) {
	for c := range z {
		s := float32(0)
		for k, w := range p.out[(expert*classes+c)*filters:][:filters] {
			s += w * most[k]
		}
		z[c] += float64(counts * (s*p.scale + p.bias[expert*classes+c]))
	}
}

type phrasesHeader struct {
	Words, Gaps, Rows, Filters uint32 // Gaps in bytes
	Scale                      float32
}

// write writes the ascending hashes of the words as the gaps between them: two bytes each instead of four.
func (p *phrases) write(w io.Writer) error {
	gaps, before := make([]byte, 0, 3*len(p.words)), uint32(0)
	for _, h := range p.words {
		gaps = binary.AppendUvarint(gaps, uint64(h-before))
		before = h
	}
	for _, part := range []any{phrasesHeader{uint32(len(p.words)), uint32(len(gaps)), uint32(len(p.table) / rowSize), filters, p.scale}, gaps, p.rows, p.threshold, p.out, p.bias, p.table} {
		if err := binary.Write(w, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	return nil
}

// Bounds of a vocabulary, and so of what a broken file can ask for.
const maxWords, maxRows = 1 << 20, 1<<16 - 1

func readPhrases(r io.Reader, experts int) (*phrases, error) {
	var h phrasesHeader
	if err := binary.Read(r, binary.LittleEndian, &h); err != nil {
		return nil, err
	}
	if h.Words > maxWords || h.Rows < 1 || h.Rows > maxRows || h.Filters != filters {
		return nil, fmt.Errorf("%d words in %d rows and %d filters, want at most %d in %d, and %d", h.Words, h.Rows, h.Filters, maxWords, maxRows, filters)
	}
	if h.Gaps > h.Words*binary.MaxVarintLen32 {
		return nil, fmt.Errorf("%d bytes for the hashes of %d words", h.Gaps, h.Words)
	}
	p := newPhrases(int(h.Words), int(h.Rows), experts)
	p.scale = h.Scale
	gaps := make([]byte, h.Gaps)
	if _, err := io.ReadFull(r, gaps); err != nil {
		return nil, err
	}
	before := uint64(0)
	for i := range p.words {
		gap, n := binary.Uvarint(gaps)
		if n <= 0 || gap > math.MaxUint32-before {
			return nil, fmt.Errorf("the gap before word %d of %d is broken", i+1, h.Words)
		}
		gaps = gaps[n:]
		before += gap
		p.words[i] = uint32(before)
	}
	if len(gaps) > 0 {
		return nil, fmt.Errorf("%d bytes are left behind the hashes of %d words", len(gaps), h.Words)
	}
	for _, part := range []any{p.rows, p.threshold, p.out, p.bias, p.table} {
		if err := binary.Read(r, binary.LittleEndian, part); err != nil {
			return nil, err
		}
	}
	for _, r := range p.rows {
		if uint32(r) >= h.Rows {
			return nil, fmt.Errorf("a word has row %d of %d", r, h.Rows)
		}
	}
	p.index()
	return p, nil
}

func newPhrases(words, rows, experts int) *phrases {
	return &phrases{
		words: make([]uint32, words), rows: make([]uint16, words), table: make([]int8, rows*rowSize), threshold: make([]int32, filters),
		out: make([]float32, experts*classes*filters), bias: make([]float32, experts*classes),
	}
}

// lay computes the table from each row's vector and the filters' weights, dims by rowSize.
func (p *phrases) lay(vectors, weights []float32, threshold []float32, dims int) {
	sums := make([]float32, len(p.table))
	multiply(sums, vectors, weights, len(p.table)/rowSize, dims, rowSize)
	p.table, p.scale = quantize(sums, 0.5)
	for k, t := range threshold {
		p.threshold[k] = int32(math.Round(float64(t / p.scale)))
	}
	p.index()
}
