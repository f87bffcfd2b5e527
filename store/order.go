package store

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"brandmelder/incident"
)

// SortCalls puts calls into the order that CallsOf promises.
func SortCalls(calls []incident.Call) {
	slices.SortFunc(calls, func(a, b incident.Call) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
}

// SortMatched puts matches into the order that Matched promises: newest first, then by the mention's ID.
func SortMatched(ms []Matched) {
	slices.SortFunc(ms, func(a, b Matched) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Mention.ID, a.Mention.ID))
	})
}

// ComparePositions compares positions of one store, which are of the form n or ms-n; "" is before all others.
func ComparePositions(a, b string) int {
	part := func(pos string) (ms, n int64) {
		first, second, _ := strings.Cut(pos, "-")
		ms, _ = strconv.ParseInt(first, 10, 64) // 0 for what is no position
		n, _ = strconv.ParseInt(second, 10, 64)
		return ms, n
	}
	am, an := part(a)
	bm, bn := part(b)
	return cmp.Or(cmp.Compare(am, bm), cmp.Compare(an, bn))
}
