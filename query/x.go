package query

import (
	"fmt"
	"strings"
)

// ForX writes the query in the language of X's search and stream rules
// (https://docs.x.com/x-api/posts/search/integrate/build-a-query). What X cannot express is widened, never narrowed:
// the topic's own query still decides what counts. The error says why nothing is left to ask for.
func (q *Query) ForX() (string, error) {
	s, ok := forX(q.root, false)
	if !ok || s == "" {
		return "", fmt.Errorf("query %q: X needs at least one whole word, phrase, #tag or @name to search for", q.text)
	}
	return s, nil
}

// forX returns the node in X's language. ok is false if the node matches everything. Under a NOT nothing may be
// widened.
func forX(n *node, negated bool) (string, bool) {
	switch n.op {
	case opWord:
		if n.shape != exact {
			return "", false
		}
		return xWord(n), true
	case opPhrase:
		var words []string
		for _, k := range n.kids {
			if k.shape != exact {
				return "", false
			}
			words = append(words, strings.TrimLeft(k.raw, "#@"))
		}
		return `"` + strings.Join(words, " ") + `"`, true
	case opNear:
		if negated {
			return "", false
		}
		return forX(&node{op: opAnd, kids: n.kids}, false)
	case opAnd:
		var parts []string
		positive := false
		for _, k := range n.kids {
			s, ok := forX(k, negated)
			if !ok {
				if negated {
					return "", false
				}
				continue
			}
			positive = positive || k.op != opNot && k.op != opLang && k.op != opIs
			parts = append(parts, s)
		}
		return strings.Join(parts, " "), positive
	case opOr:
		var parts []string
		for _, k := range n.kids {
			s, ok := forX(k, negated)
			if !ok {
				if !negated {
					return "", false
				}
				continue // excluding less is wider
			}
			parts = append(parts, s)
		}
		return "(" + strings.Join(parts, " OR ") + ")", len(parts) > 0
	case opNot:
		k := n.kids[0]
		if negated || k.op != opWord && k.op != opPhrase {
			return "", false
		}
		s, ok := forX(k, true)
		return "-" + s, ok
	case opLang:
		return "lang:" + base(n.raw), !negated
	case opAuthor:
		return "from:" + n.raw, true
	case opIs:
		if n.raw == "repost" && !negated {
			return "is:retweet", true
		}
		if n.raw == "reply" && !negated {
			return "is:reply", true
		}
	}
	return "", false
}

func xWord(n *node) string {
	raw := n.raw
	switch n.sigil {
	case '#', '@':
		return string(n.sigil) + strings.TrimLeft(raw, "#@＃＠")
	}
	return raw
}
