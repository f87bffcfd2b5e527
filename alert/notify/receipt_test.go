package notify

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"brandmelder/incident"
)

var testCall = Message{Incident: "i", Kind: incident.Crisis, Level: 3, Lang: "en", Title: "acme: fire", Bad: "level 3 of 6", Since: "since 18:02", Began: t0}

// everyKind are addresses of all kinds of channels that speak HTTP, and of shoutrrr's services by each way in which
// they make requests.
func everyKind(host string) map[string]Config {
	return map[string]Config{
		"webhook":      {Kind: "webhook", Secret: "http://" + host + "/geheim"},
		"slack":        {Kind: "slack", Secret: "http://" + host + "/geheim"},
		"alertmanager": {Kind: "alertmanager", URL: "http://" + host},
		"ntfy":         {Kind: "shoutrrr", Secret: "ntfy://" + host + "/geheim?scheme=http"},
		"gotify":       {Kind: "shoutrrr", Secret: "gotify://" + host + "/Ageheim.12345.x?disabletls=yes"},
		"mattermost":   {Kind: "shoutrrr", Secret: "mattermost://" + host + "/geheim?disabletls=yes"},
		"generic":      {Kind: "shoutrrr", Secret: "generic://" + host + "/geheim?disabletls=yes&template=json"},
		"generic GET":  {Kind: "shoutrrr", Secret: "generic://" + host + "/geheim?disabletls=yes&method=GET"},
		"bark":         {Kind: "shoutrrr", Secret: "bark://:geheim@" + host + "/?scheme=http"},
		"signal":       {Kind: "shoutrrr", Secret: "signal://" + host + "/+4915112345678/+4915112345679?disabletls=yes"},
	}
}

// A channel's server asks for a sign-in, or has moved to https: the call is a failure that names where it went, nobody
// follows it, and the secret parts of both addresses stay secret.
// Fails on 0005da9: the sign-in page answered 200 and the call counted as sent, for webhook, slack, alertmanager,
// mattermost and generic.
func TestARedirectIsAFailureThatNamesTheNewAddress(t *testing.T) {
	var followed atomic.Int32
	sso := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		followed.Add(1)
		_, _ = io.WriteString(w, "{}")
	}))
	defer sso.Close()
	var code atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", sso.URL+"/geheim?next=geheim")
		w.WriteHeader(int(code.Load()))
	}))
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "http://")
	for name, conf := range everyKind(host) {
		ch, err := New(conf)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, c := range []int{301, 302, 303, 307, 308} {
			code.Store(int32(c))
			err := ch.Send(t.Context(), testCall, nil)
			if !errors.Is(err, ErrGiveUp) || !strings.Contains(fmt.Sprint(err), fmt.Sprint(c)) || !strings.Contains(fmt.Sprint(err), sso.URL) {
				t.Errorf("%s, %d: got %v, want a failure for good that names %s", name, c, err, sso.URL)
			}
			if strings.Contains(fmt.Sprint(err), "geheim") {
				t.Errorf("%s, %d: the error holds a secret: %v", name, c, err)
			}
		}
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("%d requests followed a redirect", n)
	}
}

// A sign-in page in place of the service answers 200 with HTML, with or without saying so. It is no receipt.
// Fails on 0005da9: the call counted as sent for webhook, slack, alertmanager, mattermost and generic.
func TestAWebPageIsNoReceipt(t *testing.T) {
	page := "\ufeff \r\n<!DOCTYPE html><html><title>Sign in</title></html>"
	kind := "text/html; charset=utf-8"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, page)
	}))
	defer srv.Close()
	for name, conf := range everyKind(strings.TrimPrefix(srv.URL, "http://")) {
		ch, err := New(conf)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, kind = range []string{"text/html; charset=utf-8", "application/json", "application/xhtml+xml"} {
			if err := ch.Send(t.Context(), testCall, nil); !errors.Is(err, ErrGiveUp) || !strings.Contains(err.Error(), "web page") {
				t.Errorf("%s, %s: got %v", name, kind, err)
			}
		}
	}
	ch, _ := New(Config{Kind: "webhook", Secret: srv.URL})
	kind = "text/html"
	for _, page = range []string{"", "ok", "accepted <1>", "ok<br>", `{"said":"<form action=x>"}`} { // of scripts
		if err := ch.Send(t.Context(), testCall, nil); err != nil {
			t.Errorf("webhook answered %q: got %v", page, err)
		}
	}
	for page, kind = range map[string]string{ // Nextcloud's and Twilio's receipts, and a text in UTF-16
		"<?xml version=\"1.0\"?><ocs><meta><status>ok</status></meta></ocs>":     "text/xml",
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Form/></Response>": "application/xml",
		"\xff\xfeo\x00k\x00": "text/plain", "3 < 5 and <ok>": "text/plain",
	} {
		if err := ch.Send(t.Context(), testCall, nil); err != nil {
			t.Errorf("webhook answered %q: got %v", page, err)
		}
	}
}

