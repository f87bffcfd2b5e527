package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"brandmelder/store"
	"brandmelder/store/redisstore"
	"brandmelder/store/sqlite"
)

// openStore opens the store of a configuration.
func openStore(ctx context.Context, address string) (store.Store, error) {
	if name, ok := strings.CutPrefix(address, "file:"); ok {
		return sqlite.Open(ctx, name)
	}
	return redisstore.Open(ctx, address)
}

// openBeside opens the store for a command that reads or writes a little while the daemon runs.
func openBeside(ctx context.Context, address string) (store.Store, error) {
	if name, ok := strings.CutPrefix(address, "file:"); ok {
		return sqlite.OpenBeside(ctx, name)
	}
	return redisstore.Open(ctx, address)
}

// holder names this process in leases.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}
