package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"brandmelder/store/storetest"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sys/unix"
)

// The operator's story: detection stops, for five causes, beside a real Prometheus and Alertmanager. Within three
// minutes an alert fires, /readyz answers 503 and the page says that detection is down. When the cause is gone, all is
// well within a minute, and nobody had to help.
//
// Fails on 0005da9, in each of the five cases: alert, status and page did not all come.
func TestOperatorsLearnThatDetectionStopped(t *testing.T) {
	t.Parallel()
	pager := freeAddr(t)
	conf := filepath.Join(t.TempDir(), "am.yml")
	if err := os.WriteFile(conf, []byte("route: {receiver: none}\nreceivers: [{name: none}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program(t, pager, "prometheus-alertmanager", "--config.file="+conf, "--storage.path="+t.TempDir(), "--web.listen-address="+pager, "--cluster.listen-address=")
	t.Run("causes", func(t *testing.T) {
		for _, c := range []stopped{
			{name: "redis does not answer", lang: "en", stop: func(s *scene) func() {
				s.signal(syscall.SIGSTOP)
				return func() { s.signal(syscall.SIGCONT) }
			}},
			{name: "redis is out of memory", lang: "de", stop: func(s *scene) func() {
				s.redis("CONFIG", "SET", "maxmemory", "1")
				return func() { s.redis("CONFIG", "SET", "maxmemory", "0") }
			}},
			{name: "redis was emptied and refuses the lease", lang: "en", stop: func(s *scene) func() {
				s.redis("FLUSHALL")
				s.redis("SET", "bm:fence:detect/0-of-1", "not a number")
				return func() { s.redis("DEL", "bm:fence:detect/0-of-1") }
			}},
			{name: "the process that detects is gone", lang: "de", split: true, stop: func(s *scene) func() {
				s.detect.kill()
				return func() { s.detect.start("--roles", "detect", "--listen", s.detect.addr) }
			}},
			{name: "the disk is full", lang: "en", file: true, stop: func(s *scene) func() {
				var before unix.Rlimit
				limit := func(to *unix.Rlimit) {
					if err := unix.Prlimit(s.pages.cmd.Process.Pid, unix.RLIMIT_FSIZE, to, &before); err != nil {
						s.Fatal(err)
					}
				}
				limit(&unix.Rlimit{Cur: 4096, Max: unix.RLIM_INFINITY}) // as a quota does: no file may grow
				return func() { limit(&unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}) }
			}},
		} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.play(t, pager)
			})
		}
	})
}

// stopped is one cause why detection does not run.
type stopped struct {
	name  string
	lang  string
	split bool // detection runs in a process of its own
	file  bool // the store is a file, else Redis
	stop  func(s *scene) (undo func())
}

// scene is where a cause is played.
type scene struct {
	*testing.T
	store         string
	server        *exec.Cmd // of Redis
	pages, detect *house
}

func (s *scene) signal(sig syscall.Signal) {
	s.Helper()
	if err := s.server.Process.Signal(sig); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) redis(args ...any) {
	s.Helper()
	opt, err := redis.ParseURL(s.store)
	if err != nil {
		s.Fatal(err)
	}
	c := redis.NewClient(opt)
	defer c.Close()
	if err := c.Do(s.Context(), args...).Err(); err != nil {
		s.Fatalf("redis %v: %v", args, err)
	}
}

func (c *stopped) play(t *testing.T, pager string) {
	s := &scene{T: t, store: "file:brandmelder.db"}
	if !c.file {
		s.store, s.server = storetest.RedisProcess(t)
	}
	text := fmt.Sprintf("store: %q\nlanguage: %s\ntopics: [{name: acme, query: acme}]\n", s.store, c.lang)
	s.pages = newHouseWith(t, text, ", password_file: password") // a token is lost with an emptied store
	s.pages.write("password", operatorsPassword)
	if c.split {
		s.pages.start("--roles", "ingest,alert,web")
		s.detect = newHouse(t, text)
		s.detect.start("--roles", "detect", "--listen", s.detect.addr)
	} else {
		s.pages.start()
	}
	calm, down := "All is calm", "Detection is down"
	if c.lang == "de" {
		calm, down = "Alles ruhig", "Die Erkennung steht still"
	}
	well := func() bool {
		_, page := pageOf(s.pages.addr, "/")
		code, _ := pageOf(s.pages.addr, "/readyz")
		return code == http.StatusOK && strings.Contains(page, calm) && !strings.Contains(page, down)
	}
	until(t, "all is well", time.Minute, well)
	c.prometheus(s, pager)
	until(t, "nothing fires", time.Minute, func() bool { return len(firing(pager, c.name)) == 0 })

	undo := c.stop(s)
	began := time.Now()
	until(t, "an alert fires, /readyz is 503 and the page says so", 3*time.Minute, func() bool {
		code, _ := pageOf(s.pages.addr, "/readyz")
		_, page := pageOf(s.pages.addr, "/")
		return code == http.StatusServiceUnavailable && strings.Contains(page, down) && !strings.Contains(page, calm) && len(firing(pager, c.name)) > 0
	})
	t.Logf("%v fire after %s", firing(pager, c.name), time.Since(began).Round(time.Second))
	undo()
	mended := time.Now()
	until(t, "all is well again", time.Minute, func() bool { return well() && len(firing(pager, c.name)) == 0 })
	t.Logf("well after %s", time.Since(mended).Round(time.Second))
}

// prometheus watches the scene by the rules that we deploy; its alerts bear the name of the case.
func (c *stopped) prometheus(s *scene, pager string) {
	s.Helper()
	rules, err := filepath.Abs("../../deploy/prometheus/brandmelder.rules.yml")
	if err != nil {
		s.Fatal(err)
	}
	targets := []string{s.pages.addr}
	if s.detect != nil {
		targets = append(targets, s.detect.addr)
	}
	list, err := json.Marshal(targets)
	if err != nil {
		s.Fatal(err)
	}
	s.pages.write("prom.yml", fmt.Sprintf(`global: {scrape_interval: 1s, evaluation_interval: 1s, external_labels: {case: %q}}
rule_files: [%q]
alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}
scrape_configs: [{job_name: brandmelder, static_configs: [{targets: %s}]}]
`, c.name, rules, pager, list))
	addr := freeAddr(s.T)
	program(s.T, addr, "prometheus", "--config.file="+filepath.Join(s.pages.dir, "prom.yml"), "--storage.tsdb.path="+filepath.Join(s.pages.dir, "prom"), "--web.listen-address="+addr)
}

// firing are the names of the critical alerts of a case that Alertmanager has.
func firing(pager, name string) (out []string) {
	var found []struct {
		Labels map[string]string `json:"labels"`
	}
	filter := url.Values{"active": {"true"}, "filter": {fmt.Sprintf("case=%q", name), `severity="critical"`}}
	_ = json.Unmarshal([]byte(httpGet("http://"+pager+"/api/v2/alerts?"+filter.Encode())), &found)
	for _, a := range found {
		out = append(out, a.Labels["alertname"])
	}
	return out
}

// operatorsPassword lets the test read the pages.
const operatorsPassword = "read and watch it"

// pageOf reads a page whatever its status is; 0 where nothing answers.
func pageOf(addr, path string) (code int, body string) {
	c := http.Client{Timeout: 15 * time.Second}
	req, err := http.NewRequest(http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return 0, ""
	}
	req.Header.Set("Authorization", "Bearer "+operatorsPassword)
	res, err := c.Do(req)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, ""
	}
	return res.StatusCode, string(text)
}
