package sentiment

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// bits is the base-2 logarithm of the number of buckets that features are hashed into.
const bits = 20

const mask = 1<<bits - 1

// FNV-1a.
const (
	fnvOffset uint32 = 2166136261
	fnvPrime  uint32 = 16777619
)

func hashByte(h uint32, b byte) uint32 { return (h ^ uint32(b)) * fnvPrime }

// hashWord is the hash of a word as extract makes it.
func hashWord(w string) uint32 {
	h := fnvOffset
	for i := range len(w) {
		h = hashByte(h, w[i])
	}
	return h
}

func bucket(h uint32) uint32 {
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	return h & mask
}

// own is the bucket of an expert's own weight for a feature. It lies beside the shared one, so that one access to
// memory loads both.
func own(b uint32, expert int) uint32 { return b ^ (2*uint32(expert) + 1) }

// maxBytes bounds the work for one text; the rest is not read.
const maxBytes = 4000

// features turns a text into buckets. It reuses its memory.
type features struct {
	buf    []byte   // the words, lower case, each with a blank before and behind
	ends   []int    // ends of the words in buf, behind their blank
	hashes []uint32 // hashes of the words
	named  []uint32 // hashes of the named accounts, for the gate
	out    []uint32 // buckets, one for each feature; a bucket may occur twice
	lang   string   // ISO 639-1, if the language of the text is known
	spoken bool     // the text has words that are read as others if its language is known
}

// extract returns the buckets of the text; they are valid until the next call.
func (f *features) extract(text string) []uint32 {
	f.words(text)
	f.out, f.hashes = f.out[:0], f.hashes[:0]
	negated := 0
	var last uint32
	start := 0
	for _, end := range f.ends {
		w := f.buf[start:end] // " word "
		h := fnvOffset
		for _, c := range w[1 : len(w)-1] {
			h = hashByte(h, c)
		}
		m := wordKinds.find(h)
		if m&person != 0 {
			h = someone
		}
		f.hashes = append(f.hashes, h)
		if negated > 0 {
			f.out = append(f.out, bucket(hashByte(h, '!')))
			negated--
		} else {
			f.out = append(f.out, bucket(h))
		}
		if last != 0 {
			f.out = append(f.out, bucket(last*31+h))
		}
		last = h
		if m&person == 0 {
			f.pieces(w)
		}
		if m&negator != 0 {
			negated = 4
		} else if c := w[1]; len(w) == 3 && (c == '.' || c == ',' || c == '!' || c == '?') {
			negated = 0
		}
		start = end
	}
	// The length: it separates newspapers from tweets.
	n := uint32(0)
	for l := len(f.ends); l > 1; l >>= 1 {
		n++
	}
	f.out = append(f.out, bucket(fnvOffset^0xabcdef+n*7919))
	return f.out
}

// extractIn is extract for a text of a known language. Call it after extract.
func (f *features) extractIn(lang, text string) []uint32 {
	if !f.spoken || lang != german {
		return f.out
	}
	f.lang = lang
	f.extract(text)
	f.lang = ""
	return f.out
}

// pieces adds the character n-grams of 3 to 5 bytes of a word with its blanks. They match parts of German compounds and
// misspellings.
func (f *features) pieces(w []byte) {
	if len(w) > 40 {
		w = w[:40]
	}
	for i := 0; i+3 <= len(w); i++ {
		h := fnvOffset ^ 0x5bd1e995
		for j := i; j < len(w) && j < i+5; j++ {
			h = hashByte(h, w[j])
			if j >= i+2 {
				f.out = append(f.out, bucket(h))
			}
		}
	}
}

