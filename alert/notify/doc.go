// Package notify has the channels by which people are called, and the message that a call becomes.
//
// A channel is one file and its line in the table kinds (channel.go). Compose words a call in its reader's language. A
// nil error of Send means that the service answered with the receipt that it documents (docs/channels.md).
package notify
