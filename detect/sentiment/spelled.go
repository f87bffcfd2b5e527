package sentiment

import (
	_ "embed" // the spellings
	"strings"
)

//go:embed spelled.txt
var spellings string

// spelled are the standard words for what is written as it is spoken somewhere: a dialect must not change how a text is meant. Each word has a blank
// before and behind.
var spelled = func() map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(spellings) {
		if standard, spoken, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "#") {
			for _, w := range strings.Fields(spoken) {
				out[" "+w+" "] = " " + strings.Join(strings.Fields(standard), "  ") + " "
			}
		}
	}
	return out
}()
