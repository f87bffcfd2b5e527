//go:build race

package x

// raced reports whether the test runs with the race detector, which needs several times the memory and time.
const raced = true
