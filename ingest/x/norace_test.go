//go:build !race

package x

const raced = false
