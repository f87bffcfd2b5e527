package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"brandmelder/cmd/brandmelder/hostile"
)

// way is how an entry is sent to: a hostile load, and a right mention with a word.
type way struct {
	send   func(l hostile.Load) hostile.Outcome
	canary func(word string) error
}

func (f *fort) makeWays() map[hostile.Entry]way {
	ways := map[hostile.Entry]way{
		hostile.API:      {f.push, f.pushOne},
		hostile.APIList:  {f.push, f.pushOne},
		hostile.APILines: {f.push, f.pushOne},
		hostile.Web:      {f.dial, f.pushOne},
		hostile.WebSub:   {f.hub, f.hubOne},
		hostile.Hook:     {f.hook("hook"), f.hookOne("hook", "[%s]")},
		hostile.HookMap:  {f.hook("hookmap"), f.hookOne("hookmap", `{"data":{"items":[{"m":%s}]}}`)},
		hostile.File: {
			f.append("file", "in.jsonl"),
			f.appendOne("in.jsonl", func(id, at, text string) string { return mentionDoc(id, at, text) + "\n" }),
		},
		hostile.CSV: {f.append("csv", "in.csv"), f.appendOne("in.csv", func(id, at, text string) string {
			return id + "," + at + "," + text + ",folk,1\n"
		})},
		hostile.IMAP: {f.post, func(word string) error { return f.deliver(hostile.Letter(time.Now(), canaryText(word))) }},
	}
	for _, e := range []hostile.Entry{
		hostile.RSS, hostile.Atom, hostile.JSONFeed,
		hostile.Page, hostile.Mastodon, hostile.Lemmy,
	} {
		ways[e] = way{f.visit(e), f.publish(e)}
	}
	return ways
}

var canaries atomic.Int64

func canaryID() string { return fmt.Sprintf("canary-%d-%d", time.Now().UnixNano(), canaries.Add(1)) }

func canaryText(word string) string {
	return fmt.Sprintf("A right mention of %s, number %d", word, canaries.Add(1))
}

func nowText() string { return time.Now().UTC().Format(time.RFC3339) }

func mentionDoc(id, at, text string) string {
	doc, _ := json.Marshal(map[string]string{"id": id, "at": at, "text": text}) // cannot fail
	return string(doc)
}

// slowBody sends a body in its pieces.
func slowBody(l hostile.Load) io.Reader {
	if l.Pace == 0 {
		return bytes.NewReader(l.Body)
	}
	r, w := io.Pipe()
	go func() {
		for _, p := range l.Pieces() {
			if _, err := w.Write(p); err != nil {
				return
			}
			time.Sleep(l.Pace)
		}
		_ = w.Close() // a pipe's never fails
	}()
	return r
}

// pushed reads the answer to a push: to the API, or to a web hook of an older version, which answers with a
// sentence.
func pushed(status int, text string, err error) hostile.Outcome {
	out := hostile.Outcome{Answer: hostile.Answer(fmt.Sprint(status, " ", text))}
	if err != nil {
		out.Refused, out.Answer = true, hostile.Answer("closed: "+err.Error())
		return out
	}
	var doc struct {
		Taken, Known int
		Errors       []json.RawMessage
		LeftOut      int `json:"errors_left_out"`
	}
	if json.Unmarshal([]byte(text), &doc) == nil {
		out.Taken, out.Bad = doc.Taken+doc.Known, len(doc.Errors)+doc.LeftOut
	} else {
		_, _ = fmt.Sscanf(text, "%d mentions, %d could not be read", &out.Taken, &out.Bad) // else it is an error's text
	}
	out.Refused = status >= http.StatusBadRequest && out.Taken == 0
	if len(text) > 1<<20 {
		out.Bad, out.Answer = 0, fmt.Sprintf("%d, an answer of %d MiB", status, len(text)>>20)
	}
	return out
}

func (f *fort) push(l hostile.Load) hostile.Outcome {
	return pushed(f.ask(http.MethodPost, "/api/v1/mentions", l.Header, slowBody(l)))
}