// words cuts the text. Links become "http", accounts "@user", digits 0; a letter that occurs more than three times in a
// row occurs three times.
func (f *features) words(text string) {
	f.buf, f.ends, f.named, f.spoken = f.buf[:0], f.ends[:0], f.named[:0], false
	if len(text) > maxBytes {
		text = text[:maxBytes]
	}
	open := false
	var prev rune
	run := 0
	end := func() {
		if open {
			f.buf = append(f.buf, ' ')
			f.end()
			open = false
		}
	}
	single := func(s string) {
		end()
		f.buf = append(f.buf, ' ')
		f.buf = append(f.buf, s...)
		open = true
		end()
	}
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		switch {
		case r == 'h' && !open && (strings.HasPrefix(text[i:], "http://") || strings.HasPrefix(text[i:], "https://")):
			single("http")
			i += blank(text[i:])
			prev = 0
			continue
		case r == '@' && !open && i+1 < len(text) && text[i+1] > ' ':
			single("@user")
			name := text[i+1 : i+blank(text[i:])]
			f.named = append(f.named, account(name))
			i += 1 + len(name)
			prev = 0
			continue
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '\'' && open || r == '’' && open && contraction(text[i+size:]) || unicode.Is(unicode.M, r) && open:
			if !open {
				f.buf = append(f.buf, ' ')
				open = true
			}
			if r < utf8.RuneSelf && unicode.IsDigit(r) {
				r = '0'
			}
			if r == '’' {
				r = '\''
			}
			r = unicode.ToLower(r)
			if r == prev {
				run++
			} else {
				run = 0
			}
			if run < 3 {
				f.buf = utf8.AppendRune(f.buf, r)
			}
		case unicode.IsSpace(r) || unicode.IsControl(r):
			end()
		default: // signs and emoji are words; :( stays together
			if open || !sign(prev) || r > 127 {
				end()
				f.buf = append(f.buf, ' ')
				f.buf = utf8.AppendRune(f.buf, r)
				open = true
				end()
			} else if n := len(f.ends); n > 0 && r != prev { // joined with the sign before
				f.buf = utf8.AppendRune(f.buf[:len(f.buf)-1], r)
				f.buf = append(f.buf, ' ')
				f.ends[n-1] = len(f.buf)
			}
		}
		prev = r
		i += size
	}
	end()
}

// end ends the last word of buf, or replaces it by the words that it is a spelling of.
func (f *features) end() {
	start, n := 0, len(f.ends)
	if n > 0 {
		start = f.ends[n-1]
	}
	var s spelling
	if w := f.buf[start:]; spelledLike[look(w)] {
		s = spelled[string(w)]
	}
	standard := s.anywhere
	if s.german != "" {
		f.spoken = true
		if f.lang == german {
			standard = s.german
		}
	}
	if s.second && n > 0 {
		from := 0
		if n > 1 {
			from = f.ends[n-2]
		}
		if pair := spelled[string(f.buf[from:])].anywhere; pair != "" {
			standard, start, f.ends = pair, from, f.ends[:n-1]
		}
	}
	if standard == "" {
		f.ends = append(f.ends, len(f.buf))
		return
	}
	f.buf = append(f.buf[:start], standard...)
	for i := start + 1; i < len(f.buf); i++ {
		if f.buf[i] == ' ' {
			f.ends = append(f.ends, i+1)
			i++ // the blank before the next word
		}
	}
}

// account is the hash of an account's name behind an @: its letters, digits and underscores, in any case.
func account(name string) uint32 {
	h := fnvOffset
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_':
		default:
			return h
		}
		h = hashByte(h, c)
	}
	return h
}

func sign(r rune) bool {
	return r == ':' || r == ';' || r == '=' || r == '-' || r == '!' || r == '?' || r == '.' || r == '<'
}

// contraction reports whether a text begins with one or two letters, as behind the apostrophe of "don’t", "it’s" and
// "they’ll".
func contraction(s string) bool {
	n := 0
	for n < len(s) && (s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z') {
		n++
	}
	return n == 1 || n == 2
}

func blank(s string) int {
	if i := strings.IndexAny(s, " \t\n\r"); i >= 0 {
		return i
	}
	return len(s)
}

var negation = map[string]bool{
	"not": true, "no": true, "never": true, "without": true, "don't": true, "doesn't": true, "didn't": true, "isn't": true,
	"wasn't": true, "aren't": true, "can't": true, "cannot": true, "won't": true, "wouldn't": true, "couldn't": true,
	"shouldn't": true, "ain't": true, "nothing": true, "nobody": true, "haven't": true, "hasn't": true,
	"dont": true, "doesnt": true, "didnt": true, "isnt": true, "cant": true, "wont": true,
	"nicht": true, "kein": true, "keine": true, "keinen": true, "keinem": true, "keiner": true, "nie": true, "niemals": true,
	"ohne": true, "nichts": true, "niemand": true, "nix": true, "ned": true, "net": true, "kaum": true, "weder": true,
}
