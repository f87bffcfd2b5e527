// Package ingest listens: it visits sources or holds their streams, and puts the mentions they give on the stream.
//
// A source is one file and its line in the table kinds. All share the loop of run.go: pace with jitter, back-off, cursor,
// limits, status. A cursor moves only after its mentions are on the stream: after a crash we hear them twice rather than never, and the
// store counts them once.
package ingest
