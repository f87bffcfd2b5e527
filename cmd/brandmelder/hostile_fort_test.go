package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"brandmelder/cmd/brandmelder/hostile"
	"brandmelder/store"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// fort is a daemon with a source for each entry, and the peers that these sources visit.
type fort struct {
	*house
	conf  string // its store, as the configuration names it
	st    store.Store
	peers map[hostile.Entry]*hostile.Peer
	ways  map[hostile.Entry]way
	mail  *imapmemserver.User

	mu       sync.Mutex
	callback string // that the feed's hub was given, and its secret
	secret   string
}

const (
	fortPassword = "correct horse battery staple"
	fortSecret   = "a secret of more than sixteen letters"
)

// Each entry has a topic for its hostile inputs and one for the right mentions behind them.
func hostileWord(e hostile.Entry) string { return "hostile" + strings.ReplaceAll(string(e), "-", "") }

func canaryWord(e hostile.Entry) string   { return "canary" + strings.ReplaceAll(string(e), "-", "") }
func hostileTopic(e hostile.Entry) string { return "h-" + string(e) }
func canaryTopic(e hostile.Entry) string  { return "c-" + string(e) }

// newFort makes the daemon, its peers and its configuration. With race its daemon looks for data races.
func newFort(t *testing.T, st string, race bool) *fort {
	t.Helper()
	f := &fort{house: newHouse(t, ""), conf: st, peers: map[hostile.Entry]*hostile.Peer{}}
	if !race {
		bin, err := plainBuild()
		if err != nil {
			t.Fatal(err)
		}
		f.bin = bin
	}
	for e, d := range hostile.Docs {
		f.peers[e] = hostile.NewPeer(d.Path, d.Doc, f.elsewhere(e, d.Rest))
		t.Cleanup(f.peers[e].Close)
	}
	f.peers[hostile.WebSub].Hub = true
	f.write("web.password", fortPassword)
	f.write("hook.secret", fortSecret)
	f.write("imap.password", "geheim")
	f.write("in.jsonl", "")
	f.write("in.csv", hostile.TableHead)
	f.write("c.yaml", f.config(f.mailbox()))
	f.ways = f.makeWays()
	return f
}

// elsewhere is what a peer answers on other paths. The hub of the feed stands beside it.
func (f *fort) elsewhere(e hostile.Entry, rest string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case e == hostile.WebSub && r.URL.Path == "/hub":
			f.mu.Lock()
			f.callback, f.secret = r.FormValue("hub.callback"), r.FormValue("hub.secret")
			f.mu.Unlock()
			w.WriteHeader(http.StatusAccepted)
		case rest == "":
			http.NotFound(w, r)
		default:
			_, _ = w.Write([]byte(rest))
		}
	}
}

func (f *fort) config(mail string) string {
	var sb strings.Builder
	fmt.Fprintf(&sb, "store: %q\nlease: 2s\ntopics:\n", f.conf)
	for _, e := range append(hostile.Live, "store") {
		fmt.Fprintf(&sb, "  - {name: %s, query: %s}\n  - {name: %s, query: %s}\n",
			hostileTopic(e), hostileWord(e), canaryTopic(e), canaryWord(e))
	}
	sb.WriteString("sources:\n")
	for _, e := range []hostile.Entry{hostile.RSS, hostile.Atom, hostile.JSONFeed, hostile.Page, hostile.WebSub} {
		every, more := "500ms", ""
		switch e {
		case hostile.WebSub:
			every = "24h" // only the hub's push brings what is new
		case hostile.Page:
			more = ", full_text: true"
		}
		fmt.Fprintf(&sb, "  - {kind: feed, name: %s, url: \"%s/feed\", every: %s, allow_private: true%s}\n",
			e, f.peers[e].URL, every, more)
	}
	fmt.Fprintf(&sb, `  - {kind: webhook, name: hook, password_file: hook.secret}
  - {kind: webhook, name: hookmap, password_file: hook.secret, items: data.items,
     map: {id: m.id, at: m.at, text: m.text, followers: m.followers}}
  - {kind: file, name: file, path: in.jsonl, every: 500ms}
  - {kind: file, name: csv, path: in.csv, every: 500ms}
  - {kind: imap, name: imap, url: %q, account: press, password_file: imap.password, folder: Clippings, every: 500ms,
     allow_private: true}
  - {kind: mastodon, name: mastodon, url: %q, mode: poll, every: 500ms, allow_private: true}
  - {kind: lemmy, name: lemmy, url: %q, communities: [kaffee], every: 500ms, allow_private: true}
web: {listen: %q, public_url: "https://brandmelder.test", password_file: web.password}
`, mail, f.peers[hostile.Mastodon].URL, f.peers[hostile.Lemmy].URL, f.addr)
	return sb.String()
}

// mailbox starts a real IMAP server with one folder.
func (f *fort) mailbox() string {
	f.mail = imapmemserver.NewUser("press", "geheim")
	if err := f.mail.Create("Clippings", nil); err != nil {
		f.t.Fatal(err)
	}
	mem := imapmemserver.New()
	mem.AddUser(f.mail)
	srv := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return mem.NewSession(), nil, nil
		},
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}}, InsecureAuth: true,
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	f.t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return "imap://" + l.Addr().String()
}

