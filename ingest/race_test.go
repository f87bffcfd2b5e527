//go:build race

package ingest

// raced says that the test runs with the race detector, which needs several times the memory.
const raced = true
