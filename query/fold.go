package query

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// delimiter stands before and behind every word of a folded text. It cannot be part of a word.
const delimiter = 0x1f

// word is one word of a text: where its folded form lies in words.buf, without delimiters.
type word struct {
	start, end int32
	from, to   int32 // in the text as written
	alt        int32 // index+1 into words.alts if the word has a second spelling (ä as ae), else 0
	sigil      byte  // '#', '@' or 0
}

type alt struct {
	start, end int32 // in words.altBuf
	word       int32
}

// words is a text cut into folded words. It reuses its memory.
type words struct {
	buf    []byte
	list   []word
	altBuf []byte
	alts   []alt
	text   string // the text in NFC
}

// fold cuts the text into words. Letters, digits, combining marks and underscores make words. The sigil of a #tag or
// @name is kept beside its word.
func (w *words) fold(text string) {
	w.buf, w.list = append(w.buf[:0], delimiter), w.list[:0]
	w.altBuf, w.alts = append(w.altBuf[:0], delimiter), w.alts[:0]
	if hasCombining(text) {
		text = norm.NFC.String(text)
	}
	inWord, hasAlt := false, false
	var prev rune
	altStart, at := len(w.altBuf), 0
	end := func() {
		if !inWord {
			return
		}
		inWord = false
		last := &w.list[len(w.list)-1]
		last.end = int32(len(w.buf))
		last.to = int32(at)
		if last.end == last.start { // only combining marks, which folding removed
			w.list = w.list[:len(w.list)-1]
			w.altBuf = w.altBuf[:altStart]
			return
		}
		w.buf = append(w.buf, delimiter)
		if hasAlt {
			w.alts = append(w.alts, alt{start: int32(altStart), end: int32(len(w.altBuf)), word: int32(len(w.list) - 1)})
			last.alt = int32(len(w.alts))
			w.altBuf = append(w.altBuf, delimiter)
			altStart = len(w.altBuf)
		} else {
			w.altBuf = w.altBuf[:altStart]
		}
	}
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		at = i
		i += size
		if !wordRune(r) {
			if !ignorable(r) {
				if inWord && sigil(r) != 0 { // info@acme.example names nobody
					prev = 0
				} else {
					prev = r
				}
				end()
			}
			continue
		}
		if !inWord {
			inWord, hasAlt = true, false
			altStart = len(w.altBuf)
			w.list = append(w.list, word{start: int32(len(w.buf)), from: int32(at), sigil: sigil(prev)})
		}
		if r < utf8.RuneSelf {
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			w.buf = append(w.buf, byte(r))
			w.altBuf = append(w.altBuf, byte(r))
		} else {
			n, a := len(w.buf), len(w.altBuf)
			w.buf, w.altBuf = foldRune(w.buf, r, false), foldRune(w.altBuf, r, true)
			hasAlt = hasAlt || string(w.buf[n:]) != string(w.altBuf[a:])
		}
		prev = r
	}
	at = len(text)
	end()
	w.text = text
}

func sigil(prev rune) byte {
	switch prev {
	case '#', '＃':
		return '#'
	case '@', '＠':
		return '@'
	}
	return 0
}

func wordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_'
	}
	return unicode.In(r, unicode.L, unicode.N, unicode.M)
}

// ignorable runes are invisible: they neither belong to a word nor end it.
func ignorable(r rune) bool {
	switch r {
	case 0x00ad, 0x200b, 0x200c, 0x200d, 0x2060, 0xfeff:
		return true
	}
	return false
}

func hasCombining(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		if c := s[i]; c == 0xcc || c == 0xcd && s[i+1] < 0xb0 {
			return true
		}
	}
	return false
}

// foldRune appends the folded form: lower case, no diacritics, normal width. With umlauts set, ä is ae, not a.
func foldRune(dst []byte, r rune, umlauts bool) []byte {
	switch r {
	case 'ä', 'Ä', 'æ', 'Æ':
		dst = append(dst, 'a')
		if umlauts || r == 'æ' || r == 'Æ' {
			dst = append(dst, 'e')
		}
		return dst
	case 'ö', 'Ö', 'ø', 'Ø', 'œ', 'Œ':
		dst = append(dst, 'o')
		if umlauts || r == 'œ' || r == 'Œ' {
			dst = append(dst, 'e')
		}
		return dst
	case 'ü', 'Ü':
		dst = append(dst, 'u')
		if umlauts {
			dst = append(dst, 'e')
		}
		return dst
	case 'ß', 'ẞ':
		return append(dst, 's', 's')
	case 'ł', 'Ł':
		return append(dst, 'l')
	case 'đ', 'Đ':
		return append(dst, 'd')
	case 'ı':
		return append(dst, 'i')
	}
	var raw [utf8.UTFMax]byte
	n := utf8.EncodeRune(raw[:], r)
	decomposed := norm.NFKD.Properties(raw[:n]).Decomposition()
	if decomposed == nil {
		if unicode.Is(unicode.Mn, r) {
			return dst
		}
		return utf8.AppendRune(dst, unicode.ToLower(r))
	}
	for len(decomposed) > 0 {
		d, size := utf8.DecodeRune(decomposed)
		decomposed = decomposed[size:]
		if d == delimiter || !wordRune(d) || unicode.Is(unicode.Mn, d) {
			continue
		}
		dst = utf8.AppendRune(dst, unicode.ToLower(d))
	}
	return dst
}

// Word is a word of a text: folded, in the spelling without umlauts, and as it is written.
type Word struct{ Folded, Written string }

// Words cuts a text into its words. Sigils are left out.
func Words(text string) []Word {
	var w words
	w.fold(text)
	out := make([]Word, len(w.list))
	for i, t := range w.list {
		out[i] = Word{string(w.buf[t.start:t.end]), w.text[t.from:t.to]}
	}
	return out
}
