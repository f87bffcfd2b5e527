package redisstore

import (
	"fmt"
	"strings"
	"testing"

	"brandmelder/store"
	"brandmelder/store/storetest"
)

func TestRedisKeepsTheStoresPromises(t *testing.T) {
	addr := storetest.Redis(t)
	n := 0
	storetest.Run(t, func(t *testing.T) store.Store {
		n++
		s, err := Open(t.Context(), fmt.Sprintf("%s?prefix=t%d", addr, n))
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func TestAnUnreachableRedisIsNamedWithoutItsPassword(t *testing.T) {
	_, err := Open(t.Context(), "redis://:geheim@127.0.0.1:1/0?dial_timeout=1s&max_retries=-1")
	if err == nil || !strings.Contains(err.Error(), "is Redis running there?") || strings.Contains(err.Error(), "geheim") {
		t.Errorf("got %v", err)
	}
}
