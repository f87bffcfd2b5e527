package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"brandmelder/store"
)

// tokenPrefix begins each API token, so that scanners for secrets find one that was published by mistake.
const tokenPrefix = "bm_"

// named is what the name of a user or token looks like.
var named = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// ErrName is returned for the name of a user or token that none can have.
var ErrName = errors.New("a name has 1 to 63 small letters a-z, digits, dots, dashes or underscores, and begins with a letter or digit")

// NewToken returns a token's secret, which is shown once, and what is stored of it.
func NewToken(name string, scopes []Scope, person string, now, expires time.Time) (secret string, t store.Token, err error) {
	if !named.MatchString(name) {
		return "", t, fmt.Errorf("token %q: %w", name, ErrName)
	}
	if len(scopes) == 0 {
		return "", t, fmt.Errorf("token %s: it has no scope; there are %v", name, Scopes)
	}
	t = store.Token{Name: name, Person: person, Created: now.UTC(), Expires: expires.UTC()}
	for _, s := range scopes {
		if !s.Valid() {
			return "", t, fmt.Errorf("token %s: there is no scope %q; there are %v", name, s, Scopes)
		}
		t.Scopes = append(t.Scopes, string(s))
	}
	random, err := secretText()
	if err != nil {
		return "", t, err
	}
	secret = tokenPrefix + name + "~" + random
	t.Hash = hashSecret(secret)
	return secret, t, nil
}

// secretText returns 256 random bits as a text.
func secretText() (string, error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// hashSecret is what is stored of a secret of 256 random bits. Nobody can guess it, so a fast hash is enough.
func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// IsToken reports whether a bearer's secret has the form of an API token.
func IsToken(secret string) bool {
	name, _, ok := strings.Cut(strings.TrimPrefix(secret, tokenPrefix), "~")
	return ok && strings.HasPrefix(secret, tokenPrefix) && named.MatchString(name)
}

// Token returns the principal of an API token. The error wraps ErrSignIn if the token is not valid.
func (g *Gate) Token(ctx context.Context, secret string) (Principal, error) {
	if !IsToken(secret) {
		return Principal{}, fmt.Errorf("API token: %w", ErrSignIn)
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(secret, tokenPrefix), "~")
	t, err := g.Store.Token(ctx, name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Principal{}, fmt.Errorf("API token %s: it was revoked or never made: %w", name, ErrSignIn)
	case err != nil:
		return Principal{}, err
	case subtle.ConstantTimeCompare([]byte(hashSecret(secret)), []byte(t.Hash)) != 1:
		return Principal{}, fmt.Errorf("API token %s: %w", name, ErrSignIn)
	case !g.Now().Before(t.Expires):
		return Principal{}, fmt.Errorf("API token %s: it expired: %w", name, ErrSignIn)
	case !g.known(t.Person):
		return Principal{}, fmt.Errorf("API token %s: its person is not in people.yaml: %w", name, ErrSignIn)
	}
	p := Principal{Person: t.Person, Name: name, By: ByToken}
	for _, s := range t.Scopes {
		p.Scopes = append(p.Scopes, Scope(s))
	}
	return p, nil
}
