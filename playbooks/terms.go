package playbooks

import (
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// fold cuts texts into words in which case, diacritics and ß do not count.
func fold(texts []string) (out []string) {
	for _, t := range texts {
		out = append(out, strings.FieldsFunc(foldText(t), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	}
	return out
}

func foldText(s string) string {
	s = strings.ReplaceAll(strings.ToLower(s), "ß", "ss")
	if ascii(s) { // as most terms are; a chain takes 8 KB
		return s
	}
	t := transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), norm.NFKC)
	out, _, err := transform.String(t, s)
	if err != nil {
		return s
	}
	return out
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// find returns the first of the words that the term fits, or "". The term may have * at either end.
func find(term string, said []string) string {
	head, tail := strings.HasPrefix(term, "*"), strings.HasSuffix(term, "*")
	core := foldText(strings.Trim(term, "*"))
	for _, w := range said {
		switch {
		case head && tail && strings.Contains(w, core), tail && !head && strings.HasPrefix(w, core), head && !tail && strings.HasSuffix(w, core), w == core:
			return w
		}
	}
	return ""
}
