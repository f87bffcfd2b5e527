package sentiment

import (
	_ "embed" // the spellings
	"strings"
)

//go:embed spelled.txt
var spellings string

//go:embed spelled.de.txt
var germanSpellings string

// spelling is what a word is heard as that is written as it is spoken somewhere: standard words, each with a blank before and behind, or "" for as it is.
type spelling struct {
	anywhere string
	german   string // where the text is German
	second   bool   // some spelling of two words ends with it
}

// spelled are the words, and pairs of words, that are written as they are spoken: a dialect must not change how a text is meant. Each word has a blank before
// and behind.
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

// spelledLike are the looks of the words that are spelled, so that most others need not be looked for.
var spelledLike = func() (out [1 << 12]bool) {
	for w := range spelled {
		out[look([]byte(w))] = true
	}
	return out
}()

// look is a number that a word with its blanks has in common with few others.
func look(w []byte) uint32 {
	n := len(w)
	return (uint32(w[1]) + uint32(w[n-2])<<4 + uint32(w[n/2])<<8 + uint32(n)*0x9E3) * 0x9E3779B1 >> 20
}

const german = "de"
