package brand

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Kind says what sort of text a mention is.
type Kind string

// The kinds of a mention. An empty kind is read as a post.
const (
	Post    Kind = "post"
	Repost  Kind = "repost"
	Reply   Kind = "reply"
	Article Kind = "article"
	Review  Kind = "review"
	// Tally is no text, but how many posts of one topic a network counted in the minute of At; Topic and Count say of
	// what.
	Tally Kind = "tally"
)

// Standing is why somebody's word weighs more, or means something else.
type Standing string

// Whom the configuration knows.
const (
	Press        Standing = "press"
	PublicFigure Standing = "public"
	Employee     Standing = "employee"
)

// Mention is one text that somebody published. Only At and Text are required; ID is stable, so that hearing a mention
// twice is harmless. Its texts come from outside and are hostile: they are data, never markup, query or instruction.
type Mention struct {
	ID         string    `json:"id"`
	Source     string    `json:"source,omitempty"` // network or feed it was heard on: x, mastodon, feed, …
	At         time.Time `json:"at"`               // when it was published, not when it was heard
	Author     string    `json:"author,omitempty"`
	AuthorName string    `json:"author_name,omitempty"`
	Followers  int64     `json:"followers,omitempty"`
	Text       string    `json:"text"`
	Title      string    `json:"title,omitempty"`
	URL        string    `json:"url,omitempty"`
	Lang       string    `json:"lang,omitempty"` // ISO 639-1, empty when not known
	Kind       Kind      `json:"kind,omitempty"`
	InReplyTo  string    `json:"in_reply_to,omitempty"`
	Likes      int64     `json:"likes,omitempty"`
	Reposts    int64     `json:"reposts,omitempty"`
	Replies    int64     `json:"replies,omitempty"`

	Standing Standing `json:"standing,omitempty"` // of the author, where the configuration knows them

	Topic   string `json:"topic,omitempty"`   // of a tally
	Count   int64  `json:"count,omitempty"`   // of a tally: posts
	Counted bool   `json:"counted,omitempty"` // a tally counts this text: it tells how people speak, and adds no voice

	// Extra keeps the fields that this version does not know, as they came.
	Extra map[string]json.RawMessage `json:"extra,omitempty"`
}

// The limits of a mention. Texts and names are cut to their limit, and numbers put into their range; a mention beyond
// any other limit is a bad one, since cutting would change what it says.
const (
	MaxText  = 64 << 10       // bytes of the text
	MaxTitle = 1000           // bytes of the title
	MaxName  = 2000           // bytes of the ID, names and addresses, each
	MaxTopic = 200            // bytes of a tally's topic
	MaxLang  = 35             // bytes: the longest tag that RFC 5646, section 4.4.1 recommends to support
	MaxExtra = 16 << 10       // bytes of all unknown fields together, names and values
	MaxDepth = 32             // levels of lists and objects within an unknown field
	MaxCount = 10_000_000     // posts of a tally, and so of one minute
	MaxReach = 10_000_000_000 // followers, likes, reposts and replies, each: more than there are people
)

// ErrBadMention is wrapped by every error of DecodeMention and Normalise.
var ErrBadMention = errors.New("bad mention")

// DecodeMention reads one mention from a line of JSON and normalises it. Unknown fields are kept under Extra.
// The error names the field at fault.
func DecodeMention(line []byte) (Mention, error) {
	var m Mention
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	err := dec.Decode(&m)
	switch {
	case err == nil:
		if _, err := dec.Token(); err != io.EOF {
			return Mention{}, fmt.Errorf("%w: more than one JSON value on the line", ErrBadMention)
		}
	case strings.Contains(err.Error(), "unknown field"):
		if m, err = decodeWithExtra(line); err != nil {
			return Mention{}, err
		}
	default:
		return Mention{}, mentionError(err)
	}
	return m, m.Normalise()
}

