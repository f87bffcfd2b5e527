package query

import (
	"cmp"
	"slices"

	"brandmelder/brand"

	ahocorasick "github.com/petar-dambovaliev/aho-corasick"
)

// Matcher holds many queries compiled into one. It does not change and may be shared; each goroutine takes its own
// Scanner.
//
// The cost of a mention depends on its own words, not on the number of queries. Whole words are looked up in one map.
// One Aho–Corasick automaton (Aho & Corasick 1975) finds prefixes and fragments. Only queries whose rarest part was
// found are evaluated.
type Matcher struct {
	roots     []*node
	exact     map[string]int32
	parts     ahocorasick.AhoCorasick
	partID    []int32 // pattern of the automaton -> term
	hasParts  bool
	terms     int
	triggers  [][]int32 // term -> queries to evaluate when it was found
	universal []int32   // queries that need no word, such as lang:de or NOT x
}

// Compile joins the queries. Match answers with their indexes.
func Compile(queries []*Query) *Matcher {
	m := &Matcher{exact: map[string]int32{}}
	parts := map[string]int32{}
	var patterns []string
	var number func(n *node) *node
	number = func(n *node) *node {
		c := *n
		c.kids = make([]*node, len(n.kids))
		for i, k := range n.kids {
			c.kids[i] = number(k)
		}
		c.ids = nil
		for _, form := range n.forms {
			table, key := m.exact, form
			switch n.shape {
			case prefix:
				table, key = parts, string(rune(delimiter))+form
			case fragment:
				table = parts
			}
			id, ok := table[key]
			if !ok {
				id = int32(m.terms)
				m.terms++
				table[key] = id
				if n.shape != exact {
					patterns, m.partID = append(patterns, key), append(m.partID, id)
				}
			}
			c.ids = append(c.ids, id)
		}
		return &c
	}
	for _, q := range queries {
		m.roots = append(m.roots, number(q.root))
	}
	m.triggers = make([][]int32, m.terms)
	for i, root := range m.roots {
		ids, ok := triggers(root)
		if !ok {
			m.universal = append(m.universal, int32(i))
			continue
		}
		for _, id := range ids {
			if !slices.Contains(m.triggers[id], int32(i)) {
				m.triggers[id] = append(m.triggers[id], int32(i))
			}
		}
	}
	if m.hasParts = len(patterns) > 0; m.hasParts {
		b := ahocorasick.NewAhoCorasickBuilder(ahocorasick.Opts{MatchKind: ahocorasick.StandardMatch, DFA: len(patterns) < 2000})
		m.parts = b.Build(patterns)
	}
	return m
}

// triggers are terms of which at least one must be found for the node to be true; false if there is no such set.
func triggers(n *node) ([]int32, bool) {
	switch n.op {
	case opWord:
		return n.ids, true
	case opOr:
		var all []int32
		for _, k := range n.kids {
			ids, ok := triggers(k)
			if !ok {
				return nil, false
			}
			all = append(all, ids...)
		}
		return all, true
	case opAnd, opPhrase, opNear:
		best, weight, found := []int32(nil), 0, false
		for _, k := range n.kids {
			if ids, ok := triggers(k); ok {
				if w := rarity(k, len(ids)); !found || w > weight {
					best, weight, found = ids, w, true
				}
			}
		}
		return best, found
	}
	return nil, false
}

// rarity estimates how seldom a node is true: few and long terms are rare.
func rarity(n *node, terms int) int {
	length := 1 << 20
	var walk func(n *node)
	walk = func(n *node) {
		if n.op == opWord {
			length = min(length, len(n.forms[0]))
		}
		for _, k := range n.kids {
			walk(k)
		}
	}
	walk(n)
	return length*8 - terms*16
}

// Scanner asks a Matcher. It is not safe for use by two goroutines at once; it allocates nothing once warm.
type Scanner struct {
	m        *Matcher
	w        words
	gen      uint32
	found    []int32   // terms found in this text
	unsorted []int32   // those of found whose hits are not rising
	termGen  []uint32  // generation in which the term was last found
	hits     [][]int32 // term -> words of the text where it was found
	seen     []uint32  // query -> generation in which it was evaluated
	spans    [2][]span
	mention  *brand.Mention
	host     string
}

type span struct{ first, last int32 }

// Scanner makes a scanner.
func (m *Matcher) Scanner() *Scanner {
	return &Scanner{m: m, termGen: make([]uint32, m.terms), hits: make([][]int32, m.terms), seen: make([]uint32, len(m.roots))}
}

// Match appends to dst the indexes of the queries that the mention matches, rising, and returns it.
func (s *Scanner) Match(mention *brand.Mention, dst []int) []int {
	if s.gen++; s.gen == 0 {
		clear(s.termGen)
		clear(s.seen)
		s.gen = 1
	}
	s.mention, s.host = mention, ""
	s.w.fold(mention.Body())
	from := len(dst)
	s.find() // all hits first: a query may look at words that come later
	for _, q := range s.m.universal {
		if s.eval(s.m.roots[q]) {
			dst = append(dst, int(q))
		}
	}
	for _, id := range s.found {
		for _, q := range s.m.triggers[id] {
			if s.seen[q] == s.gen {
				continue
			}
			s.seen[q] = s.gen
			if s.eval(s.m.roots[q]) {
				dst = append(dst, int(q))
			}
		}
	}
	slices.SortFunc(dst[from:], cmp.Compare)
	s.mention = nil
	return dst
}
