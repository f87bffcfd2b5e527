package sentiment

import (
	"regexp"
	"strings"
	"unicode"
)

// looks are forms of texts that are difficult or frequent. Each is measured apart. A text may have several. The rules
// that find them are rough.
var looks = []struct {
	name string
	has  func(text string) bool
}{
	{"question", func(t string) bool { return strings.ContainsRune(t, '?') }},
	{"anger", func(t string) bool { return furious.MatchString(t) || shouted(t) }},
	{"irony mark", ironic.MatchString},
	{"quote", quoted.MatchString},
	{"service", service.MatchString},
	{"headline", func(t string) bool { return headline.MatchString(t) && !personal.MatchString(t) }},
	{"short", func(t string) bool { return len(strings.Fields(t)) < 8 }},
}

var (
	furious  = regexp.MustCompile(`!!|[😡🤬😠😤👿]`)
	ironic   = regexp.MustCompile(`(?i)#(ironie|sarkasmus|irony|sarcasm|sarcastic)\b|[;][-']?\)|🙃|\s/s$`)
	quoted   = regexp.MustCompile(`["“„»]\S+(\s+\S+){2,}["”“«]|^RT @`)
	service  = regexp.MustCompile(`(?i)sorry to hear|apologi[sz]e for|(dm|message) us|let us know|tut uns leid|entschuldigung für|(bitte|gern) .{0,30}\b(pn|dm|kontakt)\b|wir leiten .{0,20}weiter`)
	headline = regexp.MustCompile(`^[^@!?]*https?://\S+\s*$`)
	personal = regexp.MustCompile(`(?i)\b(i|i'm|my|me|ich|mein\w*|mir|mich|you|your|du|dein\w*|ihr)\b`)
)

// shouted reports whether two words or more are written in capitals.
func shouted(text string) bool {
	n := 0
	for _, w := range strings.Fields(text) {
		letters, large := 0, 0
		for _, r := range w {
			if unicode.IsLetter(r) {
				letters++
				if unicode.IsUpper(r) {
					large++
				}
			}
		}
		if letters > 3 && letters == large && !strings.HasPrefix(w, "@") {
			n++
		}
	}
	return n > 1
}
