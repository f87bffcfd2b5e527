package hostile

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Peer is a server that a source of the daemon visits. It answers with what is right, and once, when it is asked
// to, with a hostile load.
type Peer struct {
	*httptest.Server
	path string                      // that the source visits; Lemmy asks for comments too
	doc  func(items []string) string // what is right, with the last items
	rest http.HandlerFunc            // of all other paths
	Hub  bool                        // it names /hub as its feed's hub

	mu      sync.Mutex
	items   []string
	load    *Load
	onPage  bool // the load is an article's page, not the feed
	visits  int  // since Once
	first   func()
	over    chan struct{}
	proceed chan struct{}
}

// NewPeer starts a peer. Whoever starts it closes it.
func NewPeer(path string, doc func(items []string) string, rest http.HandlerFunc) *Peer {
	p := &Peer{path: path, doc: doc, rest: rest}
	p.Server = httptest.NewServer(p)
	return p
}

// Add puts a right item into what the peer answers with.
func (p *Peer) Add(item string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.items = append(p.items, item)
	p.items = p.items[max(0, len(p.items)-10):]
}

// Once gives the load to the next visit, as the answer or as the page that it links to, and waits until a second
// visit begins, so that the first is over. first is called when the first visit begins, read when the second one
// does; the visits wait for them. It is false if nobody came in time.
func (p *Peer) Once(l Load, onPage bool, limit time.Duration, first, read func()) bool {
	over, proceed := make(chan struct{}), make(chan struct{})
	p.mu.Lock()
	p.load, p.onPage, p.visits, p.first, p.over, p.proceed = &l, onPage, 0, first, over, proceed
	p.mu.Unlock()
	defer close(proceed)
	defer func() {
		p.mu.Lock()
		p.load, p.over = nil, nil
		p.mu.Unlock()
	}()
	select {
	case <-over:
		read()
		return true
	case <-time.After(limit):
		read()
		return false
	}
}

func (p *Peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/loop":
		http.Redirect(w, r, "/loop", http.StatusFound)
	case r.URL.Path == "/page":
		p.mu.Lock()
		l := p.load
		p.mu.Unlock()
		if l != nil {
			Serve(w, *l)
		}
	case r.URL.Path != p.path || pageOf(r) > 1:
		p.rest(w, r)
	default:
		if p.Hub {
			w.Header().Set("Link", `<http://`+r.Host+`/hub>; rel="hub", <http://`+r.Host+`/feed>; rel="self"`)
		}
		p.visit(w)
	}
}

func pageOf(r *http.Request) (n int) {
	_, _ = fmt.Sscan(r.URL.Query().Get("page"), &n) // 0 where it is no number
	return n
}

func (p *Peer) visit(w http.ResponseWriter) {
	p.mu.Lock()
	if p.visits++; p.load != nil && p.visits == 1 {
		l, onPage, first := *p.load, p.onPage, p.first
		p.mu.Unlock()
		if first(); !onPage {
			Serve(w, l)
			return
		}
		p.mu.Lock()
	}
	if p.over != nil && p.visits == 2 {
		close(p.over)
		proceed := p.proceed
		p.mu.Unlock()
		<-proceed
		p.mu.Lock()
	}
	doc := p.doc(p.items)
	p.mu.Unlock()
	_, _ = w.Write([]byte(doc)) // who has gone does not read it
}

// Serve answers with a load.
func Serve(w http.ResponseWriter, l Load) {
	for k, v := range l.Header {
		w.Header().Set(k, v)
	}
	if l.Status != 0 {
		w.WriteHeader(l.Status)
	}
	out := http.NewResponseController(w)
	for _, piece := range l.Pieces() {
		if _, err := w.Write(piece); err != nil {
			return
		}
		if l.Pace > 0 {
			_ = out.Flush() // a server of ours can
			time.Sleep(l.Pace)
		}
	}
}

// Pieces is the body as it is sent: at once, or in ten pieces with a pause behind each.
func (l Load) Pieces() (out [][]byte) {
	if l.Pace == 0 {
		return [][]byte{l.Body}
	}
	for i := range 10 {
		out = append(out, l.Body[len(l.Body)*i/10:len(l.Body)*(i+1)/10])
	}
	return out
}

// Docs are the right answers of the peers, by the entry.
var Docs = map[Entry]struct {
	Path string
	Doc  func(items []string) string
	Item func(url, id, at, text string) string
	Rest string // the answer on other paths; "" is 404
}{
	RSS:      {"/feed", xmlForms[0].right, xmlForms[0].linked, ""},
	Page:     {"/feed", xmlForms[0].right, xmlForms[0].linked, ""},
	WebSub:   {"/feed", xmlForms[0].right, xmlForms[0].linked, ""},
	Atom:     {"/feed", xmlForms[1].right, xmlForms[1].linked, ""},
	JSONFeed: {"/feed", func(items []string) string { return string(jsonFeed(items...)) }, jsonItem, ""},
	Mastodon: {
		"/api/v1/timelines/public", networks[0].right,
		func(_, id, at, text string) string { return Toot(id, at, text) }, "[]",
	},
	Lemmy: {
		"/api/v3/post/list", networks[1].right,
		func(_, id, at, text string) string { return LemmyPost(id, at, text) }, "{}",
	},
}

func (f xmlForm) right(items []string) string { return f.doc(items...) }

func (f xmlForm) linked(url, id, at, text string) string {
	return f.item(id, at, text, map[bool]string{true: "", false: "<link>" + url + "</link>"}[url == ""])
}

func (n network) right(items []string) string { return n.doc(items...) }

func jsonItem(_, id, at, text string) string {
	return `{"id":` + quote(id) + `,"date_published":` + quote(at) + `,"content_text":` + quote(text) + `}`
}

// Answer is the text shortened to a line for the table of results.
func Answer(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return text[:min(len(text), 90)]
}
