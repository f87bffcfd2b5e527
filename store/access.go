package store

import (
	"context"
	"time"
)

// User is a local account.
type User struct {
	Name     string    `json:"name"`             // unique
	Person   string    `json:"person,omitempty"` // of people.yaml; "" for none
	Roles    []string  `json:"roles"`
	Password string    `json:"password"` // its hash, in PHC string format
	Stamp    string    `json:"stamp"`    // sessions that carry another one are void
	Created  time.Time `json:"created"`
	Version  int       `json:"version"`
}

// Users are the local accounts.
type Users interface {
	User(ctx context.Context, name string) (User, error) // or ErrNotFound
	// ListUsers returns all, by name.
	ListUsers(ctx context.Context) ([]User, error)
	// SaveUser adds a user of version 0, or replaces the one of the same name and version. It raises the version.
	// The error is ErrConflict if the stored version is another one.
	SaveUser(ctx context.Context, u *User) error
	// RemoveUser removes one, also one that cannot be read; ErrNotFound.
	RemoveUser(ctx context.Context, name string) error
}

// Token is a program's right to use the API.
type Token struct {
	Name    string    `json:"name"` // unique
	Hash    string    `json:"hash"` // SHA-256 of its secret, in hexadecimal digits
	Scopes  []string  `json:"scopes"`
	Person  string    `json:"person,omitempty"` // of people.yaml, for whom the program acts; "" for none
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// Tokens are the API tokens.
type Tokens interface {
	Token(ctx context.Context, name string) (Token, error) // or ErrNotFound
	// ListTokens returns all, by name.
	ListTokens(ctx context.Context) ([]Token, error)
	// AddToken keeps a new one. The error is ErrConflict if its name is taken.
	AddToken(ctx context.Context, t Token) error
	// RemoveToken removes one, also one that cannot be read; ErrNotFound.
	RemoveToken(ctx context.Context, name string) error
}

// Session is a visitor who signed in.
type Session struct {
	Hash     string    `json:"hash"`               // SHA-256 of the cookie's secret, in hexadecimal digits
	Owner    string    `json:"owner"`              // whose it is: an owner's sessions can be ended together
	By       string    `json:"by"`                 // the way of signing in
	User     string    `json:"user,omitempty"`     // the account's name
	Stamp    string    `json:"stamp,omitempty"`    // of the account or password when the session began
	Person   string    `json:"person,omitempty"`   // of a link
	Incident string    `json:"incident,omitempty"` // of a link
	Role     string    `json:"role,omitempty"`     // of a link
	Began    time.Time `json:"began"`
	Seen     time.Time `json:"seen"`  // the last request, to some minutes
	Until    time.Time `json:"until"` // the end, however often it is used
}

// MaxSessions is how many sessions an owner may have.
const MaxSessions = 100

// Sessions are the visitors who signed in.
type Sessions interface {
	// AddSession keeps a session, removes those that ended before it began, and the oldest ones of its owner beyond
	// MaxSessions.
	AddSession(ctx context.Context, s Session) error
	// Session returns one, also one whose time is over; ErrNotFound.
	Session(ctx context.Context, hash string) (Session, error)
	// TouchSession sets Seen. A session that was ended meanwhile stays ended.
	TouchSession(ctx context.Context, hash string, seen time.Time) error
	// EndSessions ends the sessions of these hashes that are the owner's; without a hash all of the owner's.
	EndSessions(ctx context.Context, owner string, hashes ...string) (ended int, err error)
}
