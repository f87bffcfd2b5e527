package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// folder writes files of a configuration, all for their owner alone, and returns where they are.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mode(t *testing.T, m fs.FileMode, path ...string) {
	t.Helper()
	if err := os.Chmod(filepath.Join(path...), m); err != nil {
		t.Fatal(err)
	}
}

// checkIt runs `brandmelder check`, and returns what it prints and its error, both without the folder's name.
func checkIt(t *testing.T, dir string) (out, problem string) {
	t.Helper()
	var buf bytes.Buffer
	cmd := checkCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(&buf)
	cmd.SetArgs([]string{filepath.Join(dir, "c.yaml")})
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		problem = strings.ReplaceAll(err.Error(), dir+"/", "")
	}
	return strings.ReplaceAll(buf.String(), dir+"/", ""), problem
}

const topicLines = "topics: [{name: a, query: a}]\n"

// A configuration that invites others by an address, while nobody of them can sign in, is said by check. They are
// refused until there is a user: TestTheFirstSignInAndTheFirstUser.
func TestCheckSaysThatOthersNeedUsers(t *testing.T) {
	const hint = "mind: others reach the pages only once there are users: brandmelder user add NAME"
	for line, want := range map[string]bool{
		"public_url: https://brand.example": true, "public_url: http://10.0.0.9:8080": true, "public_url: https://localhost.evil.example": true,
		"public_url: http://127.0.0.1.nip.io": true, "public_url: http://127.0.0.1.:8080": true, "public_url: http://0.0.0.0:8080": true,
		"public_url: \"http://[::]\"": true, "public_url: https://2130706433": true, "listen: 0.0.0.0:8080": true, "listen: :8080": true,
		"public_url: http://localhost:8080": false, "public_url: http://127.0.0.1": false, "public_url: \"http://[::1]:8080\"": false,
		"public_url: http://LOCALHOST": false, "listen: 127.0.0.1:8080": false,
	} {
		dir := folder(t, map[string]string{"c.yaml": topicLines + "web:\n  " + line + "\n", "p": password})
		if out, problem := checkIt(t, dir); problem != "" || strings.Contains(out, hint) != want {
			t.Errorf("%s: check says\n%s%s", line, out, problem)
		}
		dir = folder(t, map[string]string{"c.yaml": topicLines + "web:\n  password_file: p\n  " + line + "\n", "p": password})
		if out, problem := checkIt(t, dir); problem != "" || strings.Contains(out, hint) {
			t.Errorf("%s with a password: check says\n%s%s", line, out, problem)
		}
	}
}

// The first start prints a link that signs in once, on this machine; others are refused. With the first user it ends,
// others may sign in, and what is changed of a user while the daemon runs counts at the next request.
func TestTheFirstSignInAndTheFirstUser(t *testing.T) {
	t.Parallel()
	h := newHouse(t, topicLines)
	var out syncBuffer
	h.stdout = &out
	h.start()
	printed := regexp.MustCompile(`http://127\.0\.0\.1:\d+/sign-in/\S+`)
	until(t, "the link is printed", 20*time.Second, func() bool { return printed.MatchString(out.String()) })
	link := printed.FindString(out.String())
	if log, err := os.ReadFile(h.log.Name()); err != nil || strings.Contains(string(log), link[len(link)-20:]) {
		t.Errorf("the link is in the log, %v", err)
	}
	get := func(c *http.Client, url, host string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode, res.Request.URL.Path
	}
	browser := func() *http.Client {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Client{Jar: jar}
	}
	pages := "http://" + h.addr
	here := browser()
	if code, path := get(here, link, ""); code != http.StatusOK || path != "/" {
		t.Errorf("the link leads to %s, %d", path, code)
	}
	if code, _ := get(browser(), link, ""); code != http.StatusForbidden {
		t.Errorf("a second time the link got %d", code)
	}
	if code, _ := get(browser(), pages+"/", "brand.example"); code != http.StatusMisdirectedRequest {
		t.Errorf("others got %d", code)
	}
	h.write("word", password)
	h.command("user", "add", "anna", "--roles", "manager", "--password-file", "word", "--config", "c.yaml")
	if code, path := get(here, pages+"/topics", ""); code != http.StatusOK || path != "/sign-in" {
		t.Errorf("with a user the local session got %d at %s", code, path)
	}
	if code, path := get(browser(), pages+"/", "brand.example"); code != http.StatusOK || path != "/sign-in" {
		t.Errorf("with a user others got %d at %s", code, path)
	}
	anna := browser()
	res, err := anna.PostForm(pages+"/sign-in", url.Values{"user": {"anna"}, "password": {password}})
	if err != nil || res.Request.URL.Path != "/" {
		t.Fatalf("anna is at %v, %v", res.Request.URL, err)
	}
	_ = res.Body.Close()
	h.kill()
	h.start()
	until(t, "it answers", 20*time.Second, func() bool { return h.get("/readyz") != "" })
	if _, path := get(anna, pages+"/topics", ""); path != "/topics" {
		t.Errorf("after a restart anna is at %s", path)
	}
	h.command("user", "sign-out", "anna", "--config", "c.yaml")
	if _, path := get(anna, pages+"/topics", ""); path != "/sign-in" {
		t.Errorf("signed out anna is at %s", path)
	}
}

