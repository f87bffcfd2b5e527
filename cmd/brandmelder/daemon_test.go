package main

import (
	"bytes"
	crand "crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"brandmelder/access"
)

// What the tests share that run the whole program as its users do: the binary, its files, the peers around it.

var built atomic.Bool

var build = sync.OnceValues(func() (string, error) {
	built.Store(true)
	dir, err := os.MkdirTemp("", "brandmelder")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "brandmelder")
	if out, err := exec.Command("go", "build", "-race", "-o", bin, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return bin, nil
})

// house is a folder with a configuration, and the daemon that runs with it.
type house struct {
	t    *testing.T
	dir  string
	addr string // of its pages
	bin  string
	log  *os.File
	cmd  *exec.Cmd

	token  string    // of the API, with the scopes read, push and metrics
	stdout io.Writer // of the daemon; nil for none
}

// newHouse makes one; conf gets web.listen added.
func newHouse(t *testing.T, conf string) *house {
	t.Helper()
	return newHouseWith(t, conf, "")
}

// newHouseWith is newHouse with more keys of web, such as ", password_file: p".
func newHouseWith(t *testing.T, conf, web string) *house {
	t.Helper()
	if testing.Short() {
		t.Skip("it runs the daemon")
	}
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, dir: t.TempDir(), addr: freeAddr(t), bin: bin}
	h.write("c.yaml", conf+fmt.Sprintf("web: {listen: %q%s}\n", h.addr, web))
	if h.log, err = os.Create(filepath.Join(h.dir, "log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.kill()
		_ = h.log.Close()
		if out, err := os.ReadFile(h.log.Name()); err != nil || bytes.Contains(out, []byte("DATA RACE")) {
			t.Errorf("the daemon's log reports a race, or cannot be read: %v", err)
		}
		if t.Failed() {
			out, _ := os.ReadFile(h.log.Name())
			t.Logf("the daemon's log, its end:\n%s", out[max(0, len(out)-4000):])
		}
	})
	return h
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (h *house) write(name, text string) {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// command runs the binary to its end and returns what it printed.
func (h *house) command(args ...string) string {
	h.t.Helper()
	cmd := exec.Command(h.bin, args...)
	cmd.Dir = h.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("brandmelder %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (h *house) start(args ...string) {
	h.t.Helper()
	if h.token == "" {
		h.newToken()
	}
	h.cmd = exec.Command(h.bin, append([]string{"run", "--config", filepath.Join(h.dir, "c.yaml")}, args...)...)
	h.cmd.Stderr, h.cmd.Stdout = h.log, h.stdout
	if err := h.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) kill() {
	if h.cmd != nil {
		_ = h.cmd.Process.Kill()
		_ = h.cmd.Wait() // it was killed
		h.cmd = nil
	}
}

// newToken makes the token in the store, which other houses may share.
func (h *house) newToken() {
	h.t.Helper()
	conf, err := loadConfig(filepath.Join(h.dir, "c.yaml"))
	if err != nil {
		h.t.Fatal(err)
	}
	st, err := openBeside(h.t.Context(), conf.Store)
	if err != nil {
		h.t.Fatal(err)
	}
	defer st.Close()
	name := strings.ToLower(crand.Text())
	scopes := []access.Scope{access.ScopeRead, access.ScopePush, access.ScopeMetrics}
	if h.token, _, err = addToken(h.t.Context(), st, name, scopes, "", 24*time.Hour); err != nil {
		h.t.Fatal(err)
	}
}

// ask sends a request with the token.
func (h *house) ask(method, path, kind string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+h.addr+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	req.Header.Set("Content-Type", kind)
	return http.DefaultClient.Do(req)
}

// push sends mentions to the API.
func (h *house) push(body []byte) (*http.Response, error) {
	return h.ask(http.MethodPost, "/api/v1/mentions", "application/json", bytes.NewReader(body))
}

// get reads a page of the daemon; "" while it does not answer.
func (h *house) get(path string) string { return bodyOf(h.ask(http.MethodGet, path, "", nil)) }

func httpGet(url string) string { return bodyOf(http.Get(url)) }

func bodyOf(res *http.Response, err error) string {
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}

// until waits for what must come.
func until(t *testing.T, what string, limit time.Duration, is func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("after %s still not: %s", limit, what)
}

// past gives the house a topic that it has known for eight calm days, six mentions an hour, until now.
func (h *house) past() {
	h.t.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	now := time.Now().UTC().Truncate(time.Minute)
	f, err := os.Create(filepath.Join(h.dir, "past.jsonl"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	at := now.Add(-8 * 24 * time.Hour)
	for i := 0; ; i++ {
		if at = at.Add(time.Duration(r.ExpFloat64() * float64(10*time.Minute))); at.After(now) {
			break
		}
		text := []string{"My acme machine makes fine coffee", "Wer hat Erfahrung mit acme?", "acme opens a shop in town", "The acme hotline did not answer today, annoying"}[r.IntN(4)]
		fmt.Fprintf(f, `{"id":"past-%d","at":%q,"text":"%s, %d","author":"u%d"}`+"\n", i, at.Format(time.RFC3339), text, i, r.IntN(900))
	}
	h.command("replay", "--config", "c.yaml", "--mentions", "past.jsonl", "--learn")
}

// angry is what people write in a storm, each in other words.
func angry(r *rand.Rand) string {
	pick := func(ss ...string) string { return ss[r.IntN(len(ss))] }
	if r.IntN(2) == 0 {
		return fmt.Sprintf("%s My acme %s %s %s, %s. %s", pick("Unbelievable!", "Shame on you.", "So angry!", "Warning:", "Never again."), pick("machine", "espresso maker", "kettle", "grinder", "heater"),
			pick("caught fire", "started to smoke", "gave me an electric shock", "exploded"), pick("this morning", "last night", "an hour ago", "while the kids were in the kitchen"),
			pick("this is dangerous", "terrible quality", "horrible", "we are shocked"), pick("Recall it now!", "Who is liable?", "The company says nothing.", "Do not buy it.", "Worst firm ever."))
	}
	return fmt.Sprintf("%s Meine acme %s %s %s, %s. %s", pick("Unfassbar!", "Schämt euch.", "Ich bin so wütend!", "Warnung:", "Nie wieder."), pick("Maschine", "Espressomaschine", "Heizung", "Mühle"),
		pick("hat Feuer gefangen", "qualmt", "hat mir einen Stromschlag verpasst", "ist explodiert"), pick("heute früh", "gestern Nacht", "vor einer Stunde", "mitten in der Küche"),
		pick("lebensgefährlich", "schreckliche Qualität", "furchtbar", "wir sind entsetzt"), pick("Rückruf sofort!", "Wer haftet?", "Die Firma schweigt.", "Kauft das nicht.", "Schlimmste Firma."))
}

// newsroom serves an RSS feed of its last fifty items, with an ETag, and fails now and then.
type newsroom struct {
	mu    sync.Mutex
	items []string
	asked int
}

func (n *newsroom) publish(title string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.items = append(n.items, fmt.Sprintf("<item><guid>n%d</guid><title>%s</title><link>https://news.example/%d</link><pubDate>%s</pubDate></item>", len(n.items), title, len(n.items), time.Now().UTC().Format(time.RFC1123Z)))
}

func (n *newsroom) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.asked++; n.asked%5 == 0 {
		http.Error(w, "busy", http.StatusBadGateway)
		return
	}
	tag := fmt.Sprintf(`"%d"`, len(n.items))
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("ETag", tag)
	fmt.Fprint(w, `<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>`)
	for _, it := range n.items[max(0, len(n.items)-50):] {
		fmt.Fprint(w, it)
	}
	fmt.Fprint(w, `</channel></rss>`)
}

// hook counts the calls it took, by their key.
type hook struct {
	*httptest.Server
	mu    sync.Mutex
	r     *rand.Rand
	taken map[string]int
	said  []map[string]any
}

// newHook takes calls slowly, and refuses one in five.
func newHook(t *testing.T) *hook {
	h := &hook{r: rand.New(rand.NewPCG(3, 3)), taken: map[string]int{}}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var said map[string]any
		if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
			return // cut in the middle
		}
		h.mu.Lock()
		refuse, slow := h.r.IntN(5) == 0, time.Duration(math.Abs(h.r.NormFloat64())*200)*time.Millisecond
		h.mu.Unlock()
		time.Sleep(slow)
		if refuse {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.taken[r.Header.Get("Idempotency-Key")]++
		h.said = append(h.said, said)
	}))
	t.Cleanup(h.Close)
	return h
}

// topicMentions asks the daemon how many mentions its one topic has, -1 for no answer. The board is brought up to date
// each minute.
func (h *house) topicMentions() int {
	var docs []struct {
		Mentions int `json:"mentions"`
	}
	if json.Unmarshal([]byte(h.get("/api/v1/topics")), &docs) != nil || len(docs) != 1 {
		return -1
	}
	return docs[0].Mentions
}
