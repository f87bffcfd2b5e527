package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Parameters of argon2id: the second recommended option of RFC 9106, for machines with little memory.
const (
	argonTime    = 3
	argonMemory  = 64 << 10 // KiB
	argonThreads = 4
	argonSalt    = 16 // bytes
	argonKey     = 32 // bytes
)

// Bounds of parameters in a stored hash: one that asks for more memory or time is not computed.
const (
	mostTime    = 20
	mostMemory  = 1 << 20 // KiB
	mostThreads = 16
)

// Lengths of a password.
const (
	MinPassword = 12   // characters
	maxPassword = 1000 // bytes
)

// ErrPassword is returned for a password that no user can have.
var ErrPassword = fmt.Errorf("a password has at least %d characters and at most %d bytes", MinPassword, maxPassword)

// hashing bounds how many passwords are hashed at once, since each takes 64 MiB.
var hashing = make(chan struct{}, 2)

// HashPassword returns the password's hash in PHC string format.
func HashPassword(ctx context.Context, password string) (string, error) {
	if utf8.RuneCountInString(password) < MinPassword || len(password) > maxPassword {
		return "", ErrPassword
	}
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	key, err := derive(ctx, password, salt, argonTime, argonMemory, argonThreads, argonKey)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, b64(salt), b64(key)), nil
}

func derive(ctx context.Context, password string, salt []byte, time, memory uint32, threads uint8, size uint32) ([]byte, error) {
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, time, memory, threads, size), nil
}

var errHash = errors.New("this is no argon2id hash in PHC string format")

// checkPassword reports whether the hash is the password's. It computes with the parameters that the hash names.
func checkPassword(ctx context.Context, hash, password string) (bool, error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return false, errHash
	}
	var memory, time uint32
	var threads uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &threads); err != nil {
		return false, errHash
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, errHash
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) < 16 || len(want) > 64 || time < 1 || time > mostTime || threads < 1 || threads > mostThreads || memory > mostMemory {
		return false, errHash
	}
	if len(password) > maxPassword {
		return false, nil
	}
	got, err := derive(ctx, password, salt, time, memory, threads, uint32(len(want)))
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1, err
}

// nobody is the hash of a random password with the parameters above. It is checked where there is no such user, so that
// the time of an answer does not show which names exist.
const nobody = "$argon2id$v=19$m=65536,t=3,p=4$d3d3d3d3d3d3d3d3d3d3dw$Zm9ydHkgdHdvIGJ5dGVzIG9mIG5vYm9keSBhdCBhbGwuLi4"