func decodeWithExtra(line []byte) (Mention, error) {
	var m Mention
	if err := json.Unmarshal(line, &m); err != nil {
		return Mention{}, mentionError(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(line, &all); err != nil {
		return Mention{}, mentionError(err)
	}
	for k, v := range all {
		if known[strings.ToLower(k)] {
			continue
		}
		if m.Extra == nil {
			m.Extra = map[string]json.RawMessage{}
		}
		m.Extra[k] = v
	}
	return m, nil
}

var known = map[string]bool{
	"id": true, "source": true, "at": true, "author": true, "author_name": true, "followers": true, "text": true,
	"title": true, "url": true, "lang": true, "kind": true, "in_reply_to": true, "likes": true, "reposts": true,
	"replies": true, "extra": true, "topic": true, "count": true, "counted": true, "standing": true,
}

func mentionError(err error) error {
	const aTime = "a time as in 2026-03-14T18:02:00Z (RFC 3339)"
	var typ *json.UnmarshalTypeError
	var when *time.ParseError
	switch {
	case errors.As(err, &typ) && typ.Field == "":
		return fmt.Errorf("%w: got %s, want object", ErrBadMention, typ.Value)
	case errors.As(err, &typ):
		return fmt.Errorf("%w: field %q: got %s, want %s", ErrBadMention, typ.Field, typ.Value, jsonName(typ.Type.Kind()))
	case errors.As(err, &when):
		return fmt.Errorf("%w: field \"at\": %q is not %s", ErrBadMention, when.Value, aTime)
	case strings.HasPrefix(err.Error(), "Time.UnmarshalJSON"): // it has no type of its own
		return fmt.Errorf("%w: field \"at\": want %s", ErrBadMention, aTime)
	}
	return fmt.Errorf("%w: %w", ErrBadMention, err)
}

// jsonName is what JSON calls a value that a field of this kind takes.
func jsonName(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "number"
	case reflect.Map, reflect.Struct:
		return "object"
	}
	return "whole number"
}

// Normalise checks what is required, cuts what is too long, puts the time into UTC and gives a mention without an ID
// one: a hash of source, author, time and text.
func (m *Mention) Normalise() error {
	m.Text = clean(m.Text, MaxText)
	m.Title = clean(m.Title, MaxTitle)
	switch {
	case m.At.IsZero():
		return fmt.Errorf("%w: field \"at\" is missing", ErrBadMention)
	case m.At.Year() < 1990 || m.At.Year() > 2200:
		return fmt.Errorf("%w: field \"at\": the year %d cannot be", ErrBadMention, m.At.Year())
	case m.Kind == Tally && (m.Topic == "" || m.Count <= 0):
		return fmt.Errorf("%w: field \"count\": a tally needs a topic and a count above 0", ErrBadMention)
	case m.Kind == Tally && (len(m.Topic) > MaxTopic || m.Count > MaxCount):
		return fmt.Errorf("%w: field \"count\": a tally has at most %d posts, and a topic of at most %d bytes", ErrBadMention, MaxCount, MaxTopic)
	case m.Kind != Tally && strings.TrimSpace(m.Text) == "" && strings.TrimSpace(m.Title) == "":
		return fmt.Errorf("%w: field \"text\" is missing", ErrBadMention)
	case m.Kind != "" && m.Kind != Tally && !slices.Contains(kindsOfText, m.Kind):
		return fmt.Errorf("%w: field \"kind\": %.40q is not known; want post, repost, reply, article or review", ErrBadMention, m.Kind)
	}
	if err := m.checkExtra(); err != nil {
		return err
	}
	m.At = m.At.UTC()
	for _, id := range []*string{&m.ID, &m.InReplyTo} {
		if len(*id) > MaxName { // two long IDs with one beginning are two
			*id = Hash(*id)
		}
	}
	for _, s := range []*string{&m.ID, &m.Author, &m.AuthorName, &m.URL, &m.InReplyTo, &m.Source} {
		*s = clean(*s, MaxName)
	}
	for _, n := range []*int64{&m.Followers, &m.Likes, &m.Reposts, &m.Replies} {
		*n = min(max(*n, 0), MaxReach)
	}
	if m.Kind != Tally {
		m.Topic, m.Count = "", 0 // only a tally has them
	}
	if m.Lang = clean(m.Lang, MaxName); len(m.Lang) > MaxLang {
		m.Lang = "" // no language has such a name; it is detected from the text
	}
	if m.ID == "" {
		m.ID = Hash(m.Source, m.Author, m.At.Format(time.RFC3339Nano), m.Text)
	}
	if m.Kind == "" {
		m.Kind = Post
	}
	return nil
}

// Body is what the mention says: its title, if it has one, and its text.
func (m *Mention) Body() string {
	if m.Title == "" || strings.HasPrefix(m.Text, m.Title) {
		return m.Text
	}
	return m.Title + "\n" + m.Text
}

var kindsOfText = []Kind{Post, Repost, Reply, Article, Review}

// checkExtra refuses unknown fields that are too large or nested too deeply to be stored with the mention.
func (m *Mention) checkExtra() error {
	size := 0
	for name, value := range m.Extra {
		if size += len(name) + len(value); size > MaxExtra {
			return fmt.Errorf("%w: field \"extra\": the unknown fields have more than %d KiB together", ErrBadMention, MaxExtra>>10)
		}
		if Depth(value) > MaxDepth {
			return fmt.Errorf("%w: field %.40q is nested more than %d levels deep", ErrBadMention, name, MaxDepth)
		}
	}
	return nil
}

// clean makes a text from outside valid UTF-8 of at most limit bytes, without the control characters that no text
// needs.
func clean(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	s = strings.ToValidUTF8(s, "")
	if strings.IndexFunc(s, control) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if control(r) {
			return -1
		}
		return r
	}, s)
}

// control reports a C0 control character other than tab and line break, or DEL.
func control(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f }

// Hash is a short stable name made of the parts: 16 hexadecimal digits of their SHA-256.
func Hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
