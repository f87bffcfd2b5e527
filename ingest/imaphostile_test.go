package ingest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
)

// A message is nested without end, has parts or heads without end, or a date that cannot be: what is in front is read,
// in little memory.
//
// Fails on 0005da9: 20,000 parts inside one another take more than a minute; a date in the year 1 is kept, and the
// message is set aside.
func TestAHostileMessageIsReadAsFarAsItGoes(t *testing.T) {
	arrived := time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC)
	const head = "From: A <a@b.example>\r\nSubject: acme\r\nDate: Mon, 01 Jan 0001 00:00:00 +0000\r\n"
	text := "Content-Type: text/plain\r\n\r\nacme burns\r\n"
	var deep strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
		if i == 0 {
			deep.WriteString(text + "--b0\r\n")
		}
	}
	many := "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + text + strings.Repeat("--b\r\n\r\n\r\n", 150_000)
	for name, raw := range map[string]string{
		"deep": head + deep.String(), "many": head + many, "heads": head + strings.Repeat("X-A: b\r\n", 100_000) + text,
		"from":   "From: " + strings.Repeat("(", 500_000) + "\r\n" + head[len("From: A <a@b.example>\r\n"):] + text,
		"base64": head + "Content-Transfer-Encoding: base64\r\n" + "Content-Type: text/plain\r\n\r\n" + strings.Repeat("YWNtZSBidXJucyA=", 100_000),
	} {
		begun := time.Now()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := mailMention([]byte(raw), arrived)
		runtime.ReadMemStats(&after)
		if err != nil || !strings.HasPrefix(m.Text, "acme burns") || m.Title != "acme" || !m.At.Equal(arrived) {
			t.Errorf("%s: got %.80q at %s, %v", name, m.Text, m.At, err)
		}
		if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 100 || time.Since(begun) > 10*time.Second {
			t.Errorf("%s: it took %d MiB and %s", name, used, time.Since(begun))
		}
	}
}

// scripted is an IMAP server that answers each command with what answer returns for it.
func scripted(t *testing.T, answer func(tag, command string) string) Config {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "* OK [CAPABILITY IMAP4rev1 ESEARCH] hi\r\n")
			for lines := bufio.NewScanner(c); lines.Scan(); {
				tag, command, _ := strings.Cut(lines.Text(), " ")
				if _, err := fmt.Fprint(c, answer(tag, command)); err != nil {
					break
				}
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return Config{Kind: "imap", URL: "imap://" + l.Addr().String(), Account: "a", Token: "b", AllowPrivate: true}
}

// A server of mail names four billion messages, answers without end, or names numbers that its folder cannot have. The
// source goes on, and its cursor stays where messages can still come.
//
// Fails on 0005da9: the list of four billion numbers ends the process: "out of memory" beyond 10 GB; a literal of 200
// MB is kept; a UID of 4294967295 becomes the cursor.
func TestAHostileServerOfMailUsesUpNothing(t *testing.T) {
	mail := "Subject: acme\r\n\r\nacme burns"
	message := func(uid uint32, raw string, size int) string {
		return fmt.Sprintf("* 1 FETCH (UID %d INTERNALDATE \"14-Mar-2026 18:30:00 +0000\" BODY[]<0> {%d}\r\n%s)\r\n", uid, size, raw)
	}
	for name, c := range map[string]struct {
		search, fetch string
		mentions      int
		cursor        string
	}{
		"four billion": {"* ESEARCH (TAG %s) UID ALL 1:4294967295\r\n", message(7, mail, len(mail)), 1, `{"validity":1,"uid":9}`},
		"too high":     {"* SEARCH 7 4294967295 4000000000\r\n", message(7, mail, len(mail)), 1, `{"validity":1,"uid":7}`},
		"no end":       {"* SEARCH" + strings.Repeat(" 7", 10<<20) + "\r\n", "", 0, ""},
		"literal":      {"* SEARCH 7\r\n", message(7, strings.Repeat("a", 64<<20), 64<<20), 0, ""},
		"line":         {"* SEARCH 7\r\n", "* " + strings.Repeat("A", 64<<20), 0, ""},
	} {
		conf := scripted(t, func(tag, command string) string {
			answer := ""
			switch {
			case strings.HasPrefix(command, "SELECT"), strings.HasPrefix(command, "EXAMINE"):
				answer = "* 1 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 10] x\r\n"
			case strings.HasPrefix(command, "UID SEARCH"):
				answer = strings.Replace(c.search, "%s", `"`+tag+`"`, 1)
			case strings.HasPrefix(command, "UID FETCH"):
				answer = c.fetch
			case strings.HasPrefix(command, "CAPABILITY"):
				answer = "* CAPABILITY IMAP4rev1 ESEARCH\r\n"
			}
			return answer + tag + " OK done\r\n"
		})
		s, err := newIMAP(conf, Deps{Dial: NewDial(privateOf(conf)), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		mentions, cursor := 0, ""
		err = s.Listen(t.Context(), `{"validity":1,"uid":5}`, func(_ context.Context, b Batch) error {
			mentions, cursor = mentions+len(b.Mentions), b.Cursor
			return nil
		})
		runtime.ReadMemStats(&after)
		if mentions != c.mentions || cursor != c.cursor || (err == nil) != (c.mentions > 0) {
			t.Errorf("%s: got %d mentions, cursor %s, error %.100v; want %d and %s", name, mentions, cursor, err, c.mentions, c.cursor)
		}
		if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 300 {
			t.Errorf("%s: it took %d MiB", name, used)
		}
	}
}

func TestNumbersOfMailThatCannotBeAreLeftOut(t *testing.T) {
	set := imap.UIDSet{{Start: 3, Stop: 5}, {Start: 9, Stop: 0}, {Start: 8, Stop: 6}, {Start: 4_294_967_295, Stop: 4_294_967_295}}
	if got := fmt.Sprint(between(set, 4, 10)); got != "[5 6 7 8]" {
		t.Errorf("got %s", got)
	}
	if got := between(imap.UIDSet{{Start: 1, Stop: 4_294_967_295}}, 0, highest(0)); len(got) != maxMails || got[0] != 1 {
		t.Errorf("got %d numbers", len(got))
	}
}
