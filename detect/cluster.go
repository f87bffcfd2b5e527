package detect

import (
	"math"
	"slices"
	"unicode"
	"unicode/utf8"
)

// A near-duplicate cluster is one text and its copies: a wire report that thirty papers print, each with its own
// headline and length, or a post that is copied with a few words changed. Two texts belong to one cluster if about half
// of the shorter one's runs of three words occur in the other too. Sketches estimate that share: each text keeps the
// smallest hashes of its runs (Broder 1997, "On the resemblance and containment of documents"), and the hashes below a
// common bound are compared.

const (
	sketchSize     = 32   // hashes kept of a text
	clusterWords   = 4    // a shorter text has no cluster: four people who write "thanks!" are four voices
	sameShare      = 0.45 // of the shorter text's runs
	sameShort      = 0.65 // of short texts' runs: people ask the same question about different things
	sameLeast      = 4    // runs in common; all runs of a text that has fewer
	sketchedBytes  = 4000 // bytes of a text that are read
	clusterMinutes = 24 * 60
	clustersKept   = 1024
	singlesKept    = 768 // clusters of one text; many new texts must not push out clusters that grow
)

// sketch is the smallest hashes of a text, in ascending order. Whole says that the text has no others.
type sketch struct {
	Hashes [sketchSize]uint32
	N      uint8
	Whole  bool
}

// newSketch makes the sketch of a text and counts its words. Names of accounts, links, digits and case are ignored.
func newSketch(text string) (p sketch, words int) {
	if len(text) > sketchedBytes {
		text = text[:sketchedBytes]
	}
	var all [sketchedBytes / 4]uint32
	runs := all[:0]
	var w [3]uint64 // the last words
	eachWord(text, func(h uint64) {
		words++
		w[0], w[1], w[2] = w[1], w[2], h
		if words >= 3 {
			runs = append(runs, uint32(mix(w[0]*3+w[1]*5+w[2]*7)>>32))
		}
	})
	slices.Sort(runs)
	runs = slices.Compact(runs)
	p.Whole = len(runs) <= sketchSize
	p.N = uint8(copy(p.Hashes[:], runs))
	return p, words
}

// eachWord calls f with the hash of each word, in lower case. A word is a run of letters. In scripts without spaces
// each character is a word.
func eachWord(text string, f func(h uint64)) {
	h, in, skip := fnvOffset, false, false
	end := func() {
		if in && !skip {
			f(mix(h))
		}
		in = false
	}
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		i += size
		switch {
		case r == '@' || r == ':' && i < len(text) && text[i] == '/': // an account, or the rest of a link
			skip, in = true, true
		case r >= 0x2E80 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana):
			end()
			f(mix((fnvOffset ^ uint64(r)) * fnvPrime))
		case r < utf8.RuneSelf && (r|0x20 >= 'a' && r|0x20 <= 'z'), r >= utf8.RuneSelf && unicode.IsLetter(r):
			if !in {
				in, skip, h = true, false, fnvOffset
			}
			if r < utf8.RuneSelf {
				r |= 0x20
			} else {
				r = unicode.ToLower(r)
			}
			h = (h ^ uint64(r)) * fnvPrime
		case skip && !unicode.IsSpace(r):
		default:
			end()
		}
		if skip && unicode.IsSpace(r) {
			in, skip = false, false
		}
	}
	end()
}

// same reports whether two texts belong to one cluster.
func (p *sketch) same(q *sketch) bool {
	both, least := p.common(q)
	share := sameShare
	if p.Whole && q.Whole {
		share = sameShort
	}
	return both >= min(sameLeast, max(2, int(p.N)), max(2, int(q.N))) && float64(both) >= share*float64(least)
}

// alike reports whether two texts share so many words that a reader needs only one of them.
func (p *sketch) alike(q *sketch) bool {
	both, least := p.common(q)
	return both > 0 && 5*both >= least
}