// A page in disguise is none either: behind white space or a text, as XML, in UTF-16, empty with a Refresh, or packed
// in a way that nobody asked for.
// Fails on e679f07: each counted as sent for webhook.
func TestAWebPageInDisguiseIsNoReceipt(t *testing.T) {
	type answer struct{ kind, page, head, value string }
	const page = "<html><title>Sign in</title></html>"
	wide := strings.Join(strings.Split(page, ""), "\x00") + "\x00"
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, page)
	_ = z.Close()
	var now answer
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", now.kind)
		if now.head != "" {
			w.Header().Set(now.head, now.value)
		}
		_, _ = io.WriteString(w, now.page)
	}))
	defer srv.Close()
	answers := map[string]answer{
		"white space":      {"text/html", strings.Repeat("\n", 600) + page, "", ""},
		"no type":          {"", strings.Repeat(" ", 600) + page, "", ""},
		"xml":              {"text/xml", `<?xml version="1.0"?><!DOCTYPE html>` + page, "", ""},
		"xhtml":            {"application/xml", `<?xml version="1.0"?><!-- x --><html xmlns="http://www.w3.org/1999/xhtml"/>`, "", ""},
		"meta":             {"text/plain", `<meta http-equiv="refresh" content="0;url=/login">`, "", ""},
		"form":             {"text/plain", "Please sign in. <form method=post action=/login>", "", ""},
		"utf-16":           {"text/html; charset=utf-16", "\xff\xfe" + wide, "", ""},
		"utf-16, other":    {"text/plain", "\xfe\xff\x00" + wide[:len(wide)-1], "", ""},
		"utf-16, unmarked": {"text/html", wide, "", ""},
		"text before":      {"text/html", "Sign in required: " + page, "", ""},
		"text before, far": {"text/html", strings.Repeat("Sign in required. ", 3000) + page, "", ""},
		"refresh":          {"text/plain", "", "Refresh", "0; url=/login"},
		"deflate":          {"text/html", packed.String(), "Content-Encoding", "deflate"},
		"br":               {"text/plain", "ok", "Content-Encoding", "br"},
	}
	for name, conf := range everyKind(strings.TrimPrefix(srv.URL, "http://")) {
		ch, err := New(conf)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for disguise, a := range answers {
			now = a
			err := ch.Send(t.Context(), testCall, nil)
			if !errors.Is(err, ErrGiveUp) || !strings.Contains(err.Error(), "no receipt") ||
				strings.Contains(err.Error(), "geheim") {
				t.Errorf("%s, %s: got %v", name, disguise, err)
			}
		}
	}
}

// A server writes its own words beside the status. They are not repeated: they may move a terminal's cursor.
// Fails on e679f07: the error held them.
func TestAStatusIsNamedInOurWords(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // unread bytes would reset the connection
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 500 \x1b[2J\u202eall is well\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	}))
	defer srv.Close()
	for _, kind := range []string{"webhook", "slack", "alertmanager"} {
		ch, err := New(Config{Kind: kind, Secret: srv.URL})
		if err != nil {
			t.Fatal(err)
		}
		err = ch.Send(t.Context(), testCall, nil)
		if got := fmt.Sprint(err); got != "the other side answered 500 Internal Server Error" {
			t.Errorf("%s: got %q", kind, got)
		}
	}
}

// Each service's own receipt counts, and nothing that merely has the right status.
// Fails on 0005da9: any 200 counted as sent.
func TestOnlyTheReceiptThatAServiceDocumentsCounts(t *testing.T) {
	code, answer := http.StatusOK, ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, answer)
	}))
	defer srv.Close()
	for _, c := range []struct {
		kind   string
		code   int
		answer string
		want   string // a part of the error; "" for none
	}{
		{"slack", 200, "ok", ""},
		{"slack", 200, "", "did not answer ok"},
		{"slack", 200, `{"ok":false}`, "did not answer ok"},
		{"slack", 410, "channel_is_archived", "channel_is_archived"},
		{"slack", 400, "token geheim", "answered 400"},
		{"alertmanager", 200, "", ""},
		{"alertmanager", 200, `{"status":"success"}`, "as Alertmanager does"},
		{"alertmanager", 400, `"invalid label set"`, "answered 400"},
		{"webhook", 204, "", ""},
		{"webhook", 202, `{"queued":true}`, ""},
	} {
		code, answer = c.code, c.answer
		ch, err := New(Config{Kind: c.kind, Secret: srv.URL})
		if err != nil {
			t.Fatal(err)
		}
		err = ch.Send(t.Context(), testCall, nil)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || !errors.Is(err, ErrGiveUp) || strings.Contains(err.Error(), "geheim")) {
			t.Errorf("%s answers %d %q: got %v, want %q", c.kind, c.code, c.answer, err, c.want)
		}
	}
}