// pushOne pushes one right mention to the API.
func (f *fort) pushOne(word string) error {
	body := mentionDoc(canaryID(), nowText(), canaryText(word))
	return accepted(f.ask(http.MethodPost, "/api/v1/mentions",
		map[string]string{"Content-Type": "application/json"}, strings.NewReader(body)))
}

func accepted(status int, text string, err error) error {
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("%d %s", status, hostile.Answer(text))
	}
	return err
}

func (f *fort) hook(name string) func(hostile.Load) hostile.Outcome {
	return func(l hostile.Load) hostile.Outcome {
		head := map[string]string{"X-Hub-Signature-256": sign(fortSecret, l.Body)}
		for k, v := range l.Header {
			head[k] = v
		}
		return pushed(f.call(name, head, func() io.Reader { return slowBody(l) }))
	}
}

func (f *fort) hookOne(name, form string) func(string) error {
	return func(word string) error {
		body := fmt.Sprintf(form, mentionDoc(canaryID(), nowText(), canaryText(word)))
		head := map[string]string{"X-Hub-Signature-256": sign(fortSecret, []byte(body))}
		return accepted(f.call(name, head, func() io.Reader { return strings.NewReader(body) }))
	}
}

// call pushes to a web hook, and again where the answer says that its lease is on its way between two visits.
func (f *fort) call(name string, head map[string]string, body func() io.Reader) (status int, text string, err error) {
	for range 20 {
		status, text, err = f.ask(http.MethodPost, "/hooks/"+name, head, body())
		if err != nil || status != http.StatusServiceUnavailable {
			break
		}
		time.Sleep(250 * time.Millisecond)
	}
	return status, text, err
}

// became turns what a source says to have done into an outcome.
func (f *fort) became(source string, before fates, logged int64, note string) hostile.Outcome {
	now := f.fates(source)
	out := hostile.Outcome{Taken: now.taken - before.taken, Bad: now.bad - before.bad, Note: note}
	out.Answer = fmt.Sprintf("%d taken, %d bad", out.Taken, out.Bad)
	if now.errors > before.errors {
		problem, _ := f.status(f.t.Context(), source)
		out.Failed = problem != "" || f.logged(logged, source)
		out.Refused = out.Taken == 0 && out.Failed
		out.Answer += "; failed: " + problem
	}
	if note != "" {
		out.Answer += "; note: " + note
	}
	out.Answer = hostile.Answer(out.Answer)
	return out
}

// sourceSlow is how long a source may need for one visit before the harness goes on.
const sourceSlow = 45 * time.Second

// visit gives the load to the source's next visit.
func (f *fort) visit(e hostile.Entry) func(hostile.Load) hostile.Outcome {
	return func(l hostile.Load) (out hostile.Outcome) {
		var before fates
		logged, p := f.logSize(), f.peers[e]
		if e == hostile.Page {
			p.Add(hostile.Docs[e].Item(p.URL+"/page", canaryID(), nowText(), "A page of "+hostileWord(e)+" "+canaryID()))
		}
		came := p.Once(l, e == hostile.Page, sourceSlow, func() { before = f.fates(string(e)) }, func() {
			_, note := f.status(f.t.Context(), string(e))
			out = f.became(string(e), before, logged, note)
		})
		if !came {
			out.Answer += "; nobody came again in " + sourceSlow.String()
		}
		return out
	}
}

func (f *fort) publish(e hostile.Entry) func(string) error {
	return func(word string) error {
		f.peers[e].Add(hostile.Docs[e].Item("", canaryID(), nowText(), canaryText(word)))
		return nil
	}
}

// settled waits until a source that is read by the clock was visited after now.
func (f *fort) settled(source string, before fates) {
	since := int(time.Now().Unix()) + 1
	for end := time.Now().Add(sourceSlow); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if now := f.fates(source); now.ok > since || now.errors > before.errors {
			return
		}
	}
}

func (f *fort) append(source, name string) func(hostile.Load) hostile.Outcome {
	return func(l hostile.Load) hostile.Outcome {
		before, logged := f.fates(source), f.logSize()
		if err := f.add(name, l.Pieces(), l.Pace); err != nil {
			return hostile.Outcome{Answer: err.Error()}
		}
		f.settled(source, before)
		_, note := f.status(f.t.Context(), source)
		return f.became(source, before, logged, note)
	}
}

