// Package query is the query language of topics, and the matcher that asks all queries at once.
//
//	acme OR @acme OR "acme kaffee" -karneval
//	*rückruf* AND (lang:de OR followers:>10000)
//	maschine NEAR/4 brand
//
// Parse reads one query, Compile turns many into a Matcher, a Scanner matches a mention against them. Case, width and
// diacritics are ignored; ä matches a and ae, ß matches ss. See docs/query.md.
package query
