// Package ingest reads sources: it visits them or keeps their streams open, and puts their mentions on the stream.
//
// A source is one file and its line in the table kinds. All sources share the loop of run.go: pace with jitter,
// back-off, cursor, limits and status. A cursor moves after its mentions are on the stream. After a crash a mention
// may arrive twice; the store counts it once.
package ingest
