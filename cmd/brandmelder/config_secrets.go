package main

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// What others may do with a file, as bits of its mode.
const (
	groupMay  = 0o060 // read, write
	othersMay = 0o006
)

// mountedSecrets are where containers and systemd put secrets for one service alone; their modes are not ours to set.
var mountedSecrets = []string{"/run/secrets/", "/run/credentials/"}

// secret reads a file that holds one secret; its content never stands in an error.
func (k *checker) secret(name string, at ...any) string {
	if name == "" {
		return ""
	}
	data, info, err := k.read(name)
	if err != nil {
		k.bad(fmt.Sprintf("cannot read the secret: %v", err), at...)
		return ""
	}
	k.guarded(name, info, at...)
	text := strings.TrimSpace(string(data))
	if text == "" {
		k.bad(name+" is empty", at...)
	}
	return text
}

// guarded checks that others can neither read nor replace a file.
func (k *checker) guarded(name string, info fs.FileInfo, at ...any) {
	if info == nil || slices.ContainsFunc(mountedSecrets, func(dir string) bool { return strings.HasPrefix(name, dir) }) {
		return
	}
	problem, hint := exposed(name, info)
	if problem != "" {
		k.bad(problem, at...)
	}
	if hint != "" {
		k.c.hints = append(k.c.hints, hint)
	}
	if _, real := info.Sys().(*syscall.Stat_t); !real {
		return // not of this machine's disk
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(k.dir, name)
	}
	if dir := openFolder(name); dir != "" {
		k.bad(replaceable(name, dir), at...)
	}
}

// exposed says how others can get at a file by its mode: as a problem, or as a hint if it can be meant. A group
// may read what another account owns: so root gives a secret to a service that cannot change it.
func exposed(name string, info fs.FileInfo) (problem, hint string) {
	mode := info.Mode().Perm()
	switch {
	case mode&othersMay != 0:
		deed := deed(mode & othersMay)
		return fmt.Sprintf("%s can be %s by everybody on this machine; run: chmod 600 %s", name, deed, name), ""
	case mode&groupMay == 0:
		return "", ""
	}
	if stat, real := info.Sys().(*syscall.Stat_t); real && mode&groupMay == 0o040 {
		if int(stat.Uid) != os.Geteuid() || stat.Uid == 0 && stat.Gid != 0 {
			return "", fmt.Sprintf("%s can be read by its group; if it should not, run: chmod 600 %s", name, name)
		}
	}
	return fmt.Sprintf("%s can be %s by its group; run: chmod 600 %s", name, deed(mode&groupMay), name), ""
}

func deed(mode fs.FileMode) string {
	if mode&0o044 != 0 {
		return "read"
	}
	return "written"
}

func replaceable(name, dir string) string {
	return fmt.Sprintf("everybody on this machine can replace %s, since its folder %s is open to all; "+
		"run: chmod o-w %s", name, dir, dir)
}

// openFolder is the folder above a file in which everybody may replace it, "" for none. In a sticky folder, such
// as /tmp, only owners can.
func openFolder(name string) string {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return ""
	}
	for dir := filepath.Dir(abs); ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// storeSecrets puts the password of store_password_file into the store's address, and checks the modes of what
// else holds secrets: the configuration itself if it has a password in an address.
func (k *checker) storeSecrets(data []byte) {
	c := k.c
	u, err := url.Parse(c.Store)
	if err != nil {
		return // reported already
	}
	_, written := u.User.Password()
	if c.StorePasswordFile != "" {
		switch password := k.secret(c.StorePasswordFile, "store_password_file"); {
		case u.Scheme == "file":
			k.bad("store_password_file is for redis://; a store file: has no password", "store_password_file")
		case written:
			k.bad("store holds a password already; take it out there", "store_password_file")
		default:
			u.User = url.UserPassword(u.User.Username(), password)
			c.Store = u.String()
		}
	}
	if written {
		c.hints = append(c.hints, "the password of the store stands in the configuration; "+
			"put it into a file of its own and name that in store_password_file")
	}
	if passwordInAddress.Match(data) {
		name := filepath.Base(k.path)
		if _, info, err := k.read(name); err == nil {
			k.guarded(name, info)
		}
	}
}

// passwordInAddress finds a name and password in an address, as in redis://user:password@host.
var passwordInAddress = regexp.MustCompile(`://[^\s/:@"']*:[^\s/@"']+@`)

// storeHints says which files of an embedded store others can get at. They hold the key of the links of calls. It
// is no problem that stops a start: the start itself closes them.
func storeHints(store string) (out []string) {
	name, ok := strings.CutPrefix(store, "file:")
	if !ok || name == ":memory:" {
		return nil
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(name + suffix)
		if err != nil {
			continue // not there yet
		}
		if problem, _ := exposed(name+suffix, info); problem != "" {
			out = append(out, problem+
				"; the next start does so too, but who read it before may know the key of the links of calls")
		}
	}
	if dir := openFolder(name); dir != "" {
		out = append(out, replaceable(name, dir))
	}
	return out
}
