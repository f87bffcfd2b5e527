package sentiment

import (
	"embed"
	"strconv"
	"strings"
	"sync"
)

//go:embed valence/*.txt
var valenceFiles embed.FS

// lexicon holds the valence of single words of a language, -2 to +2. It covers words that are too rare in the training
// data.
type lexicon struct {
	lang   string
	senses hashed[sense]
}

// sense is the valence of a piece of a word.
type sense struct {
	whole, start, part int8 // as a word, as a word's beginning and inside a word; 0 for none
}

// maxEntries of a language's lexicon, signs among them.
const maxEntries = 4096

// lexicons are the lexicons by language.
var lexicons = sync.OnceValue(func() map[string]*lexicon {
	out := map[string]*lexicon{}
	for _, lang := range []string{"de", "en", "es", "fr", "it", "pt"} {
		out[lang] = newLexicon(lang)
	}
	return out
})

// newLexicon reads the embedded words and signs of a language.
func newLexicon(lang string) *lexicon {
	l := &lexicon{lang: lang, senses: newHashed[sense](maxEntries)}
	for _, name := range []string{lang, "signs"} {
		data, err := valenceFiles.ReadFile("valence/" + name + ".txt")
		if err != nil {
			panic("the embedded lexicon is broken: " + err.Error()) // a broken build, not a broken input
		}
		for _, line := range strings.Split(string(data), "\n") {
			if line == "" || line[0] == '#' {
				continue
			}
			words := strings.Fields(line)
			v, err := strconv.Atoi(words[0])
			if err != nil || v < -2 || v > 2 || v == 0 {
				panic("the embedded lexicon is broken: valence/" + name + ".txt: " + words[0])
			}
			for _, w := range words[1:] {
				l.add(w, int8(v))
			}
		}
	}
	return l
}

func (l *lexicon) add(entry string, v int8) {
	core := strings.Trim(entry, "*")
	h := fnvOffset
	for i, part := range strings.Split(core, "_") {
		if i > 0 {
			h = hashByte(h, '_')
		}
		for _, w := range Words(part) { // as the scorer writes it
			for j := range len(w) {
				h = hashByte(h, w[j])
			}
		}
	}
	s := l.senses.put(h)
	switch {
	case strings.HasPrefix(entry, "*"):
		s.part = v
	case strings.HasSuffix(entry, "*"):
		s.start = v
	default:
		s.whole = v
	}
}

const (
	leastPart = 3  // bytes of a piece inside a word
	mostPart  = 14 // bytes
	longWord  = 7  // bytes: only longer words are searched for pieces
)

// word is the valence of a word, else of its longest known beginning, else of its strongest piece.
func (l *lexicon) word(w []byte) int8 {
	h := fnvOffset
	v := int8(0)
	for i, c := range w {
		h = hashByte(h, c)
		s := l.senses.find(h)
		if i == len(w)-1 && s.whole != 0 {
			return s.whole
		}
		if s.start != 0 {
			v = s.start
		}
	}
	if v != 0 || len(w) <= longWord || len(w) > 60 {
		return v
	}
	for i := range w {
		h := fnvOffset
		for j := i; j < len(w) && j < i+mostPart; j++ {
			h = hashByte(h, w[j])
			if j < i+leastPart-1 {
				continue
			}
			if s := l.senses.find(h); abs8(s.part) > abs8(v) {
				v = s.part
			}
		}
	}
	return v
}

// pair is the valence of two words with a common meaning, 0 if they have none.
func (l *lexicon) pair(first uint32, w []byte) int8 {
	h := hashByte(first, '_')
	for _, c := range w {
		h = hashByte(h, c)
	}
	return l.senses.find(h).whole
}

func abs8(v int8) int8 { return max(v, -v) }