// common counts the runs that both texts have, and the runs of the shorter text, as far as both sketches reach.
func (p *sketch) common(q *sketch) (both, least int) {
	bound := uint32(math.MaxUint32)
	if !p.Whole {
		bound = p.Hashes[p.N-1]
	}
	if !q.Whole {
		bound = min(bound, q.Hashes[q.N-1])
	}
	a, b := p.Hashes[:p.N], q.Hashes[:q.N]
	na, nb := 0, 0
	for na < len(a) && nb < len(b) && a[na] <= bound && b[nb] <= bound {
		switch {
		case a[na] == b[nb]:
			both++
			na++
			nb++
		case a[na] < b[nb]:
			na++
		default:
			nb++
		}
	}
	for na < len(a) && a[na] <= bound {
		na++
	}
	for nb < len(b) && b[nb] <= bound {
		nb++
	}
	return both, min(na, nb)
}

// cluster is one text and its copies.
type cluster struct {
	Sketch sketch
	Copies int32 // with the first text
	Last   int32 // minute of the last copy, since 1970
}

// clusters keeps the latest clusters, at most clustersKept. The zero value is empty.
type clusters struct {
	Kept []cluster

	byHash map[uint32]int32 // hash to the last cluster that has it
	single int              // clusters in Kept with one text
	hand   int              // where the search for the next cluster to drop goes on
}

// insert adds a text. It returns how many copies the text's cluster has within the last day, with this one, and the
// cluster's index in Kept; -1 for a text that is too short.
func (s *clusters) insert(text string, minute int64) (times, which int) {
	p, words := newSketch(text)
	if words < clusterWords {
		return 1, -1
	}
	if s.byHash == nil {
		s.index()
	}
	if i := s.find(&p, int32(minute)); i >= 0 {
		k := &s.Kept[i]
		if k.Copies++; k.Copies == 2 {
			s.single--
		}
		k.Last = max(k.Last, int32(minute))
		return int(k.Copies), i
	}
	return 1, s.add(p, int32(minute))
}

// find returns the index of the text's cluster, or -1. Candidates are the clusters that share a hash with it.
func (s *clusters) find(p *sketch, minute int32) int {
	var seen [sketchSize]int32
	n := 0
	for _, h := range p.Hashes[:p.N] {
		i, ok := s.byHash[h]
		if !ok || slices.Contains(seen[:n], i) {
			continue
		}
		seen[n] = i
		n++
		if k := &s.Kept[i]; minute-k.Last <= clusterMinutes && k.Sketch.same(p) {
			return int(i)
		}
	}
	return -1
}

func (s *clusters) add(p sketch, minute int32) int {
	i := len(s.Kept)
	if i < clustersKept {
		s.Kept = append(s.Kept, cluster{})
	} else {
		i = s.oldest()
		k := &s.Kept[i]
		for _, h := range k.Sketch.Hashes[:k.Sketch.N] {
			if s.byHash[h] == int32(i) {
				delete(s.byHash, h)
			}
		}
		if k.Copies == 1 {
			s.single--
		}
	}
	s.Kept[i] = cluster{p, 1, minute}
	s.single++
	for _, h := range p.Hashes[:p.N] {
		s.byHash[h] = int32(i)
	}
	return i
}

// oldest returns the index of the next cluster to drop. It goes round in a circle. While many clusters have one text,
// only those are dropped.
func (s *clusters) oldest() int {
	for {
		s.hand = (s.hand + 1) % len(s.Kept)
		if s.single < singlesKept || s.Kept[s.hand].Copies == 1 {
			return s.hand
		}
	}
}

// index makes the fields that a snapshot does not hold.
func (s *clusters) index() {
	s.byHash = make(map[uint32]int32, clustersKept*sketchSize)
	s.single = 0
	for i := range s.Kept {
		k := &s.Kept[i]
		if k.Copies == 1 {
			s.single++
		}
		for _, h := range k.Sketch.Hashes[:k.Sketch.N] {
			s.byHash[h] = int32(i)
		}
	}
}
