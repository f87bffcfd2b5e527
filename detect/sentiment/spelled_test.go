package sentiment

import (
	"strings"
	"testing"
)

// Words in dialect are read as the standard word, whatever their apostrophe.
func TestADialectsWordsAreTheStandards(t *testing.T) {
	var f features
	for said, want := range map[string]string{
		"I hab heit koane Zeid, woaß ned": "i hab heute keine zeit , weiß nicht",
		"Isch des guat?":                  "ist des gut ?",
		"dunno, it ain't workin":          "do not know , it isn't working",
		"we’re gonna buy it, don’t wait":  "we're going to buy it , don't wait",
		"l’amour, rock ’n’ roll":          "l ’ amour , rock ’ n ’ roll",
		"So keen on a mocha, mama":        "so keen on a mocha , mama",
		"GONNA":                           "going to",
		"Mir kemman no amoi":              "wir kommen noch einmal",
		"no amoi":                         "noch einmal",
		"Mir is no net no way":            "mir is no net no way",
		"":                                "",
	} {
		f.words(said)
		var got []string
		start := 0
		for _, end := range f.ends {
			w := string(f.buf[start:end])
			if len(w) < 3 || w[0] != ' ' || w[len(w)-1] != ' ' {
				t.Fatalf("%q is cut into %q", said, w)
			}
			got = append(got, w[1:len(w)-1])
			start = end
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q is heard as %q, want %q", said, s, want)
		}
	}
	if allocs := testing.AllocsPerRun(100, func() { f.words("I hab koa Zeid, dunno") }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// Each spelling is a word as texts are cut, stands for one standard word, and that is not a spelling itself.
func TestSpellingsAreWords(t *testing.T) {
	n := 0
	for lang, list := range map[string]string{"": spellings, german: germanSpellings} {
		f := features{lang: lang}
		for line := range strings.Lines(list) {
			standard, spoken, ok := strings.Cut(strings.TrimSpace(line), ": ")
			if strings.HasPrefix(line, "#") {
				continue
			}
			if !ok {
				t.Errorf("%q is no line of a word and its spellings", line)
			}
			for _, w := range strings.Fields(spoken) {
				n++
				w = strings.ReplaceAll(w, "_", " ")
				if w == standard {
					t.Errorf("%q is spelled as itself", w)
				}
				if f.words(w); heard(&f) != standard {
					t.Errorf("%q is heard as %q, want %q", w, f.buf, standard)
				}
			}
			if f.words(standard); heard(&f) != standard {
				t.Errorf("%q, a standard, is heard as %q", standard, f.buf)
			}
		}
	}
	if n < 200 {
		t.Errorf("%d spellings", n)
	}
}

// heard are the words that were cut, with a blank between them.
func heard(f *features) string { return strings.Join(strings.Fields(string(f.buf)), " ") }
