package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// mailbox is a real IMAP server with one folder, and the source that reads it.
func mailbox(t *testing.T) (*imapmemserver.User, Config) {
	t.Helper()
	user := imapmemserver.NewUser("press", "geheim")
	if err := user.Create("Clippings", nil); err != nil {
		t.Fatal(err)
	}
	mem := imapmemserver.New()
	mem.AddUser(user)
	srv := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return mem.NewSession(), nil, nil
		},
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}}, InsecureAuth: true,
	})
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return user, Config{Kind: "imap", URL: "imap://" + l.Addr().String(), Account: "press", Token: "geheim", Folder: "Clippings"}
}

func deliver(t *testing.T, u *imapmemserver.User, head, body string) {
	t.Helper()
	raw := strings.ReplaceAll(head+"\n\n"+body, "\n", "\r\n")
	if _, err := u.Append("Clippings", literal{bytes.NewReader([]byte(raw))}, &imap.AppendOptions{Time: time.Date(2026, 3, 14, 18, 30, 0, 0, time.UTC)}); err != nil {
		t.Fatal(err)
	}
}

type literal struct{ *bytes.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

func TestAFolderOfMailIsReadOnce(t *testing.T) {
	user, c := mailbox(t)
	deliver(t, user, "From: =?ISO-8859-1?Q?Pressespiegel_M=FCller?= <clip@press.example>\nSubject: =?UTF-8?B?w4RyZ2VyIHVtIEFjbWU=?=\nDate: Sat, 14 Mar 2026 19:00:00 +0100\nMessage-Id: <1@press.example>\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable", "Acme ruft Kaffee zur=FCck.")
	deliver(t, user, "From: news@letter.example\nSubject: Letter\nDate: Sat, 14 Mar 2030 19:00:00 +0100\nContent-Type: multipart/alternative; boundary=b", "--b\nContent-Type: text/html; charset=utf-8\n\n<p>Acme <b>again</b> &amp; again</p>\n--b--\n")
	deliver(t, user, "Subject: no body", "")
	s := source(t, c)
	ms, bad, cursor, err := listenOnce(t, s, "")
	if err != nil || len(bad) != 0 || len(ms) != 3 {
		t.Fatalf("got %+v, %v, %v", ms, bad, err)
	}
	want := brand.Mention{
		ID: "mail:1@press.example", Source: "mail", At: time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC), Author: "clip@press.example", AuthorName: "Pressespiegel Müller",
		Title: "Ärger um Acme", Text: "Acme ruft Kaffee zurück.", Kind: brand.Article,
	}
	if m := ms[0]; m.ID != want.ID || !m.At.Equal(want.At) || m.Title != want.Title || strings.TrimSpace(m.Text) != want.Text || m.AuthorName != want.AuthorName {
		t.Errorf("got %+v\nwant %+v", m, want)
	}
	if ms[1].Text != "Acme again & again" || ms[1].At.Year() != 2026 {
		t.Errorf("a mail of HTML from the future: got %+v", ms[1])
	}
	if ms, _, _, err := listenOnce(t, s, cursor); err != nil || len(ms) != 0 {
		t.Errorf("nothing new: got %+v, %v", ms, err)
	}
	for i := range 120 {
		deliver(t, user, fmt.Sprintf("From: a@b.example\nSubject: s%d\nDate: Sat, 14 Mar 2026 18:30:00 +0000", i), "text")
	}
	// Cut in the middle, then again: none is lost.
	cut, n, last := errors.New("cut"), 0, cursor
	err = s.Listen(t.Context(), cursor, func(_ context.Context, b Batch) error {
		if n > 0 {
			return cut
		}
		n, last = n+len(b.Mentions), b.Cursor
		return nil
	})
	if !errors.Is(err, cut) {
		t.Fatalf("got %v", err)
	}
	rest, _, _, err := listenOnce(t, s, last)
	if err != nil || n+len(rest) != 120 {
		t.Errorf("heard %d and %d of 120, %v", n, len(rest), err)
	}
}

func TestAMailboxThatRefusesIsForAPerson(t *testing.T) {
	_, c := mailbox(t)
	c.Token = "falsch"
	if _, _, _, err := listenOnce(t, source(t, c), ""); !errors.Is(err, ErrGiveUp) || strings.Contains(err.Error(), "falsch") {
		t.Errorf("got %v", err)
	}
	c.Token, c.Folder = "geheim", "Nowhere"
	if _, _, _, err := listenOnce(t, source(t, c), ""); !errors.Is(err, ErrGiveUp) {
		t.Errorf("got %v", err)
	}
}
