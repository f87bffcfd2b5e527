// Package brandmelder is the house; its rooms are the folders beside this file. See README.md.
package brandmelder
