// Package detect judges: it reads the stream of mentions, keeps what the topics match, hears the tone, and says when a
// topic has more, or angrier, voices than its past explains.
//
// The Detector is pure: time is a parameter, and the same mentions give the same spikes today and tomorrow. It is a
// fold: Hear takes what was heard, Advance moves its time on and returns what it has to tell, Snapshot and Restore
// carry it over a crash. docs/detection.md has the formulas.
//
// The Loop, in run.go, status.go, feedback.go, novel.go, recover.go and health.go, has the clock and the store.
package detect
