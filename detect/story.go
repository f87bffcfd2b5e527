package detect

import (
	"math"
	"slices"
	"unicode"
	"unicode/utf8"
)

// A story is one text, however often it is told: a wire story in thirty papers, each with its own headline and cut; a post that is copied with a
// few words changed. Two texts are one story when about half of the shorter one's runs of three words stand in the other too. That is estimated from sketches: of the
// hashes of all runs, each text keeps the least (Broder 1997, "On the resemblance and containment of documents"), and what both kept below a common bound is compared.

const (
	sketchSize  = 32   // hashes kept of a text
	storyWords  = 4    // fewer say nothing: four people who say "thanks!" are four voices
	sameShare   = 0.45 // of the shorter one's runs
	sameShort   = 0.65 // of short texts: people ask the same question of different things
	sameLeast   = 4    // runs in common; of texts that have fewer, all
	storyText   = 4000 // bytes that are looked at
	storyMemory = 24 * 60
	storiesKept = 1024
	singlesKept = 768 // of them told once: a flood of news must not push out what is told again and again
)

// print is a text's sketch: the least hashes in ascending order; whole says that there are no others.
type print struct {
	Hashes [sketchSize]uint32
	N      uint8
	Whole  bool
}

// sketchOf makes the sketch of a text, and says how many words it has. Names, links, digits and case do not count.
func sketchOf(text string) (p print, words int) {
	if len(text) > storyText {
		text = text[:storyText]
	}
	var all [storyText / 4]uint32
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

// eachWord gives the hash of each word: a run of letters, whatever its case; where words are not parted by spaces, each letter is one.
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
		case r == '@' || r == ':' && i < len(text) && text[i] == '/': // a name, or the rest of a link
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

// same says whether two texts are one story.
func (p *print) same(q *print) bool {
	both, least := p.common(q)
	share := sameShare
	if p.Whole && q.Whole {
		share = sameShort
	}
	return both >= min(sameLeast, max(2, int(p.N)), max(2, int(q.N))) && float64(both) >= share*float64(least)
}

// alike says whether two texts say much the same in the same words: a reader needs one of them.
func (p *print) alike(q *print) bool {
	both, least := p.common(q)
	return both > 0 && 5*both >= least
}

// common counts the runs that both texts have, and those that the shorter one has, as far as both sketches reach.
func (p *print) common(q *print) (both, least int) {
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

// story is one that is remembered.
type story struct {
	Print print
	Told  int32 // times
	Last  int32 // minute, since 1970
}

// stories remembers the last ones, within a bound. The zero value remembers none.
type stories struct {
	Kept []story

	byHash map[uint32]int32 // to the last story that has it
	single int              // of Kept: told once
	hand   int              // where the next to be forgotten is looked for
}

// tell takes in a text, and says how often its story was told in the last day, this time included, and which of Kept it is; -1 for a text too short to say.
func (s *stories) tell(text string, minute int64) (times, which int) {
	p, words := sketchOf(text)
	if words < storyWords {
		return 1, -1
	}
	if s.byHash == nil {
		s.index()
	}
	if i := s.find(&p, int32(minute)); i >= 0 {
		k := &s.Kept[i]
		if k.Told++; k.Told == 2 {
			s.single--
		}
		k.Last = max(k.Last, int32(minute))
		return int(k.Told), i
	}
	return 1, s.add(p, int32(minute))
}

// find is the remembered story of the text: those that share most of its hashes are looked at.
func (s *stories) find(p *print, minute int32) int {
	var seen [sketchSize]int32
	n := 0
	for _, h := range p.Hashes[:p.N] {
		i, ok := s.byHash[h]
		if !ok || slices.Contains(seen[:n], i) {
			continue
		}
		seen[n] = i
		n++
		if k := &s.Kept[i]; minute-k.Last <= storyMemory && k.Print.same(p) {
			return int(i)
		}
	}
	return -1
}

func (s *stories) add(p print, minute int32) int {
	i := len(s.Kept)
	if i < storiesKept {
		s.Kept = append(s.Kept, story{})
	} else {
		i = s.oldest()
		k := &s.Kept[i]
		for _, h := range k.Print.Hashes[:k.Print.N] {
			if s.byHash[h] == int32(i) {
				delete(s.byHash, h)
			}
		}
		if k.Told == 1 {
			s.single--
		}
	}
	s.Kept[i] = story{p, 1, minute}
	s.single++
	for _, h := range p.Hashes[:p.N] {
		s.byHash[h] = int32(i)
	}
	return i
}

// oldest goes round, and finds the next that may be forgotten: one that was told once while there are many of them, else any.
func (s *stories) oldest() int {
	for {
		s.hand = (s.hand + 1) % len(s.Kept)
		if s.single < singlesKept || s.Kept[s.hand].Told == 1 {
			return s.hand
		}
	}
}

// index is what a snapshot need not hold.
func (s *stories) index() {
	s.byHash = make(map[uint32]int32, storiesKept*sketchSize)
	s.single = 0
	for i := range s.Kept {
		k := &s.Kept[i]
		if k.Told == 1 {
			s.single++
		}
		for _, h := range k.Print.Hashes[:k.Print.N] {
			s.byHash[h] = int32(i)
		}
	}
}
