// Package brandmelder holds the tests of the whole tree; the program's packages are the folders beside this file. See
// README.md and docs/architecture.md.
package brandmelder
