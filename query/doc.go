// Package query is the language in which a topic says what it listens for, and the matcher that asks all topics at once.
//
//	acme OR @acme OR "acme kaffee" -karneval
//	*rückruf* AND (lang:de OR followers:>10000)
//	maschine NEAR/4 brand
//
// Parse reads one query, Compile turns many into a Matcher, a Scanner asks a mention which of them it fits. Case, width
// and diacritics do not count; ä is found as a and as ae, ß as ss. See docs/query.md.
package query
