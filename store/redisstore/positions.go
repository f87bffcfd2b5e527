package redisstore

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"brandmelder/store"
)

func after(pos string) string {
	if pos == "" {
		return "-"
	}
	return "(" + pos
}

// heardAt returns the time in a position: the largest there is for one that is too large, 1970 for none.
func heardAt(pos string) time.Time {
	first, _, _ := strings.Cut(pos, "-")
	ms, _ := strconv.ParseInt(first, 10, 64)
	return time.UnixMilli(ms)
}

func less(a, b string) bool { return store.ComparePositions(a, b) < 0 }

// isPosition reports whether a text is of the form ms-n.
func isPosition(pos string) bool {
	ms, n, ok := strings.Cut(pos, "-")
	_, err := strconv.ParseUint(ms, 10, 64)
	_, err2 := strconv.ParseUint(n, 10, 64)
	return ok && err == nil && err2 == nil
}

// behind returns the first position behind pos.
func behind(pos string) string {
	ms, n, _ := strings.Cut(pos, "-")
	if i, err := strconv.ParseUint(n, 10, 64); err == nil && i < math.MaxUint64 {
		return fmt.Sprintf("%s-%d", ms, i+1)
	}
	return pos
}
