package access

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"brandmelder/store"
)

// NewUser returns a user with that password, ready to be saved.
func NewUser(ctx context.Context, name, person, password string, roles []Role, now time.Time) (store.User, error) {
	u := store.User{Name: name, Person: person, Created: now.UTC()}
	if !named.MatchString(name) {
		return u, fmt.Errorf("user %q: %w", name, ErrName)
	}
	if err := SetRoles(&u, roles); err != nil {
		return u, err
	}
	return u, SetPassword(ctx, &u, password)
}

// SetRoles replaces the user's roles. It counts at the user's next request.
func SetRoles(u *store.User, roles []Role) error {
	if len(roles) == 0 {
		return fmt.Errorf("user %s: a user has a role; there are %v", u.Name, Roles)
	}
	u.Roles = nil
	for _, r := range roles {
		if !r.Valid() {
			return fmt.Errorf("user %s: there is no role %q; there are %v", u.Name, r, Roles)
		}
		u.Roles = append(u.Roles, string(r))
	}
	return nil
}

// SetPassword replaces the user's password, and makes the user's sessions void.
func SetPassword(ctx context.Context, u *store.User, password string) error {
	hash, err := HashPassword(ctx, password)
	if err != nil {
		return fmt.Errorf("user %s: %w", u.Name, err)
	}
	u.Password = hash
	VoidSessions(u)
	return nil
}

// VoidSessions makes the user's sessions void once the user is saved.
func VoidSessions(u *store.User) { u.Stamp = rand.Text() }
