package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"

	"golang.org/x/time/rate"
)

// mostMemory is the most memory of the whole process, in MiB.
const mostMemory = 400

// asker is a source that reads JSON from a server, with the keys of its list.
type asker struct {
	conf Config
	open string // the document up to the list's first element
	end  string
}

var askers = []asker{
	{Config{Kind: "appstore", Apps: []string{"1"}, Countries: []string{"de"}}, `{"feed":{"entry":[`, `]}}`},
	{Config{Kind: "bluesky", Mode: "search", Account: "a", Token: "b"}, `{"accessJwt":"a","posts":[`, `]}`},
	{Config{Kind: "gdelt"}, `{"articles":[`, `]}`},
	{Config{Kind: "hackernews"}, `{"hits":[`, `]}`},
	{Config{Kind: "lemmy", Communities: []string{"a"}}, `{"posts":[`, `]}`},
	{Config{Kind: "mastodon", Tags: []string{"acme"}}, `[`, `]`},
	{Config{Kind: "reddit", Subreddits: []string{"acme"}, Account: "a", Token: "b"}, `{"access_token":"a","expires_in":99,"data":{"children":[`, `]}}`},
	{Config{Kind: "telegram", Token: "a"}, `{"result":[`, `]}`},
	{Config{Kind: "x", Token: "a"}, `{"meta":{"total_tweet_count":1},"includes":{"users":[{}]},"data":[`, `]}`},
	{Config{Kind: "x", Token: "a", API: "v1.1"}, `{"statuses":[`, `]}`},
	{Config{Kind: "x", Token: "a", ReadsPerMonth: 1000}, `{"data":[`, `]}`},
	{Config{Kind: "youtube", Token: "a", Channels: []string{"UCa"}}, `{"items":[`, `]}`},
	{Config{Kind: "youtube", Token: "a", Search: []string{"acme"}}, `{"items":[`, `]}`},
}

// fill repeats s until a document of the largest size is full.
func fill(open, s, end string) string {
	return open + strings.Repeat(s, (maxBody-len(open)-len(end)-10)/len(s)) + end
}

// hostile are bodies of 10 MiB for a source.
func (a asker) hostile() map[string]func() string {
	objects := func() string { return strings.Repeat("{},", maxValues/2-100) + "{}" }
	return map[string]func() string{
		"objects":             func() string { return a.open + strings.Repeat("{},", (maxBody-1000)/3) + "{}" + a.end },
		"numbers":             func() string { return a.open + strings.Repeat("0,", (maxBody-1000)/2) + "0" + a.end },
		"lists":               func() string { return a.open + strings.Repeat("[],", (maxBody-1000)/3) + "[]" + a.end },
		"depth":               func() string { return a.open + strings.Repeat("[", maxBody-1000) },
		"as many as are read": func() string { return a.open + objects() + a.end + strings.Repeat(" ", 9<<20) },
		"a text":              func() string { return fill(a.open+`{"id":"1","text":"`, "a", `"}`+a.end) },
		"escapes":             func() string { return fill(a.open+`{"text":"`, `\u0001`, `"}`+a.end) },
		"keys":                func() string { return fill(a.open+`{"a":0`, `,"bcd":0`, `}`+a.end) },
		"error":               func() string { return fill(`{"error":"`, "a b ", `"}`) },
	}
}

