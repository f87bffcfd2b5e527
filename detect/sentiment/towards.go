package sentiment

import (
	"regexp"
	"slices"
	"strings"
)

// The words that compare two brands.
var (
	// unlike begins a part that is negative for the brand in it, if the rest is positive.
	unlike = words("unlike", "anders", "gegensatz", "compared", "vergleich")
	// than stands between what is compared.
	than = words("than", "als")
	// over stands between what is preferred and what is not.
	over = words("to", "over", "als", "statt", "vor")
	// prefers begins what is preferred.
	prefers = words("prefer", "prefers", "preferred", "lieber", "rather")
	// leaves stands before what somebody left, arrives before what they went to.
	leaves  = words("left", "from", "von", "quit", "verlassen", "ditched")
	arrives = words("moved", "switched", "changed", "gewechselt", "wechsel", "wechsle")
	// better and worse compare.
	better = words("better", "besser", "nicer", "faster", "friendlier", "cheaper", "schneller", "schöner", "freundlicher", "günstiger", "zuverlässiger", "more")
	worse  = words("worse", "schlechter", "slower", "langsamer", "teurer", "unfreundlicher", "less")
	// breaks separate parts of a text, where another brand may begin.
	breaks = words(".", "!", "?", ";", ",", ":", "but", "aber", "whereas", "while", "während", "and", "und", "when", "als", "doch", "however", "though")
	// lessons: who could learn from somebody is worse.
	lessons = words("learn", "lernen")
	from    = words("from", "von")
	to      = words("to", "zu", "zur", "with", "mit", "als")
)

func words(ws ...string) map[uint32]bool {
	out := map[uint32]bool{}
	for _, w := range ws {
		out[hashWord(w)] = true
	}
	return out
}

// unsigned finds the signs of names with the letter behind.
var unsigned = regexp.MustCompile(`[@#]\pL`)

// Towards is the tone towards the brand with these names: "X is great, unlike Y" is positive for X and negative for Y.
// It uses rules without grammar: only the clauses that name the brand are scored, and a comparison reverses the tone
// for the other side. A text that compares nothing is scored as a whole. Towards allocates.
func (e *Scorer) Towards(text string, brand ...string) Tone {
	text = text[:min(len(text), maxBytes)]
	// otherwise @x and @y would be the same
	text = unsigned.ReplaceAllStringFunc(text, func(sign string) string { return strings.ToUpper(sign[1:]) })
	whole := e.Score(text)
	lang, _ := e.language(text)
	lexicon := lexicons()[lang]
	named := map[uint32]bool{}
	for _, b := range brand {
		for _, w := range Words(b) {
			named[hashWord(w)] = true
		}
	}
	cut := Words(text)
	hashes := make([]uint32, len(cut))
	here := -1 // where the brand is first named
	for i, w := range cut {
		hashes[i] = hashWord(w)
		if here < 0 && named[hashes[i]] {
			here = i
		}
	}
	if here < 0 {
		return whole
	}
	find := func(set map[uint32]bool, from, to int) int {
		for i := max(from, 0); i < min(to, len(hashes)); i++ {
			if set[hashes[i]] {
				return i
			}
		}
		return -1
	}
	// Names are the brand's and words that may be another brand's: they begin with a capital letter, or had a sign.
	written := map[string]bool{}
	for _, w := range strings.Fields(text) {
		if w = strings.Trim(w, `.,;:!?"'()`); w != strings.ToLower(w) {
			written[strings.ToLower(w)] = true
		}
	}
	name := func(i int) bool { return i < len(cut) && (named[hashes[i]] || written[cut[i]]) }
	last := here
	for i, h := range hashes {
		if named[h] {
			last = i
		}
	}
	// "X is better than Y", "X ist schlechter als Y".
	for _, c := range []struct {
		set  map[uint32]bool
		good bool
	}{{better, true}, {worse, false}} {
		if i := find(c.set, 0, len(hashes)); i >= 0 {
			if j := find(than, i, min(i+4, len(hashes))); j >= 0 && (here == j+1 || here < i && name(j+1)) {
				return surely(whole, c.good == (here < i))
			}
		}
	}
	// "I prefer X to Y", "lieber X als Y".
	if i := find(prefers, 0, len(hashes)); i >= 0 {
		if j := find(over, i+2, min(i+5, len(hashes))); j >= 0 && (here == j+1 || here > i && here < j && name(j+1)) {
			return surely(whole, here < j)
		}
	}
	// "I left Y and moved to X".
	if i := find(arrives, 0, len(hashes)); i >= 0 {
		if find(leaves, here-2, here) >= 0 {
			return surely(whole, false)
		}
		if find(to, here-1, here) >= 0 && here-i <= 4 && i-here <= 4 {
			return surely(whole, true)
		}
	}
	// "Y could learn from X".
	if i := find(lessons, 0, len(hashes)); i >= 0 {
		// In German the verb is last: "könnte von X viel lernen".
		if j := find(from, i-4, i+5); j >= 0 && (here == j+1 || here < min(i, j) && name(j+1)) {
			return surely(whole, here == j+1)
		}
	}
	// "Unlike Y, X is great", "X is great, unlike Y", "compared with Y, X is a joke".
	if i := find(unlike, 0, len(hashes)); i >= 0 && i+1 < len(hashes) && (name(i+1) || to[hashes[i+1]] && name(i+2)) {
		end := i + 1
		for end < len(hashes) && end < i+3 && (!breaks[hashes[end]] || than[hashes[end]]) {
			end++
			if named[hashes[end-1]] {
				break
			}
		}
		// What is said of the other one is positive, unless its words are negative.
		good := e.balance(lexicon, append(slices.Clone(cut[:i]), cut[end:]...)) >= 0
		return surely(whole, good != (here > i && last < end))
	}
	return e.clauses(lexicon, cut, hashes, named, whole)
}

