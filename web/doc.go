// Package web is the review pages and the HTTP API. The pages are plain HTML: they work without scripts, on a
// phone, at night.
//
// Who somebody is, the signed link of a call says (see alert.Links); whoever else comes in may read and tick, but
// not speak for the company. What people do goes through alert.Actions and stands on the incident's timeline. All
// texts from outside pass through html/template; playbooks' Markdown through bluemonday as well. Each stands in an
// element of its own direction and with a bounded length (foreign.go). Without a password only this machine is
// served (peer.go); guesses of the password are limited (limit.go).
//
// All texts stand in package i18n. Each page exists once for each language (words.go), and is shown in the language
// that the reader chose, else the browser's, else the configuration's (language.go).
package web
