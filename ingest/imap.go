package ingest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"brandmelder/brand"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	_ "github.com/emersion/go-message/charset" // what e-mail is written in beside UTF-8
	"github.com/emersion/go-message/mail"
)

// imapFolder reads a folder of e-mail: newsletters, press clippings, alerts. It opens the folder for reading only, so nothing is marked as read.
type imapFolder struct {
	deps                   Deps
	addr, host             string
	secure                 bool // TLS from the first byte, else STARTTLS
	plain                  bool // none at all, on this machine
	account, pass, mailbox string
}

func newIMAP(c Config, d Deps) (Source, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "imaps" && u.Scheme != "imap" || u.User != nil {
		return nil, fmt.Errorf("url %q is not of the form imaps://host", c.URL)
	}
	if c.Account == "" || c.Token == "" {
		return nil, errors.New("account is missing, or its password_file")
	}
	f := &imapFolder{deps: d, host: u.Hostname(), secure: u.Scheme == "imaps", account: c.Account, pass: c.Token, mailbox: c.Folder}
	ip := net.ParseIP(f.host)
	f.plain = !f.secure && ip != nil && ip.IsLoopback()
	port := u.Port()
	if port == "" {
		port = map[bool]string{true: "993", false: "143"}[f.secure]
	}
	f.addr = net.JoinHostPort(f.host, port)
	if f.mailbox == "" {
		f.mailbox = "INBOX"
	}
	return f, nil
}

// imapCursor is the last message read of the folder. A new Validity says that the numbers begin anew (RFC 9051, section 2.3.1.1).
type imapCursor struct {
	Validity uint32   `json:"validity"`
	UID      imap.UID `json:"uid"`
}

const (
	imapBatch  = 50
	imapLimit  = 2 << 20         // bytes of a message that are looked at
	imapVisit  = 2 * time.Minute // the longest visit; the next goes on
	mailsFirst = 100             // messages of the first visit
)

func (f *imapFolder) Listen(ctx context.Context, cursor string, emit Emit) error {
	ctx, cancel := context.WithTimeout(ctx, imapVisit)
	defer cancel()
	conn, err := f.deps.Dial(ctx, "tcp", f.addr)
	if err != nil {
		return fmt.Errorf("reach %s: %w", f.host, err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // the library knows no context
	c, err := f.client(conn)
	if err != nil {
		_ = conn.Close()
		return fmt.Errorf("greet %s: %w", f.host, err)
	}
	defer func() { _ = c.Close() }() // the connection ends with it, whatever it says
	if err := c.Login(f.account, f.pass).Wait(); err != nil {
		var no *imap.Error
		if errors.As(err, &no) && no.Type == imap.StatusResponseTypeNo {
			return fmt.Errorf("%s refused the account %s (%s): %w", f.host, f.account, no.Code, ErrGiveUp)
		}
		return fmt.Errorf("log in to %s: %w", f.host, err)
	}
	box, err := c.Select(f.mailbox, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		return fmt.Errorf("open the folder %q: %w", f.mailbox, errors.Join(err, ErrGiveUp))
	}
	var cur imapCursor
	if json.Unmarshal([]byte(cursor), &cur) != nil || cur.Validity != box.UIDValidity {
		cur = imapCursor{Validity: box.UIDValidity}
		if box.UIDNext > mailsFirst {
			cur.UID = box.UIDNext - mailsFirst - 1
		}
	}
	return f.fetch(ctx, c, cur, emit)
}

func (f *imapFolder) client(conn net.Conn) (*imapclient.Client, error) {
	conf := &tls.Config{ServerName: f.host, MinVersion: tls.VersionTLS12}
	switch {
	case f.plain:
		return imapclient.New(conn, nil), nil
	case f.secure:
		return imapclient.New(tls.Client(conn, conf), nil), nil
	}
	return imapclient.NewStartTLS(conn, &imapclient.Options{TLSConfig: conf})
}

func (f *imapFolder) fetch(ctx context.Context, c *imapclient.Client, cur imapCursor, emit Emit) error {
	found, err := c.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{{imap.UIDRange{Start: cur.UID + 1, Stop: 0}}}}, nil).Wait()
	if err != nil {
		return fmt.Errorf("look for new messages in %q: %w", f.mailbox, err)
	}
	uids := found.AllUIDs()
	for len(uids) > 0 {
		n := min(len(uids), imapBatch)
		section := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: imapLimit}}
		got, err := c.Fetch(imap.UIDSetNum(uids[:n]...), &imap.FetchOptions{UID: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
		if err != nil {
			return fmt.Errorf("fetch messages of %q: %w", f.mailbox, err)
		}
		var b Batch
		for _, msg := range got {
			if msg.UID <= cur.UID {
				continue // n:* gives the last message, also where it is older
			}
			raw := msg.FindBodySection(section)
			m, err := mailMention(raw, msg.InternalDate)
			if err != nil {
				b.Bad = append(b.Bad, unread(raw, fmt.Errorf("read message %d of %q: %w", msg.UID, f.mailbox, err)))
				continue
			}
			b.Mentions = append(b.Mentions, m)
		}
		if last := uids[n-1]; last > cur.UID {
			cur.UID = last
		}
		uids = uids[n:]
		doc, _ := json.Marshal(cur) // cannot fail
		b.Cursor = string(doc)
		if err := emit(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// mailMention reads a message: its subject, and its text or else its HTML.
func mailMention(raw []byte, arrived time.Time) (brand.Mention, error) {
	m := brand.Mention{Source: "mail", Kind: brand.Article}
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if r == nil {
		return m, err // an unknown charset alone still gives a reader
	}
	m.Title, _ = r.Header.Subject() // what cannot be decoded stays as it came
	if from, err := r.Header.AddressList("From"); err == nil && len(from) > 0 {
		m.Author, m.AuthorName = from[0].Address, from[0].Name
	}
	if m.At, err = r.Header.Date(); err != nil || m.At.IsZero() || !arrived.IsZero() && m.At.After(arrived) {
		m.At = arrived
	}
	if id, err := r.Header.MessageID(); err == nil && id != "" {
		m.ID = "mail:" + id
	}
	rich := ""
	for {
		part, err := r.NextPart()
		if part == nil {
			if err != nil && !errors.Is(err, io.EOF) && m.Text+rich == "" {
				return m, err
			}
			break
		}
		head, ok := part.Header.(*mail.InlineHeader)
		if !ok {
			continue
		}
		body, _ := io.ReadAll(io.LimitReader(part.Body, imapLimit)) // a cut message says less
		switch kind, _, _ := head.ContentType(); {
		case kind == "text/html" && rich == "":
			rich = plain(string(body))
		case (kind == "text/plain" || kind == "") && m.Text == "":
			m.Text = string(body)
		}
	}
	if m.Text == "" {
		m.Text = rich
	}
	if m.Text == "" {
		m.Text = m.Title
	}
	return m, nil
}
