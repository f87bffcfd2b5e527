package relevance

import (
	"bytes"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"
)

const (
	maxBytes = 4000 // of a text; the rest is not read
	maxNames = 8    // of a text; the neighbours of further ones are ignored
	window   = 4    // words on either side of a name
)

// The sorts of features. Those from around on belong to the names' block.
const (
	inText uint32 = iota + 1
	around
	form
	before
	after
	twoBefore
	names
	length
	density
)

// features extracts the features of texts. It reuses its memory.
type features struct {
	buf   []byte   // the words, lower case
	ends  []int    // ends of the words in buf
	forms []uint32 // hash of each word as it is written
	out   []uint32 // numbers of features
}

const fnvOffset, fnvPrime uint32 = 2166136261, 16777619

func hash(h uint32, word []byte) uint32 {
	for _, c := range word {
		h = (h ^ uint32(c)) * fnvPrime
	}
	return h
}

// name is the number of a feature, never 0.
func name(sort, h uint32) uint32 {
	h = (h ^ sort*0x9e3779b9) * 0x2c1b3c6d
	return max(1, h^h>>16)
}

// cut finds the words: letters, digits and @, #, _ and -. Every other sign but a blank is a word of its own.
func (f *features) cut(text string) {
	f.buf, f.ends, f.forms = f.buf[:0], f.ends[:0], f.forms[:0]
	if len(text) > maxBytes {
		text = text[:maxBytes]
	}
	open := false
	form := fnvOffset
	end := func() {
		if open {
			f.ends, f.forms = append(f.ends, len(f.buf)), append(f.forms, form)
			open, form = false, fnvOffset
		}
	}
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		i += size
		part := r == '_' || r == '-' && open || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r)
		switch {
		case part || (r == '@' || r == '#') && !open:
			open = true
			form = (form ^ uint32(r)) * fnvPrime
			f.buf = utf8.AppendRune(f.buf, unicode.ToLower(r))
		case unicode.IsSpace(r) || unicode.IsControl(r):
			end()
		default:
			end()
			open = true
			form = (form ^ uint32(r)) * fnvPrime
			f.buf = utf8.AppendRune(f.buf, r)
			end()
		}
	}
	end()
}

func (f *features) word(i int) []byte {
	start := 0
	if i > 0 {
		start = f.ends[i-1]
	}
	return f.buf[start:f.ends[i]]
}

// extract returns the numbers of the features of the words and of the places of names, each sorted.
func (f *features) extract(text string, called []string) (words, places []uint32) {
	f.cut(text)
	f.out = f.out[:0]
	for i := range f.ends {
		f.out = append(f.out, name(inText, hash(fnvOffset, f.word(i))))
	}
	n := len(f.out) // those before are of the words, those behind of the names
	found := uint32(0)
	for i := range f.ends {
		if found == maxNames || !has(f.word(i), called) {
			continue
		}
		found++
		f.out = append(f.out, name(form, f.forms[i]))
		for d := 1; d <= window; d++ {
			if i >= d {
				f.out = append(f.out, name(around, hash(1, f.word(i-d))))
			}
			if i+d < len(f.ends) {
				f.out = append(f.out, name(around, hash(2, f.word(i+d))))
			}
		}
		if i >= 1 {
			f.out = append(f.out, name(before, hash(fnvOffset, f.word(i-1))))
		}
		if i+1 < len(f.ends) {
			f.out = append(f.out, name(after, hash(fnvOffset, f.word(i+1))))
		}
		if i >= 2 {
			f.out = append(f.out, name(twoBefore, hash(hash(fnvOffset, f.word(i-2))*31, f.word(i-1))))
		}
	}
	perThousand := (float64(found) + 0.5) / float64(len(text)+1) * 1000
	f.out = append(f.out, name(names, min(found, 4)), name(length, uint32(math.Log2(float64(len(text)+1)))), name(density, uint32(math.Log2(perThousand+1))))
	words, places = f.out[:n], f.out[n:]
	slices.Sort(words)
	slices.Sort(places)
	return words, places
}

// has reports whether a word contains the first of the names, or equals another one.
func has(word []byte, names []string) bool {
	for i, n := range names {
		if i == 0 && bytes.Contains(word, []byte(n)) || string(word) == n {
			return true
		}
	}
	return false
}
