package detect

import (
	"math/bits"
	"unicode"
	"unicode/utf8"

	"brandmelder/brand"
)

// crowd tells voices from echoes: the n-th copy of a text, and the n-th post of one author within an hour, weigh 1/n, so
// that a bot's flood of one sentence is worth a handful of voices, not a thousand. Texts are compared by SimHash (Charikar 2002).
type crowd struct {
	Texts   []echo
	Authors []echo
}

type echo struct {
	Print  uint64
	Minute int32 // last heard, since 1970
	Count  float32
}

const (
	crowdTexts   = 64
	crowdAuthors = 68
	copyMinutes  = 24 * 60
	authorMin    = 60
	copyBits     = 6 // of 64 may differ between copies
	repostWeight = 0.25
)

// weigh returns what the mention is worth: 1 for a fresh voice, less for an echo.
func (c *crowd) weigh(m *brand.Mention, minute int64) float64 {
	w := 1.0
	if m.Kind == brand.Repost {
		w = repostWeight
	}
	if print, words := simhash(m.Text); words >= 4 { // four people who say "thanks!" are four voices
		w /= recall(&c.Texts, crowdTexts, int32(minute), copyMinutes, print, copyBits)
	}
	if m.Author != "" {
		w /= recall(&c.Authors, crowdAuthors, int32(minute), authorMin, hashString(m.Source+"\x00"+m.Author), 0)
	}
	return w
}

// recall counts how often the print was there, this time included, and forgets the one heard longest ago when full.
func recall(list *[]echo, size int, minute, within int32, print uint64, tolerance int) float64 {
	oldest := 0
	for i := range *list {
		e := &(*list)[i]
		if minute-e.Minute <= within && bits.OnesCount64(e.Print^print) <= tolerance {
			e.Count++
			e.Minute = max(e.Minute, minute)
			return float64(e.Count)
		}
		if e.Minute < (*list)[oldest].Minute {
			oldest = i
		}
	}
	fresh := echo{Print: print, Minute: minute, Count: 1}
	if len(*list) < size {
		*list = append(*list, fresh)
	} else {
		(*list)[oldest] = fresh
	}
	return 1
}

const (
	fnvOffset uint64 = 14695981039346656037
	fnvPrime  uint64 = 1099511628211
)

func hashString(s string) uint64 {
	h := fnvOffset
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return mix(h)
}

func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	return h
}

// simhash is a print of the text's words and pairs of words; names, links, digits and case do not count. It also says how
// many words there were.
func simhash(text string) (print uint64, words int) {
	var votes [64]int16
	vote := func(h uint64) {
		for i := range votes {
			votes[i] += int16(h>>i&1)*2 - 1
		}
	}
	if len(text) > 1000 {
		text = text[:1000]
	}
	var h, last uint64
	inWord, skip := false, false
	end := func() {
		if inWord && !skip {
			m := mix(h)
			vote(m)
			if last != 0 {
				vote(mix(last ^ m<<1))
			}
			last = m
			words++
		}
		inWord = false
	}
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		i += size
		switch {
		case r == '@' || r == ':' && i < len(text) && text[i] == '/': // a name, or the rest of a link
			skip = true
			inWord = true
		case unicode.IsLetter(r):
			if !inWord {
				inWord, skip, h = true, false, fnvOffset
			}
			h = (h ^ uint64(unicode.ToLower(r))) * fnvPrime
		case skip && !unicode.IsSpace(r):
		default:
			end()
		}
		if skip && unicode.IsSpace(r) {
			inWord, skip = false, false
		}
	}
	end()
	for i, v := range votes {
		if v > 0 {
			print |= 1 << i
		}
	}
	return print, words
}
