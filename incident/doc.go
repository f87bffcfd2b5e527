// Package incident is the domain model of the crisis desk: what an incident is, what people and the program may do with
// it, and whom to call. It has no clock and does no I/O.
//
// The truth of an incident is its list of events (event.go, events.go). State is the fold of the events. Decide turns a
// command into events and calls, or refuses it; State.Append applies the events and chains their hashes. So whatever
// happened can be read, and proven, from the events alone. Texts for people are not stored: package i18n words the
// events when somebody reads them.
package incident
