package sentiment

import (
	_ "embed" // the spellings
	"strings"
)

//go:embed spelled.txt
var spellings string

//go:embed spelled.de.txt
var germanSpellings string

// spelling is the standard words for a word in dialect, each with a blank before and behind, or "" for the word as it
// is.
type spelling struct {
	anywhere string
	german   string // if the text is German
	second   bool   // some spelling of two words ends with it
}

// spelled are words, and pairs of words, in the spelling of a dialect: a dialect must not change the tone. Each word
// has a blank before and behind.
var spelled = func() map[string]spelling {
	out := map[string]spelling{}
	for _, list := range []struct{ lines, lang string }{{spellings, ""}, {germanSpellings, german}} {
		for line := range strings.Lines(list.lines) {
			standard, spoken, ok := strings.Cut(line, ":")
			if !ok || strings.HasPrefix(line, "#") {
				continue
			}
			standard = " " + strings.Join(strings.Fields(standard), "  ") + " "
			for _, w := range strings.Fields(spoken) {
				w = " " + strings.Replace(w, "_", "  ", 1) + " "
				if _, last, pair := strings.Cut(w, "  "); pair {
					s := out[" "+last]
					s.second = true
					out[" "+last] = s
				}
				s := out[w]
				if list.lang == german {
					s.german = standard
				} else {
					s.anywhere = standard
				}
				out[w] = s
			}
		}
	}
	return out
}()

// spelledLike are the values of look of those words, so that most other words need no lookup.
var spelledLike = func() (out [1 << 12]bool) {
	for w := range spelled {
		out[look([]byte(w))] = true
	}
	return out
}()

// look is a number that a word, with its blanks, shares with few others.
func look(w []byte) uint32 {
	n := len(w)
	return (uint32(w[1]) + uint32(w[n-2])<<4 + uint32(w[n/2])<<8 + uint32(n)*0x9E3) * 0x9E3779B1 >> 20
}

const german = "de"
