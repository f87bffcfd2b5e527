// Package detect finds spikes: it reads the stream of mentions, matches them to topics, scores their tone, and reports
// when a topic has more voices, or more negative ones, than its baseline explains.
//
// The Detector is pure. Time is a parameter, and the same mentions give the same spikes at any time. It is a fold: Add
// counts a mention, Advance moves the time on and returns reports of spikes, Snapshot and Restore carry the state over
// a restart. docs/detection.md has the formulas.
//
// The Loop has the clock and the store. It is in run.go, status.go, feedback.go, newterms.go, recover.go and health.go.
package detect
