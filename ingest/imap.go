package ingest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"brandmelder/brand"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // encodings of e-mail beside UTF-8
	"github.com/emersion/go-message/mail"
)

// imapFolder reads a folder of e-mail: newsletters, press clippings, alerts. It opens the folder read-only, so no
// message is marked as read.
type imapFolder struct {
	deps                   Deps
	addr, host             string
	secure                 bool // TLS from the first byte, else STARTTLS
	plain                  bool // no TLS, on the same machine
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

// imapCursor is the last message read of the folder. A new Validity means that the numbers start again (RFC 9051,
// section 2.3.1.1).
type imapCursor struct {
	Validity uint32   `json:"validity"`
	UID      imap.UID `json:"uid"`
}

const (
	imapBatch  = 50
	imapLimit  = 2 << 20         // bytes of a message that are read
	imapVisit  = 2 * time.Minute // the longest visit; the next one continues
	firstMails = 100             // messages of the first visit
	maxMails   = 1000            // of a later one; the next one continues
	mailDepth  = 20              // nested parts
	mailParts  = 200             // parts of a message
	imapAnswer = 4 << 20         // bytes of one answer
)

func (f *imapFolder) Listen(ctx context.Context, cursor string, emit Emit) error {
	ctx, cancel := context.WithTimeout(ctx, imapVisit)
	defer cancel()
	conn, err := f.deps.Dial(ctx, "tcp", f.addr)
	if err != nil {
		return fmt.Errorf("reach %s: %w", f.host, err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // the library takes no context
	most := &boundedConn{Conn: conn}
	most.refill()
	c, err := f.client(most)
	if err != nil {
		_ = conn.Close()
		return fmt.Errorf("greet %s: %w", f.host, err)
	}
	defer func() { _ = c.Close() }() // the connection ends in any case
	if err := c.Login(f.account, f.pass).Wait(); err != nil {
		var no *imap.Error
		if errors.As(err, &no) && no.Type == imap.StatusResponseTypeNo {
			return fmt.Errorf("%s refused the account %s (%s): %w", f.host, f.account, no.Code, ErrGiveUp)
		}
		return fmt.Errorf("log in to %s: %w", f.host, err)
	}
	most.refill()
	box, err := c.Select(f.mailbox, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		return fmt.Errorf("open the folder %q: %w", f.mailbox, errors.Join(err, ErrGiveUp))
	}
	var cur imapCursor
	if json.Unmarshal([]byte(cursor), &cur) != nil || cur.Validity != box.UIDValidity || cur.UID >= highest(box.UIDNext) {
		cur = imapCursor{Validity: box.UIDValidity}
		if box.UIDNext > firstMails {
			cur.UID = box.UIDNext - firstMails - 1
		}
	}
	most.refill()
	fresh := imap.UIDSet{imap.UIDRange{Start: cur.UID + 1, Stop: 0}}
	found, err := c.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{fresh}}, nil).Wait()
	if err != nil {
		return fmt.Errorf("look for new messages in %q: %w", f.mailbox, err)
	}
	set, _ := found.All.(imap.UIDSet)
	uids := between(set, cur.UID, highest(box.UIDNext))
	for some := range slices.Chunk(uids, imapBatch) {
		if err := f.fetch(ctx, c, most, some, &cur, emit); err != nil {
			return err
		}
	}
	return nil
}

// highest returns the smallest UID that no message has yet. A server that names none gets the largest possible one.
func highest(next imap.UID) imap.UID {
	if next == 0 {
		return math.MaxUint32
	}
	return next
}

// between returns the UIDs of a set after `after` and before `next`, at most maxMails, in order. It leaves out UIDs
// that the folder cannot have: a cursor after one would skip all new messages. A set may stand for four billion UIDs.
func between(set imap.UIDSet, after, next imap.UID) (out []imap.UID) {
	for _, r := range set {
		first, last := max(min(r.Start, r.Stop), after+1), max(r.Start, r.Stop)
		if r.Start == 0 || r.Stop == 0 {
			continue // *, which is not allowed in an answer
		}
		for uid := first; uid <= last && uid < next && len(out) < maxMails; uid++ {
			out = append(out, uid)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// boundedConn reads at most imapAnswer bytes between two calls of refill, then fails with ErrTooLarge.
type boundedConn struct {
	net.Conn
	left atomic.Int64
}

func (c *boundedConn) refill() { c.left.Store(imapAnswer) }

func (c *boundedConn) Read(p []byte) (int, error) {
	left := c.left.Load()
	if left <= 0 {
		return 0, ErrTooLarge
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), left)])
	c.left.Add(-int64(n))
	return n, err
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

// fetch reads some messages and emits them.
func (f *imapFolder) fetch(
	ctx context.Context, c *imapclient.Client, most *boundedConn, uids []imap.UID, cur *imapCursor, emit Emit,
) error {
	section := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: imapLimit}}
	most.refill()
	cmd := c.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{
		UID: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{section},
	})
	var b Batch
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		most.refill()
		uid, arrived, raw := fetched(msg)
		if uid == 0 || raw == nil {
			continue
		}
		m, err := mailMention(raw, arrived)
		if err != nil {
			b.Bad = append(b.Bad, unreadable(raw, fmt.Errorf("read message %d of %q: %w", uid, f.mailbox, err)))
			continue
		}
		b.Mentions = append(b.Mentions, m)
	}
	if err := cmd.Close(); err != nil {
		return fmt.Errorf("fetch messages of %q: %w", f.mailbox, err)
	}
	cur.UID = max(cur.UID, uids[len(uids)-1])
	doc, _ := json.Marshal(cur) // cannot fail
	b.Cursor = string(doc)
	return emit(ctx, b)
}