var hostileFeeds = map[string]func() string{
	"empty items":   func() string { return fill("<rss><channel>", "<item/>", "</channel></rss>") },
	"empty entries": func() string { return fill(`<feed xmlns="http://www.w3.org/2005/Atom">`, "<entry/>", "</feed>") },
	"empty objects": func() string { return `{"items":[` + strings.Repeat("{},", maxBody/3-100) + `{}]}` },
	"depth":         func() string { return fill("<rss><channel><item>", "<a>", "") },
	"extensions":    func() string { return fill("<rss><channel><item>", "<x:a/>", "</item></channel></rss>") },
	"nested": func() string {
		return "<rss><channel>" + strings.Repeat("<item>"+strings.Repeat("<x:a>", 90)+strings.Repeat("</x:a>", 90)+"</item>", 9000) + "</channel></rss>"
	},
	"as many as fit": func() string {
		return "<rss><channel>" + strings.Repeat("<item>"+strings.Repeat("<x:a><x:b c=''/></x:a>", 14)+"</item>", 5000) + "</channel></rss>"
	},
	"attributes":      func() string { return fill("<rss><channel><item><a", " b", "/></item></channel></rss>") },
	"head attributes": func() string { return fill("<rss", " b", ">") },
	"namespaces":      func() string { return fill("<rss><channel><item><a", ` xmlns:bcd=""`, "/></item></channel></rss>") },
	"a title":         func() string { return fill("<rss><channel><item><title>", "a ", "</title></item></channel></rss>") },
	"entities":        func() string { return fill("<rss><channel><item><title>", "&amp;", "</title></item></channel></rss>") },
	"marks": func() string {
		return fill("<rss><channel><item><description><![CDATA[", "<p a=b>", "]]></description></item></channel></rss>")
	},
	"sections": func() string {
		return fill("<rss><channel><item><description>", "<![CDATA[a]]>", "</description></item></channel></rss>")
	},
	"xhtml": func() string {
		return fill(`<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://a.example/"><entry><content type="xhtml"><div>`, "<b></b>", "</div></content></entry></feed>")
	},
	"base": func() string {
		return fill(`<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://a.example/"><entry><content type="html">`, "&lt;b>", "</content></entry></feed>")
	},
	"comments":   func() string { return fill("<rss><channel>", "<!---->", "</channel></rss>") },
	"a comment":  func() string { return fill("<rss><channel><!--", "a", "--></channel></rss>") },
	"channels":   func() string { return fill("<rss>", "<channel/>", "</rss>") },
	"categories": func() string { return fill("<rss><channel>", "<category/>", "</channel></rss>") },
	"japanese": func() string {
		return fill(`<?xml version="1.0" encoding="iso-2022-jp"?><rss><channel><item>`, "\x1b$B!!\x1b(B<a>", "")
	},
	"windows": func() string { return fill("<rss><channel><item><title>", "\x80", "</title></item></channel></rss>") },
	"links":   func() string { return fill("<rss><channel>", `<link rel="hub" href="x"/>`, "</channel></rss>") },
	"long guids": func() string {
		return "<rss><channel>" + strings.Repeat("<item><guid>"+strings.Repeat("a", 2000)+"</guid></item>", 5000) + "</channel></rss>"
	},
	"undated": func() string {
		return "<rss><channel>" + strings.Repeat("<item><title>acme</title><description>"+strings.Repeat("acme ", 390)+"</description></item>", 5000) + "</channel></rss>"
	},
}

// Whatever a server answers within the 10 MiB that are read, the process uses less than 400 MB, and does not end.
func TestAHostileBodyUsesLittleMemory(t *testing.T) {
	if os.Getenv("HOSTILE_CHILD") != "" {
		hostileChild(t)
		return
	}
	if testing.Short() || raced {
		t.Skip("it reads some gigabytes, and measures the memory of a program without the race detector")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAHostileBodyUsesLittleMemory$", "-test.v")
	cmd.Env = append(os.Environ(), "HOSTILE_CHILD=1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("the process ended: %v", err)
	}
	if n := bytes.Count(out, []byte("MiB at most")); n != len(askers)*9+len(hostileFeeds) {
		t.Errorf("%d bodies were read", n)
	}
}

// hostileChild reads all bodies, one after the other, and reports what each used at most.
func hostileChild(t *testing.T) {
	body := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		for i := 0; i < len(body); i += 1 << 16 {
			_, _ = z.Write([]byte(body[i:min(len(body), i+1<<16)]))
		}
		_ = z.Close()
	}))
	defer srv.Close()
	read := func(name string, conf Config, doc string) {
		body, conf.URL, conf.BaseURL = doc, srv.URL, srv.URL
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		debug.FreeOSMemory()
		_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak begins anew
		client := &http.Client{Transport: &polite{next: http.DefaultTransport, pace: rate.Inf, hosts: map[string]*rate.Limiter{}}}
		deps := Deps{Client: client, Topics: []brand.Topic{{Name: "a", Query: "acme"}}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		s, err := kinds[conf.Kind].make(conf, deps)
		if err != nil {
			t.Fatal(err)
		}
		begun, batches, bad := time.Now(), 0, 0
		err = s.Listen(ctx, "", func(_ context.Context, b Batch) error {
			if batches, bad = batches+1, bad+len(b.Bad); batches > 3 {
				return errEnough
			}
			if len(b.Cursor) > 256<<10 {
				t.Errorf("%s: a cursor of %d bytes", name, len(b.Cursor))
			}
			Prepare("x", &b)
			return nil
		})
		most := peak(t)
		fmt.Printf("%s %s: %d MiB at most, %s, %d batches, %d bad, %.150v\n", conf.Kind, name, most, time.Since(begun).Round(time.Millisecond), batches, bad, err)
		if most > mostMemory {
			t.Errorf("%s %s: %d MiB", conf.Kind, name, most)
		}
		if ctx.Err() != nil {
			t.Errorf("%s %s: it took more than 30s", conf.Kind, name)
		}
	}
	for name, doc := range hostileFeeds {
		read(name, Config{Kind: "feed"}, doc())
	}
	for _, a := range askers {
		for name, doc := range a.hostile() {
			read(name, a.conf, doc())
		}
	}
}

// peak is the largest resident set since it was reset, in MiB.
func peak(t *testing.T) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc here")
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kb >> 10
}