func TestARealAlertmanagerTakesACall(t *testing.T) {
	program, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		t.Skip("no prometheus-alertmanager on this machine")
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	conf := t.TempDir() + "/am.yml"
	write(t, conf, "route: {receiver: x}\nreceivers: [{name: x}]\n")
	cmd := exec.CommandContext(t.Context(), program, "--config.file="+conf, "--storage.path="+t.TempDir(), "--web.listen-address="+addr, "--cluster.listen-address=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	ch, err := New(Config{Kind: "alertmanager", URL: "http://" + addr})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; {
		if err = ch.Send(t.Context(), testCall, nil); err == nil || time.Now().After(end) {
			break
		}
		runtime.Gosched()
	}
	if err != nil {
		t.Error(err)
	}
}

// playSMTP answers as a mail server does: end is its answer to the end of the mail; after it, it hangs up.
func playSMTP(t *testing.T, end string) (port int) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			speakSMTP(c, end)
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

var lastMail atomic.Value // the text that a played server took last

func speakSMTP(c net.Conn, end string) {
	defer c.Close()
	in := bufio.NewScanner(c)
	say := func(s string) { _, _ = io.WriteString(c, s+"\r\n") }
	say("220 mx")
	var mail strings.Builder
	for inMail := false; in.Scan(); {
		switch line := in.Text(); {
		case inMail && line == ".":
			lastMail.Store(mail.String())
			if end != "" {
				say(end)
			}
			return
		case inMail:
			mail.WriteString(line + "\n")
		case line == "DATA":
			inMail = true
			say("354 go on")
		default:
			say("250 ok")
		}
	}
}

// A mail is sent when the server says 250 to its end: not before, and whatever becomes of the connection after it.
// Fails on 0005da9: a server that hangs up after its 250 made a failure of it, and the mail was sent five times. A mail
// refused for good was tried five times.
func TestAMailIsSentWithTheLast250(t *testing.T) {
	for end, want := range map[string]string{"250 queued": "sent", "554 spam": "given up", "451 later": "again", "": "again"} {
		ch, err := New(Config{Kind: "mail", Host: "127.0.0.1", Port: playSMTP(t, end), From: "a@acme.example", To: "b@acme.example", TLS: "none"})
		if err != nil {
			t.Fatal(err)
		}
		err = ch.Send(t.Context(), testCall, nil)
		got := "again"
		if err == nil {
			got = "sent"
		} else if errors.Is(err, ErrGiveUp) {
			got = "given up"
		}
		if got != want {
			t.Errorf("the server ends with %q: got %s (%v), want %s", end, got, err, want)
		}
	}
}

// zeros is an endless answer: lists in lists.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '['
	}
	return len(p), nil
}

// A server answers with 300 MB, plain and compressed, as a success and as an error. Little of it is read, and little
// memory taken.
func TestAnAnswerWithoutEndTakesLittleMemory(t *testing.T) {
	const size = 300 << 20
	var packed bytes.Buffer // 1 MiB; a reader goes on with the next one
	z := gzip.NewWriter(&packed)
	_, _ = io.CopyN(z, zeros{}, 1<<20)
	_ = z.Close()
	code := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(r.URL.Path, "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(code)
			for range size >> 20 {
				_, _ = w.Write(packed.Bytes())
			}
			return
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"choices":"geheim`)
		_, _ = io.CopyN(w, zeros{}, size)
	}))
	defer srv.Close()
	for _, path := range []string{"/plain", "/gzip"} {
		for _, code = range []int{200, 400, 500} {
			var err error
			for _, kind := range []string{"slack", "webhook", "alertmanager"} {
				ch, _ := New(Config{Kind: kind, Secret: srv.URL + path})
				if used := allocated(func() { err = ch.Send(t.Context(), testCall, nil) }); used > 16<<20 {
					t.Errorf("%s at %s answers %d without end: %d MiB, %v", kind, path, code, used>>20, err)
				}
			}
		}
	}
	srv.CloseClientConnections()
}

// allocated is how many bytes f allocates in all.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
