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

const german = "de"
