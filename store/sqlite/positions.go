package sqlite

import (
	"fmt"
	"strconv"
)

func number(pos string) (int64, error) {
	if pos == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(pos, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("position %q is not of this store", pos)
	}
	return n, nil
}

// position is how number n is written.
func position(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
