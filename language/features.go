package language

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxBytes limits the work for one text. The beginning is enough to identify its language.
const maxBytes = 4000

// features turns a text into hashes of its words, pairs of words and parts of words. Its memory is reused for the
// next text.
type features struct {
	buf  []byte // the words in lower case, each with a blank before and after it
	ends []int  // of the words in buf, after their blank
	out  []uint32
}

// FNV-1a.
const (
	fnvOffset uint32 = 2166136261
	fnvPrime  uint32 = 16777619
)

func hashByte(h uint32, b byte) uint32 { return (h ^ uint32(b)) * fnvPrime }

// bucket maps a hash to the index of its weights.
func bucket(h uint32) uint32 {
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	return h & (Buckets - 1)
}

// extract returns the buckets of the text's features. They are valid until the next call.
func (f *features) extract(text string) []uint32 {
	f.split(text[:min(len(text), maxBytes)])
	f.out = f.out[:0]
	var last uint32
	start := 0
	for _, end := range f.ends {
		word := f.buf[start:end] // " word "
		h := fnvOffset
		for _, c := range word[1 : len(word)-1] {
			h = hashByte(h, c)
		}
		f.out = append(f.out, bucket(h))
		if last != 0 {
			f.out = append(f.out, bucket(last*31+h))
		}
		last = h
		f.parts(word)
		start = end
	}
	return f.out
}

// parts adds the character n-grams of 3 to 5 bytes of a word with its blanks.
func (f *features) parts(word []byte) {
	word = word[:min(len(word), 40)]
	for i := 0; i+3 <= len(word); i++ {
		h := fnvOffset ^ 0x5bd1e995
		for j := i; j < len(word) && j < i+5; j++ {
			h = hashByte(h, word[j])
			if j >= i+2 {
				f.out = append(f.out, bucket(h))
			}
		}
	}
}

// split cuts the text into words. A link becomes "http", an account "@user", a digit 0. A letter that is repeated
// more than three times is written three times. A sign is a word.
func (f *features) split(text string) {
	f.buf, f.ends = f.buf[:0], f.ends[:0]
	open, run := false, 0
	var prev rune
	end := func() {
		if open {
			f.buf = append(f.buf, ' ')
			f.ends = append(f.ends, len(f.buf))
			open = false
		}
	}
	add := func(word string) {
		end()
		f.buf = append(append(f.buf, ' '), word...)
		open = true
		end()
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == 'h' && !open && (strings.HasPrefix(text[i:], "http://") || strings.HasPrefix(text[i:], "https://")):
			add("http")
			i, prev = i+blank(text[i:]), 0
			continue
		case r == '@' && !open && i+1 < len(text) && text[i+1] > ' ':
			add("@user")
			i, prev = i+blank(text[i:]), 0
			continue
		case unicode.IsLetter(r) || unicode.IsDigit(r) || open && (r == '\'' || r == '’' || unicode.Is(unicode.M, r)):
			if !open {
				f.buf = append(f.buf, ' ')
				open = true
			}
			switch {
			case r == '’':
				r = '\''
			case r < utf8.RuneSelf && unicode.IsDigit(r):
				r = '0'
			default:
				r = unicode.ToLower(r)
			}
			if r != prev {
				run = 0
			} else {
				run++
			}
			if run < 3 {
				f.buf = utf8.AppendRune(f.buf, r)
			}
		case unicode.IsSpace(r) || unicode.IsControl(r):
			end()
		default:
			add(string(r))
		}
		prev = r
		i += size
	}
	end()
}

// blank is the index of the first blank, or the length of s.
func blank(s string) int {
	if i := strings.IndexAny(s, " \t\n\r"); i >= 0 {
		return i
	}
	return len(s)
}