// syncBuffer takes what a process prints while a test reads it.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

const password = "correct horse battery staple"

// The demo lets everybody on this machine in, and so nobody else can reach it; a daemon's address is one.
//
// Fails on 0005da9: the demo served there.
func TestFlagsOpenNothingToOthers(t *testing.T) {
	dir := folder(t, map[string]string{"c.yaml": topicLines})
	refused := func(cmd *cobra.Command, args ...string) {
		t.Helper()
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetArgs(args)
		soon, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := cmd.ExecuteContext(soon); !errors.Is(err, errUsage) {
			t.Errorf("%v: got %v, want it refused", args, err)
		}
	}
	for _, listen := range []string{
		":8080", "0.0.0.0:8080", "[::]:8080", "10.0.0.9:80", "localhost.evil.example:80", "8080", "[::ffff:10.0.0.1]:80",
	} {
		refused(demoCommand(), "--listen", listen)
	}
	refused(runCommand(), "--config", filepath.Join(dir, "c.yaml"), "--listen", "8080")
}

// What is allowed of the pages, and yet is weak, is said with what to do.
func TestCheckSaysWhatIsWeak(t *testing.T) {
	weak := topicLines + "web:\n  password_file: p\n  public_url: http://brand.example\n"
	dir := folder(t, map[string]string{"c.yaml": weak, "p": "secret78"})
	out, problem := checkIt(t, dir)
	for _, want := range []string{
		"mind: the password in p has 8 characters; choose 12 or more", "mind: web.public_url is http:",
		"mind: web.trusted_proxies is empty:",
	} {
		if !strings.Contains(out, want) || strings.Contains(out, "secret78") {
			t.Errorf("%q is not said in\n%s%s", want, out, problem)
		}
	}
	strong := strings.Replace(weak, "http:", "https:", 1) + "  trusted_proxies: [127.0.0.1, 10.0.0.0/8]\n"
	out, problem = checkIt(t, folder(t, map[string]string{"c.yaml": strong, "p": password}))
	if strings.Contains(out, "web.") || strings.Contains(out, "password") || problem != "" {
		t.Errorf("check says\n%s%s", out, problem)
	}
}

// Whose word is taken for the address of a visitor must be named exactly.
func TestTrustedProxiesAreNetworks(t *testing.T) {
	for line, want := range map[string]string{
		"proxy.example": "want an address or a network", "10.0.0.0/33": "want an address or a network",
		"fe80::1%eth0": "want an address or a network", "0.0.0.0/0": "everybody could name any address",
		"::/0": "everybody could name any address", "::ffff:127.0.0.1": "write it as an address of IPv4",
	} {
		conf := topicLines + "web: {trusted_proxies: [127.0.0.1/32, \"" + line + "\"]}\n"
		_, got := checkIt(t, folder(t, map[string]string{"c.yaml": conf}))
		if !strings.HasPrefix(got, `c.yaml:2:39: trusted proxy "`+line+`": `) || !strings.Contains(got, want) {
			t.Errorf("%s: got %s", line, got)
		}
	}
}

