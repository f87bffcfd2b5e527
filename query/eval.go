package query

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"brandmelder/brand"
)

// find records for every term the words of the text that match it.
func (s *Scanner) find() {
	s.found, s.unsorted = s.found[:0], s.unsorted[:0]
	s.search()
	slices.Sort(s.unsorted)
	for _, id := range slices.Compact(s.unsorted) {
		slices.Sort(s.hits[id])
	}
}

func (s *Scanner) search() {
	w := &s.w
	for i, t := range w.list {
		if id, ok := s.m.exact[string(w.buf[t.start:t.end])]; ok {
			s.hit(id, int32(i))
		}
		if t.alt > 0 {
			a := w.alts[t.alt-1]
			if id, ok := s.m.exact[string(w.altBuf[a.start:a.end])]; ok {
				s.hit(id, int32(i))
			}
		}
	}
	if !s.m.hasParts {
		return
	}
	next := 0
	it := s.m.parts.IterOverlappingByte(w.buf)
	for match := it.Next(); match != nil; match = it.Next() {
		// Matches come in order of their ends.
		for next < len(w.list) && int(w.list[next].end) < match.End() {
			next++
		}
		if next < len(w.list) && match.End() > int(w.list[next].start) {
			s.hit(s.m.partID[match.Pattern()], int32(next))
		}
	}
	if len(w.alts) == 0 {
		return
	}
	next = 0
	it = s.m.parts.IterOverlappingByte(w.altBuf)
	for match := it.Next(); match != nil; match = it.Next() {
		for next < len(w.alts) && int(w.alts[next].end) < match.End() {
			next++
		}
		if next < len(w.alts) && match.End() > int(w.alts[next].start) {
			s.hit(s.m.partID[match.Pattern()], w.alts[next].word)
		}
	}
}

func (s *Scanner) hit(id, at int32) {
	if s.termGen[id] != s.gen {
		s.termGen[id] = s.gen
		s.hits[id] = s.hits[id][:0]
		s.found = append(s.found, id)
	}
	h := s.hits[id]
	switch {
	case len(h) == 0 || h[len(h)-1] < at:
		s.hits[id] = append(h, at)
	case h[len(h)-1] > at: // of another spelling of the words
		s.unsorted = append(s.unsorted, id)
		s.hits[id] = append(h, at)
	}
}

// at reports whether the word node matches that word of the text.
func (s *Scanner) at(n *node, i int32) bool {
	for _, id := range n.ids {
		if s.termGen[id] != s.gen {
			continue
		}
		if _, ok := slices.BinarySearch(s.hits[id], i); ok && s.sigilFits(n, i) {
			return true
		}
	}
	return false
}

// sigilFits reports whether the word has the node's sigil. A plain word matches #word too, but not @word, which is
// somebody's name.
func (s *Scanner) sigilFits(n *node, i int32) bool {
	has := s.w.list[i].sigil
	return has == n.sigil || n.sigil == 0 && has == '#'
}

func (s *Scanner) eval(n *node) bool {
	m := s.mention
	switch n.op {
	case opAnd:
		for _, k := range n.kids {
			if !s.eval(k) {
				return false
			}
		}
		return true
	case opOr:
		for _, k := range n.kids {
			if s.eval(k) {
				return true
			}
		}
		return false
	case opNot:
		return !s.eval(n.kids[0])
	case opWord:
		for _, id := range n.ids {
			if s.termGen[id] != s.gen {
				continue
			}
			for _, i := range s.hits[id] {
				if s.sigilFits(n, i) {
					return true
				}
			}
		}
		return false
	case opPhrase:
		s.spans[0] = s.places(n, s.spans[0][:0])
		return len(s.spans[0]) > 0
	case opNear:
		return s.near(n)
	case opLang:
		return base(m.Lang) == base(n.raw)
	case opSource:
		return strings.EqualFold(m.Source, n.raw)
	case opAuthor:
		return strings.EqualFold(strings.TrimPrefix(m.Author, "@"), n.raw)
	case opSite:
		return s.site(n.raw)
	case opFollowers:
		return compare(m.Followers, n.cmp, n.n)
	case opIs:
		return m.Kind == brand.Kind(n.raw) || m.Kind == "" && n.raw == string(brand.Post)
	}
	return false
}

// places appends where a positional node stands.
func (s *Scanner) places(n *node, dst []span) []span {
	switch n.op {
	case opWord:
		for _, id := range n.ids {
			if s.termGen[id] != s.gen {
				continue
			}
			for _, i := range s.hits[id] {
				if s.sigilFits(n, i) {
					dst = append(dst, span{i, i})
				}
			}
		}
	case opPhrase:
		for _, id := range n.kids[0].ids {
			if s.termGen[id] != s.gen {
				continue
			}
		starts:
			for _, i := range s.hits[id] {
				if !s.sigilFits(n.kids[0], i) {
					continue
				}
				for k, kid := range n.kids[1:] {
					if at := i + int32(k) + 1; int(at) >= len(s.w.list) || !s.at(kid, at) {
						continue starts
					}
				}
				dst = append(dst, span{i, i + int32(len(n.kids)) - 1})
			}
		}
	case opOr:
		for _, k := range n.kids {
			dst = s.places(k, dst)
		}
	}
	return dst
}

// near reports whether both sides of the node occur with at most n words between, in either order, not overlapping.
func (s *Scanner) near(n *node) bool {
	s.spans[0] = s.places(n.kids[0], s.spans[0][:0])
	if len(s.spans[0]) == 0 {
		return false
	}
	s.spans[1] = s.places(n.kids[1], s.spans[1][:0])
	left, right := s.spans[0], s.spans[1]
	return within(left, right, n.n) || within(right, left, n.n)
}

// within reports whether one of right begins behind one of left, with at most n words between. It sorts both: comparing
// each with each would take hours for a text of many places.
func within(left, right []span, n int64) bool {
	slices.SortFunc(left, func(a, b span) int { return cmp.Compare(a.last, b.last) })
	slices.SortFunc(right, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	next := 0
	for _, a := range left {
		for next < len(right) && right[next].first <= a.last {
			next++
		}
		if next < len(right) && int64(right[next].first-a.last-1) <= n {
			return true
		}
	}
	return false
}

func (s *Scanner) site(want string) bool {
	if s.host == "" && s.mention.URL != "" {
		if u, err := url.Parse(s.mention.URL); err == nil {
			s.host = strings.ToLower(u.Hostname())
		}
	}
	return s.host == want || strings.HasSuffix(s.host, "."+want)
}

func compare(a int64, op string, b int64) bool {
	switch op {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">=":
		return a >= b
	case ">":
		return a > b
	}
	return a == b
}

// base is the language without its region: de-AT is de.
func base(lang string) string {
	lang, _, _ = strings.Cut(lang, "-")
	return strings.ToLower(lang)
}
