package query

import (
	"fmt"
	"slices"
	"strings"
)

// Search returns what to ask of a service that knows only words. Every mention that the query matches holds at least
// one of them: an exact word without @ and #, or a phrase in quotation marks. The result is wider than the query, which
// still decides what counts. The error says why nothing can be asked for.
func (q *Query) Search() ([]string, error) {
	out := cover(q.root)
	if len(out) == 0 {
		return nil, fmt.Errorf("query %q: to search for it, it needs at least one whole word, phrase, #tag or @name; or give the source search: [words]", q.text)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// AsksLanguage reports whether the query asks for the language of a mention.
func (q *Query) AsksLanguage() bool { return asks(q.root, opLang) }

func asks(n *node, o op) bool {
	return n.op == o || slices.ContainsFunc(n.kids, func(k *node) bool { return asks(k, o) })
}

// cover is a set of words of which every text that matches the node holds one; nil if there is none.
func cover(n *node) []string {
	switch n.op {
	case opWord:
		if n.shape == exact {
			return []string{strings.TrimLeft(n.raw, "#@＃＠")}
		}
	case opPhrase:
		var words []string
		for _, k := range n.kids {
			if k.shape != exact {
				return nil
			}
			words = append(words, strings.TrimLeft(k.raw, "#@＃＠"))
		}
		return []string{`"` + strings.Join(words, " ") + `"`}
	case opOr:
		var out []string
		for _, k := range n.kids {
			c := cover(k)
			if c == nil {
				return nil
			}
			out = append(out, c...)
		}
		return out
	case opAnd, opNear: // the words of one part suffice: the fewest and longest
		var best []string
		for _, k := range n.kids {
			c := cover(k)
			if c != nil && (best == nil || len(c) < len(best) || len(c) == len(best) && len(strings.Join(c, "")) > len(strings.Join(best, ""))) {
				best = c
			}
		}
		return best
	}
	return nil
}