// begin starts the daemon and waits until each source has been visited once.
func (f *fort) begin() {
	f.t.Helper()
	conf, err := loadConfig(filepath.Join(f.dir, "c.yaml"))
	if err != nil {
		f.t.Fatal(err)
	}
	f.start()
	f.ready()
	if f.st, err = openBeside(f.t.Context(), conf.Store); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = f.st.Close() })
	until(f.t, "the feed's hub is asked", 30*time.Second, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.callback != ""
	})
	until(f.t, "each source was visited", 30*time.Second, func() bool {
		docs, err := f.st.SourceStatuses(f.t.Context())
		return err == nil && len(docs) >= 10
	})
}

// ready waits until the daemon judges.
func (f *fort) ready() {
	f.t.Helper()
	until(f.t, "the daemon judges", 60*time.Second, func() bool {
		return strings.Contains(f.metrics(), "brandmelder_detect_mentions_total{")
	})
}

// ask sends a request with the token. A store that was emptied has none any more: then there is another.
func (f *fort) ask(method, path string, head map[string]string, body io.Reader) (int, string, error) {
	req, err := http.NewRequestWithContext(f.t.Context(), method, "http://"+f.addr+path, body)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Authorization", "Bearer "+f.token)
	for k, v := range head {
		req.Header.Set(k, v)
	}
	res, err := (&http.Client{Timeout: 60 * time.Second}).Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if res.StatusCode == http.StatusUnauthorized && !strings.HasPrefix(path, "/hooks/") {
		f.newToken()
	}
	return res.StatusCode, string(text), err
}

// metrics are "" where the daemon does not answer for two seconds.
func (f *fort) metrics() string {
	for range 20 {
		if status, text, err := f.ask(http.MethodGet, "/metrics", nil, nil); err == nil && status == http.StatusOK {
			return text
		}
		time.Sleep(100 * time.Millisecond)
	}
	return ""
}

// metric is the value of a line of the metrics, 0 where there is none.
func metric(text, line string) int {
	sc := bufio.NewScanner(strings.NewReader(text))
	for sc.Scan() {
		if v, ok := strings.CutPrefix(sc.Text(), line+" "); ok {
			n, _ := strconv.ParseFloat(v, 64) // Prometheus writes numbers
			return int(n)
		}
	}
	return 0
}

// counted is how many mentions were counted for the topic since the daemon began.
func (f *fort) counted(topic string) int {
	return metric(f.metrics(), `brandmelder_detect_mentions_total{topic="`+topic+`"}`)
}

// wait waits until so many are counted.
func (f *fort) wait(topic string, n int, limit time.Duration) bool {
	for end := time.Now().Add(limit); f.counted(topic) < n; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// fates is what a source says to have done since the daemon began.
type fates struct{ taken, bad, errors, ok int }

func (f *fort) fates(source string) fates {
	text := f.metrics()
	of := func(fate string) int {
		return metric(text, `brandmelder_ingest_mentions_total{fate="`+fate+`",source="`+source+`"}`)
	}
	return fates{
		of("new") + of("known"), of("bad"), metric(text, `brandmelder_ingest_errors_total{source="`+source+`"}`),
		metric(text, `brandmelder_ingest_last_success_timestamp_seconds{source="`+source+`"}`),
	}
}

// sign signs a push.
func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// add writes to the end of a file of the daemon.
func (f *fort) add(name string, pieces [][]byte, pace time.Duration) error {
	file, err := os.OpenFile(filepath.Join(f.dir, name), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	for _, p := range pieces {
		if _, err := file.Write(p); err != nil {
			return err
		}
		time.Sleep(pace)
	}
	return nil
}

// letter is what the IMAP server takes.
type letter struct{ *bytes.Reader }

func (l letter) Size() int64 { return l.Reader.Size() }

func (f *fort) deliver(raw []byte) error {
	_, err := f.mail.Append("Clippings", letter{bytes.NewReader(raw)}, &imap.AppendOptions{Time: time.Now()})
	return err
}

// logged says whether the log has a warning or error behind the place that holds the word.
func (f *fort) logged(from int64, word string) bool {
	out, err := os.ReadFile(f.log.Name())
	if err != nil || int64(len(out)) < from {
		return false
	}
	for _, line := range strings.Split(string(out[from:]), "\n") {
		if (strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR")) && strings.Contains(line, word) {
			return true
		}
	}
	return false
}

// logSize is the place where the log ends now.
func (f *fort) logSize() int64 {
	info, err := os.Stat(f.log.Name())
	if err != nil {
		return 0
	}
	return info.Size()
}

// status is the error and the note of a source.
func (f *fort) status(ctx context.Context, source string) (problem, note string) {
	docs, err := f.st.SourceStatuses(ctx, source)
	if err != nil || len(docs) == 0 {
		return "", ""
	}
	return docs[0].Error, docs[0].Note
}
