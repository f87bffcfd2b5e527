//go:build race

package ingest

// raced reports whether the test runs with the race detector, which needs several times the memory.
const raced = true
