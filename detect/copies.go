package detect

import (
	"brandmelder/brand"
)

// crowd tells voices from echoes: the n-th telling of a story, and the n-th post of one author within an hour, weigh 1/n, so
// that a bot's flood of one sentence is worth a handful of voices, not a thousand.
type crowd struct {
	Authors []echo
}

type echo struct {
	Print  uint64
	Minute int32 // last heard, since 1970
	Count  float32
}

const (
	crowdAuthors = 68
	authorMin    = 60
	repostWeight = 0.25
)

// weigh returns what the mention is worth whose story is told that often: 1 for a fresh voice, less for an echo.
func (c *crowd) weigh(m *brand.Mention, told int, minute int64) float64 {
	w := 1 / float64(told)
	if m.Kind == brand.Repost {
		w *= repostWeight
	}
	if m.Author != "" {
		w /= recall(&c.Authors, crowdAuthors, int32(minute), authorMin, hashString(m.Source+"\x00"+m.Author))
	}
	return w
}

// recall counts how often the print was there, this time included, and forgets the one heard longest ago when full.
func recall(list *[]echo, size int, minute, within int32, print uint64) float64 {
	oldest := 0
	for i := range *list {
		e := &(*list)[i]
		if minute-e.Minute <= within && e.Print == print {
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
