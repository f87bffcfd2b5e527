// Package brand holds the words that cross a door between rooms: Mention, Topic, Spike, Incident, Draft, Person, Call.
//
// It knows nothing of streams, clocks or networks and imports only the standard library, so that every room may speak
// it. Times are UTC throughout. Shares are 0 to 1. Counts called voices are weighted: a repost or a copied text is less
// than one.
package brand