// A secret that others can read or replace is refused, wherever the configuration names one. Mounted secrets of
// containers are left as they are.
//
// Fails on 0005da9: only a file that everybody could read was refused, not one that the group could read, that
// others could write, or whose folder was open to all.
func TestSecretsThatOthersCanReadOrReplaceAreRefused(t *testing.T) {
	lines := map[string]string{
		"web: {password_file: s}\n":                         "c.yaml:2:22: ",
		"sources: [{kind: x, token_file: s}]\n":             "c.yaml:2:33: ",
		"channels: [{name: n, kind: slack, url_file: s}]\n": "c.yaml:2:45: ",
		"channels: [{kind: mail, host: h, from: a@b.example, to: a@b.example, user: a, password_file: s}]\n": "c.yaml:2:94: ",
		"drafts: {base_url: \"https://l.example\", model: m, key_file: s}\n":                                 "c.yaml:2:61: ",
		"larger_ear: {base_url: \"https://l.example\", model: m, key_file: s}\n":                             "c.yaml:2:65: ",
		"store: redis://h/0\nstore_password_file: s\n":                                                       "c.yaml:3:22: ",
	}
	for line, place := range lines {
		for m, want := range map[fs.FileMode]string{
			0o644: "s can be read by everybody on this machine; run: chmod 600 s",
			0o602: "s can be written by everybody on this machine; run: chmod 600 s",
			0o640: "s can be read by its group; run: chmod 600 s", 0o620: "s can be written by its group; run: chmod 600 s",
		} {
			dir := folder(t, map[string]string{"c.yaml": topicLines + line, "s": "https://hunter2.example"})
			mode(t, m, dir, "s")
			if _, got := checkIt(t, dir); got != place+want {
				t.Errorf("%s with mode %o: got\n%s\nwant\n%s", line, m, got, place+want)
			}
		}
	}
	dir := folder(t, map[string]string{"c.yaml": topicLines + "web: {password_file: sub/s}\n"})
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sub", "s"), []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	mode(t, 0o777, dir, "sub")
	want := "c.yaml:2:22: everybody on this machine can replace sub/s, since its folder sub is open to all; " +
		"run: chmod o-w sub"
	if _, got := checkIt(t, dir); got != want {
		t.Errorf("got %s", got)
	}
	mode(t, 0o777|fs.ModeSticky, dir, "sub")
	if _, got := checkIt(t, dir); got != "" {
		t.Errorf("a sticky folder: got %s", got)
	}

	mounted := fstest.MapFS{
		"run/secrets/s":               {Data: []byte(password), Mode: 0o644},
		"run/credentials/b.service/s": {Data: []byte(password), Mode: 0o440},
	}
	for name := range mounted {
		conf := []byte(topicLines + "web: {password_file: /" + name + "}\n")
		_, err := parseConfig("c.yaml", conf, func(name string) ([]byte, fs.FileInfo, error) {
			info, err := fs.Stat(mounted, name[1:])
			return mounted[name[1:]].Data, info, err
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// owned is a file with an owner and a group.
type owned struct {
	fs.FileInfo
	uid, gid uint32
}

func (o owned) Sys() any { return &syscall.Stat_t{Uid: o.uid, Gid: o.gid} }

// What another account owns, or root for the service's group, is meant to be read by that group: it is said, and no
// problem. What the account of the program owns is not.
func TestASecretThatAGroupMayReadOnPurposeIsAllowed(t *testing.T) {
	dir := folder(t, map[string]string{"s": password})
	mode(t, 0o640, dir, "s")
	info, err := os.Stat(filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	me := uint32(os.Geteuid())
	for _, c := range []struct {
		what     string
		uid, gid uint32
		meant    bool
	}{{"another account's", me + 1, 7, true}, {"mine, of my group", me, 0, false}, {"root's, for a service", me, 7, me == 0}} {
		problem, hint := exposed("s", owned{info, c.uid, c.gid})
		if c.meant != (problem == "") || c.meant != (hint != "") {
			t.Errorf("%s: problem %q, hint %q", c.what, problem, hint)
		}
	}
}

// The password of a Redis stands in a file of its own, is put into the address, and is in no message.
//
// Fails on 0005da9: there was no such key.
func TestThePasswordOfRedisComesFromAFile(t *testing.T) {
	for store, want := range map[string]string{
		"redis://h:6379/0": "redis://:p%40ss%2Fw%3Ard@h:6379/0", "unix:///run/redis.sock": "unix://:p%40ss%2Fw%3Ard@/run/redis.sock",
		"rediss://ann@h/1?prefix=x": "rediss://ann:p%40ss%2Fw%3Ard@h/1?prefix=x",
	} {
		text := topicLines + "store: " + store + "\nstore_password_file: s\n"
		dir := folder(t, map[string]string{"c.yaml": text, "s": "p@ss/w:rd\n"})
		conf, err := loadConfig(filepath.Join(dir, "c.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, conf.Store); diff != "" {
			t.Error(diff)
		}
		out, problem := checkIt(t, dir)
		if strings.Contains(out, "p@ss") || strings.Contains(out, "%40") || problem != "" {
			t.Errorf("check says %s%s", out, problem)
		}
	}
	for line, want := range map[string]string{
		"store: file:b.db\nstore_password_file: s\n":            "c.yaml:3:22: store_password_file is for redis://; a store file: has no password",
		"store_password_file: s\n":                              "c.yaml:2:22: store_password_file is for redis://; a store file: has no password",
		"store: redis://:hunter2@h/0\nstore_password_file: s\n": "c.yaml:3:22: store holds a password already; take it out there",
	} {
		if _, got := checkIt(t, folder(t, map[string]string{"c.yaml": topicLines + line, "s": "hunter3"})); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// A real Redis that wants a password takes the one of the file; a wrong one is refused, and stands in no error.
//
// Fails on 0005da9: there was no such key.
func TestARealRedisTakesThePasswordOfTheFile(t *testing.T) {
	addr := freeAddr(t)
	_, port, _ := strings.Cut(addr, ":")
	program(t, addr, "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--requirepass", "p@ss/w:rd")
	text := topicLines + "store: redis://" + addr + "/0\nstore_password_file: s\n"
	for given, right := range map[string]bool{"p@ss/w:rd": true, "hunter2": false} {
		conf, err := loadConfig(filepath.Join(folder(t, map[string]string{"c.yaml": text, "s": given}), "c.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		st, err := openStore(t.Context(), conf.Store)
		if right != (err == nil) || err != nil && strings.Contains(err.Error(), given) {
			t.Errorf("%s: got %v", given, err)
		}
		if err == nil {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// A password in an address makes the configuration itself a secret.
//
// Fails on 0005da9: the mode of the configuration was not looked at.
func TestAConfigurationWithAPasswordIsASecretItself(t *testing.T) {
	for _, line := range []string{
		"store: redis://:hunter2@h:6379/0\n", "channels: [{kind: webhook, url: \"https://ann:hunter2@hook.example/\"}]\n",
	} {
		dir := folder(t, map[string]string{"c.yaml": topicLines + line})
		if _, problem := checkIt(t, dir); problem != "" {
			t.Errorf("mode 600: %s", problem)
		}
		mode(t, 0o644, dir, "c.yaml")
		want := "c.yaml:1:1: c.yaml can be read by everybody on this machine; run: chmod 600 c.yaml"
		if _, got := checkIt(t, dir); got != want {
			t.Errorf("got %s", got)
		}
	}
	dir := folder(t, map[string]string{"c.yaml": topicLines + "store: redis://:hunter2@h:6379/0\n"})
	out, _ := checkIt(t, dir)
	const hint = "mind: the password of the store stands in the configuration"
	if !strings.Contains(out, hint) || strings.Contains(out, "hunter2") {
		t.Errorf("check says %s", out)
	}
	open := folder(t, map[string]string{"c.yaml": topicLines + "contact: https://acme.example/@team\n"})
	mode(t, 0o644, open, "c.yaml")
	if _, problem := checkIt(t, open); problem != "" {
		t.Errorf("without a password in it: %s", problem)
	}
}

// The files of an embedded store hold the key of the links of calls. Where others can read them, check says so;
// the next start closes them.
//
// Fails on 0005da9: check said nothing of them.
func TestCheckReportsAStoreThatOthersCanRead(t *testing.T) {
	conf := topicLines + "store: file:b.db\n"
	dir := folder(t, map[string]string{"c.yaml": conf, "b.db": "", "b.db-wal": "", "b.db-shm": ""})
	if out, problem := checkIt(t, dir); strings.Contains(out, "b.db") || problem != "" {
		t.Errorf("mode 600: %s%s", out, problem)
	}
	for name, m := range map[string]fs.FileMode{"b.db": 0o644, "b.db-wal": 0o640, "b.db-shm": 0o666} {
		mode(t, m, dir, name)
	}
	out, _ := checkIt(t, dir)
	for _, want := range []string{
		"mind: b.db can be read by everybody on this machine; run: chmod 600 b.db",
		"mind: b.db-wal can be read by its group; run: chmod 600 b.db-wal", "mind: b.db-shm can be read by everybody",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}