// fetched returns the parts of an answer about a message, with at most imapLimit bytes of its text.
func fetched(msg *imapclient.FetchMessageData) (uid imap.UID, arrived time.Time, raw []byte) {
	for item := msg.Next(); item != nil; item = msg.Next() {
		switch it := item.(type) {
		case imapclient.FetchItemDataUID:
			uid = it.UID
		case imapclient.FetchItemDataInternalDate:
			arrived = it.Time
		case imapclient.FetchItemDataBodySection:
			if it.Literal != nil && raw == nil {
				raw, _ = io.ReadAll(io.LimitReader(it.Literal, imapLimit)) // the command returns the error
			}
		}
	}
	return uid, arrived, raw
}

// mailMention reads a message: its subject, and its text or else its HTML. It reads the first parts of a message that
// has more than mailParts, or is nested deeper than mailDepth.
func mailMention(raw []byte, arrived time.Time) (brand.Mention, error) {
	m := brand.Mention{Source: "mail", Kind: brand.Article}
	e, err := message.Read(bytes.NewReader(raw))
	if e == nil {
		return m, err // an unknown charset alone is no reason
	}
	head := mail.Header{Header: e.Header}
	m.Title, _ = head.Subject() // text that cannot be decoded stays as it is
	m.Title = truncate(m.Title, maxMailHeader)
	if from, err := head.AddressList("From"); err == nil && len(from) > 0 {
		m.Author, m.AuthorName = truncate(from[0].Address, maxMailHeader), truncate(from[0].Name, maxMailHeader)
	}
	if m.At, err = head.Date(); err != nil || m.At.Year() < oldestYear || !arrived.IsZero() && m.At.After(arrived) {
		m.At = arrived
	}
	if id, err := head.MessageID(); err == nil && id != "" {
		m.ID = "mail:" + truncate(id, maxMailHeader)
	}
	rich, seen := "", 0
	err = e.Walk(func(path []int, part *message.Entity, _ error) error {
		if seen++; part == nil || len(path) > mailDepth || seen > mailParts {
			return errEnough
		}
		kind, _, _ := part.Header.ContentType()
		disposition, _, _ := part.Header.ContentDisposition()
		if disposition == "attachment" || kind != "" && !strings.HasPrefix(kind, "text/") {
			return nil
		}
		switch {
		case kind == "text/html" && rich == "":
			rich = plain(partText(part))
		case (kind == "text/plain" || kind == "") && m.Text == "":
			m.Text = truncate(partText(part), brand.MaxText)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) && m.Text+rich == "" {
		return m, err
	}
	if m.Text == "" {
		m.Text = truncate(rich, brand.MaxText)
	}
	if m.Text == "" {
		m.Text = m.Title
	}
	return m, nil
}

// maxMailHeader is the bytes of a mail's header that are kept.
const maxMailHeader = 1000

func partText(part *message.Entity) string {
	body, _ := io.ReadAll(io.LimitReader(part.Body, maxMarkup)) // a truncated message is kept
	return string(body)
}
