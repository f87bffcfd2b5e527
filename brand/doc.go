// Package brand holds the values that all packages share: Mention, Topic, Spike, Evidence, Level, Fact.
//
// It knows nothing of streams, clocks or networks and imports only the standard library, so that every package may
// import it. Times are UTC throughout. Shares are 0 to 1. Counts called voices are weighted: a repost or a copied text
// is less than one.
package brand
