// Package foreign cleans text from outside before it enters messages, statements and prompts.
//
// Whoever wrote it may have put characters into it that change how the rest of the line reads: controls, overrides of
// the direction of writing, invisible characters, hundreds of accents on one letter. Line and Text remove them. What
// languages and emoji need stays: letters of all scripts, joiners, variation selectors, a few accents.
package foreign

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// maxAccents is how many combining marks one letter keeps. Tibetan needs five.
const maxAccents = 6

// Line returns text from outside as one line of at most limit characters, safe to stand in a line of ours. Limit
// 0 means no limit.
func Line(s string, limit int) string {
	return Shorten(strings.Join(strings.Fields(clean(s, limit)), " "), limit)
}

// Text returns text from outside as lines of at most limit characters in all. Limit 0 means no limit.
func Text(s string, limit int) string { return Shorten(clean(s, limit), limit) }

// clean removes what no text needs. It reads no more of s than a result of limit characters can need.
func clean(s string, limit int) string {
	if most := limit * spareBytes; limit > 0 && len(s) > most {
		s = s[:most]
	}
	var out strings.Builder
	accents := 0
	last := rune(' ')
	for _, r := range s { // a broken byte comes as utf8.RuneError
		switch {
		case r == '\r' || r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			if r == '\r' {
				continue
			}
			r = '\n'
		case r == '\t':
			r = ' '
		case r == '\n':
		case unicode.IsControl(r) || r == utf8.RuneError || isHidden(r):
			continue
		case IsJoiner(r) && (IsJoiner(last) || unicode.IsSpace(last)), IsVariation(r) && IsVariation(last):
			continue // a row of them hides a text
		}
		if unicode.In(r, unicode.Mn, unicode.Me) && !IsVariation(r) {
			if accents++; accents > maxAccents {
				continue
			}
		} else if !IsJoiner(r) {
			accents = 0
		}
		out.WriteRune(r)
		last = r
	}
	return out.String()
}

// spareBytes is how many bytes of a text are read for one character of the result: most of a hostile text is removed.
const spareBytes = 64

// isHidden reports whether r is a format character that changes how others read, or is seen by nobody. Joiners are none
// of them, and neither are the signs that stand before numbers in Arabic, Syriac and Kaithi.
func isHidden(r rune) bool {
	switch {
	case IsJoiner(r), r >= 0x600 && r <= 0x605, r == 0x6dd, r == 0x70f, r == 0x890, r == 0x891, r == 0x8e2,
		r == 0x110bd, r == 0x110cd:
		return false
	case r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0, r == 0x034f: // blank: Hangul fillers, grapheme joiner
		return true
	}
	return unicode.Is(unicode.Cf, r)
}

// IsJoiner reports whether r joins its neighbours, as in emoji of families.
func IsJoiner(r rune) bool { return r == 0x200c || r == 0x200d }

// IsVariation reports whether r chooses the look of the character before.
func IsVariation(r rune) bool { return unicode.Is(unicode.Variation_Selector, r) }

// Shorten cuts s to at most n characters, between two that are read as one. n 0 means no limit.
func Shorten(s string, n int) string {
	if n <= 0 || utf8.RuneCountInString(s) <= n {
		return s
	}
	end, left, state := 0, n-1, -1
	for rest := s; rest != ""; {
		var one string
		one, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if left -= utf8.RuneCountInString(one); left < 0 {
			break
		}
		end += len(one)
	}
	return strings.TrimRight(s[:end], " \n") + "…"
}
