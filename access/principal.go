package access

import (
	"errors"
	"fmt"
)

// Errors that callers ask for with errors.Is.
var (
	ErrSignIn    = errors.New("nobody is signed in")
	ErrForbidden = errors.New("this is not allowed")
)

// Method is the way in which a principal came in.
type Method string

// Methods.
const (
	ByPassword Method = "password" // as a local user
	ByShared   Method = "shared"   // with the password of web.password_file, which many know
	ByLink     Method = "link"     // with the link of a call
	ByToken    Method = "token"    // as a program, with an API token
	ByLocal    Method = "local"    // on this machine, while there are no users
)

// Principal is who makes a request. The zero value is a visitor without identity.
type Principal struct {
	Person   string // of people.yaml; "" for none
	Name     string // of the user or token; "" for none
	Roles    []Role
	By       Method
	Incident string  // of a link: the only incident that it opens
	Scopes   []Scope // of a token, which has no roles
}

// May returns nil if the principal may attempt the action, in the incident of that ID where it is about one. The error
// wraps ErrSignIn or ErrForbidden.
func (p Principal) May(a Action, incident string) error {
	if p.By == "" {
		return fmt.Errorf("%s: %w", a, ErrSignIn)
	}
	if p.By == ByLink {
		switch reachOf(a) {
		case ofMany:
			return fmt.Errorf("%s through the link of incident %s: %w", a, p.Incident, ErrForbidden)
		case ofIncident:
			if p.Incident == "" || incident != p.Incident {
				return fmt.Errorf("%s of incident %s through the link of incident %s: %w", a, incident, p.Incident, ErrForbidden)
			}
		case ofNone:
		}
	}
	for _, r := range p.Roles {
		if r.May(a) {
			return nil
		}
	}
	for _, s := range p.Scopes {
		if s.May(a) {
			return nil
		}
	}
	return fmt.Errorf("%s as %v%v: %w", a, p.Roles, p.Scopes, ErrForbidden)
}

// Actor is the name under which the principal's deeds are recorded: the person's ID, else the user's or token's name
// behind its kind, so that no account passes for a person. It is "desk" for somebody who cannot be told apart.
func (p Principal) Actor() string {
	switch {
	case p.Person != "":
		return p.Person
	case p.By == ByPassword:
		return "user:" + p.Name
	case p.By == ByToken:
		return "token:" + p.Name
	}
	return "desk"
}