func (f *fort) appendOne(name string, line func(id, at, text string) string) func(string) error {
	return func(word string) error {
		return f.add(name, [][]byte{[]byte(line(canaryID(), nowText(), strings.ReplaceAll(canaryText(word), ",", "")))}, 0)
	}
}

// post delivers an e-mail.
func (f *fort) post(l hostile.Load) hostile.Outcome {
	before, logged := f.fates("imap"), f.logSize()
	if err := f.deliver(l.Body); err != nil {
		return hostile.Outcome{Refused: true, Answer: "the mail server refused it: " + err.Error()}
	}
	f.settled("imap", before)
	return f.became("imap", before, logged, "")
}

// hub speaks as the feed's hub.
func (f *fort) hub(l hostile.Load) hostile.Outcome {
	path, secret := f.hubPath()
	if l.Header["method"] == http.MethodGet {
		query := l.Header["query"]
		if l.Harmless {
			query += "&hub.topic=" + url.QueryEscape(f.peers[hostile.WebSub].URL+"/feed")
		}
		return pushed(f.ask(http.MethodGet, path+"&"+query, nil, nil))
	}
	head := map[string]string{}
	switch s := l.Header["sign"]; s {
	case "right":
		head["X-Hub-Signature"] = sign(secret, l.Body)
	default:
		head["X-Hub-Signature"] = s
	}
	if enc := l.Header["Content-Encoding"]; enc != "" {
		head["Content-Encoding"] = enc
	}
	return pushed(f.ask(http.MethodPost, path, head, slowBody(l)))
}

// hubPath is the callback's path and query, and its secret.
func (f *fort) hubPath() (path, secret string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.TrimPrefix(f.callback, "https://brandmelder.test"), f.secret
}

// hubOne publishes an item, which only the hub's push brings.
func (f *fort) hubOne(word string) error {
	path, secret := f.hubPath()
	if err := f.publish(hostile.WebSub)(word); err != nil {
		return err
	}
	head := map[string]string{"X-Hub-Signature": sign(secret, []byte("news"))}
	return accepted(f.ask(http.MethodPost, path, head, strings.NewReader("news")))
}

// dialPatience is how long a connection is held open: longer than the pages wait for a request.
const dialPatience = 35 * time.Second

// stranger is the address that hostile connections come from: guesses of passwords are limited by address.
var stranger = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}

// dial writes the load to connections of the pages, and says what the worst of them was answered.
func (f *fort) dial(l hostile.Load) hostile.Outcome {
	answers := make([]hostile.Outcome, max(1, l.Times))
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = f.dialOnce(l) })
	}
	wg.Wait()
	for _, a := range answers {
		if !a.Refused {
			return a
		}
	}
	return answers[0]
}

func (f *fort) dialOnce(l hostile.Load) hostile.Outcome {
	d := net.Dialer{Timeout: 5 * time.Second, LocalAddr: stranger}
	c, err := d.DialContext(f.t.Context(), "tcp", f.addr)
	if err != nil {
		return hostile.Outcome{Refused: true, Answer: hostile.Answer(err.Error())}
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(dialPatience)) // else it is open, and the read fails
	for _, p := range l.Pieces() {
		if _, err := c.Write(p); err != nil {
			break // it was closed; what it said before can be read
		}
		time.Sleep(l.Pace)
	}
	text, err := io.ReadAll(io.LimitReader(c, 1<<20))
	var late net.Error
	if errors.As(err, &late) && late.Timeout() && len(text) == 0 {
		return hostile.Outcome{Answer: "left open for " + dialPatience.String()}
	}
	line, _, _ := strings.Cut(string(text), "\r\n")
	status := 0
	if parts := strings.Fields(line); len(parts) > 1 {
		status, _ = strconv.Atoi(parts[1]) // 0 is no status
	}
	return hostile.Outcome{
		Refused: status == 0 || status >= http.StatusBadRequest,
		Answer:  hostile.Answer("answered " + line),
	}
}
