// Package access is authorization: who a visitor is, and what this visitor may attempt.
//
// A Gate finds the Principal of a session, of a link or of an API token. Principal.May answers whether a principal may
// attempt an action. One table (table.go) maps roles and scopes to actions. What a person may do within an incident
// because of the part that this person has in it, the incident decides.
//
// A Principal is found anew for each request. So a session, user, token or link that is no longer valid fails at the
// next request.
package access