// clauses scores the clauses that name the brand, and those that follow until another name begins.
func (e *Scorer) clauses(lexicon *lexicon, cut []string, hashes []uint32, named map[uint32]bool, whole Tone) Tone {
	var parts [][2]int
	start := 0
	for i, h := range hashes {
		if breaks[h] {
			if i > start {
				parts = append(parts, [2]int{start, i})
			}
			start = i + 1
		}
	}
	if start < len(hashes) {
		parts = append(parts, [2]int{start, len(hashes)})
	}
	var mine []string
	took, beside, negated := 0, false, false
	for i, p := range parts {
		names := slices.ContainsFunc(hashes[p[0]:p[1]], func(h uint32) bool { return named[h] })
		if short := p[1]-p[0] <= 2; names || short && (beside || i == 0) { // "…, thanks!"
			mine = append(append(mine, cut[p[0]:p[1]]...), ".")
			took++
			negated = negated || slices.ContainsFunc(hashes[p[0]:p[1]], func(h uint32) bool { return (shapes["en"][h]|shapes["de"][h])&negates != 0 })
		}
		beside = names
	}
	if took == len(parts) {
		return whole
	}
	tone := e.Score(strings.Join(mine, " "))
	switch b := e.balance(lexicon, mine); {
	case b == 0 && negated: // "X never does"
		return surely(tone, false)
	case b != 0 && (b > 0) != (tone[Positive] > tone[Negative]) || b != 0 && tone.Class() == Neutral:
		return surely(tone, b > 0)
	}
	return tone
}

// balance is the lexicon's sum over the words, positive above 0; 0 without a lexicon.
func (e *Scorer) balance(l *lexicon, cut []string) float32 {
	if l == nil {
		return 0
	}
	e.f.extract(strings.Join(cut, " "))
	s := e.f.summarize(l)
	return s.after + s.before/2
}

// surely moves the tone to one side, because of a comparison. Its neutral share stays.
func surely(t Tone, good bool) Tone {
	const certain = 0.9
	clear := Tone{Neutral: (1 - certain) * t[Neutral]}
	c := Negative
	if good {
		c = Positive
	}
	clear[c] = 1 - clear[Neutral]
	return clear
}
