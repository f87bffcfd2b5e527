// Package x reads posts of X: by recent search, by the filtered stream with searches that fill its gaps, or within a
// budget of posts. The forms are those of https://docs.x.com/x-api, with app-only bearer tokens.
//
// Package ingest makes a source of it. It gives this package its HTTP client, its limits for JSON, and its errors.
package x
