// Package web is the review pages and the HTTP API. The pages are plain HTML: they work without scripts, on a
// phone, at night.
//
// routes.go is the table of all routes. Each request gets one access.Principal, and package access is asked once
// whether this principal may attempt the route's action. What people do goes through alert.Actions and stands on the
// incident's timeline. All texts from outside pass through html/template; playbooks' Markdown through bluemonday as
// well. Each stands in an element of its own direction and with a bounded length (foreign.go). While nobody can sign in
// only this machine is served (peer.go); guesses of passwords are limited (guesses.go).
//
// All texts stand in package i18n. Each page exists once for each language (wording.go), and is shown in the language
// that the reader chose, else the browser's, else the configuration's (language.go).
package web
