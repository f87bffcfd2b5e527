package ingest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"brandmelder/brand"
)

// API is the source of mentions that are pushed to POST /api/v1/mentions.
const API = "api"

// MaxPushedTally is the largest count of a pushed tally: the number of mentions in one request. Several tallies may
// be sent.
const MaxPushedTally = 10_000

// maxClaim is the length in bytes of a claimed source that is kept.
const maxClaim = 100

// origin is the sender of mentions. It prepares everything that enters the stream of a running daemon.
//
// A network's own source makes the IDs of its mentions. A file, a webhook and the API receive IDs that others chose.
// Such an ID is valid within its origin only, so that nobody can use the ID of another source's mention first.
type origin struct {
	kind    string // of the source, or API; "" for a source that was removed from the configuration
	name    string // of the source, or API
	authors *Authors
}

func originOf(c Config, authors *Authors) *origin { return &origin{c.Kind, NameOf(c), authors} }

// pushed reports whether the mentions arrive by HTTP, possibly from strangers.
func (o *origin) pushed() bool { return o.kind == API || o.kind == "webhook" }

// foreign reports whether others choose the IDs and sources of its mentions.
func (o *origin) foreign() bool { return o.pushed() || o.kind == "file" || o.kind == "" }

// receive prepares a batch for the stream: it checks the mentions and sets their source, ID, standing and language.
// Refused mentions go to the batch's Bad. IDs in Gone are changed like those of mentions.
func (o *origin) receive(received time.Time, b *Batch) []brand.Mention {
	out := make([]brand.Mention, 0, len(b.Mentions))
	for _, m := range b.Mentions {
		if err := o.prepare(received, &m); err != nil {
			b.Bad = append(b.Bad, badMention(&m, err))
			continue
		}
		out = append(out, m)
	}
	setLanguages(out)
	b.Gone = slices.Clone(b.Gone)
	for i, id := range b.Gone {
		b.Gone[i] = o.id(id)
	}
	return out
}

// prepare makes one mention ready for the stream, except for its language. A mention without an ID gets one from its
// fields before its source and time are corrected: sent again, it is known. A time in the future becomes the time of
// receipt. Errors wrap brand.ErrBadMention.
func (o *origin) prepare(received time.Time, m *brand.Mention) error {
	if m.Source == "" && !o.foreign() {
		m.Source = o.name
	}
	if err := m.Normalise(); err != nil {
		return err
	}
	if o.pushed() {
		if err := boundPushed(m); err != nil {
			return err
		}
	}
	m.ID, m.InReplyTo = o.id(m.ID), o.id(m.InReplyTo)
	if o.foreign() && m.Source != o.name {
		keepClaim(m, m.Source)
		m.Source = o.name
	}
	if received = received.UTC().Truncate(time.Millisecond); m.At.After(received) {
		m.At = received
	}
	m.Standing = o.authors.Of(m)
	return nil
}

// boundPushed refuses or resets the fields that a pushed mention may not set.
func boundPushed(m *brand.Mention) error {
	m.Counted = false // else it could set the tone of posts that another source counted
	if m.Kind == brand.Tally && m.Count > MaxPushedTally {
		return fmt.Errorf("%w: field \"count\": a pushed tally has at most %d posts; send several",
			brand.ErrBadMention, MaxPushedTally)
	}
	return nil
}

// keepClaim keeps the source that a mention claimed as an unknown field, without effect.
func keepClaim(m *brand.Mention, claim string) {
	if claim == "" {
		return
	}
	doc, err := json.Marshal(strings.ToValidUTF8(claim[:min(len(claim), maxClaim)], ""))
	if err != nil {
		return // cannot happen
	}
	extra := map[string]json.RawMessage{"source": doc}
	for name, value := range m.Extra {
		extra[name] = value
	}
	with := *m
	if with.Extra = extra; with.Normalise() == nil { // within the limit for extra fields
		*m = with
	}
}

// idsOf are the prefixes of the IDs that the kinds of sources make. Mastodon and Lemmy share addresses: each knows
// posts of the other's instances.
var idsOf = map[string][]string{
	"appstore": {"appstore:"}, "bluesky": {"at://"}, "feed": {"feed:"}, "gdelt": {"article:"}, "hackernews": {"hn:"},
	"imap": {"mail:"}, "lemmy": {"http://", "https://"}, "mastodon": {"http://", "https://"}, "playstore": {"playstore:"},
	"reddit": {"reddit:"}, "telegram": {"telegram:", "https://t.me/"}, "x": {"x:"}, "youtube": {"youtube:"},
}

// id returns the ID on the stream for an ID of the origin; "" for "". Applied twice it gives the same.
func (o *origin) id(id string) string {
	if id == "" || !o.foreign() && !o.reserved(id) {
		return id
	}
	space := o.space()
	if strings.HasPrefix(id, space) {
		return id
	}
	if len(space)+len(id) > brand.MaxName {
		id = brand.Hash(id)
	}
	return space + id
}

// reserved reports whether the ID has a prefix of another kind of source, of a file or of a push. With such an ID a
// server could block or remove mentions of others.
func (o *origin) reserved(id string) bool {
	begins := func(space string) bool { return strings.HasPrefix(id, space) }
	if slices.ContainsFunc(idsOf[o.kind], begins) {
		return false
	}
	for _, spaces := range idsOf {
		if slices.ContainsFunc(spaces, begins) {
			return true
		}
	}
	return begins(API+":") || begins("hook ") || begins("file ") || begins("source ")
}

// space is the prefix of the IDs that belong to this origin alone, such as "api:" or "hook clippings:".
func (o *origin) space() string {
	name := strings.NewReplacer("%", "%25", ":", "%3A").Replace(o.name)
	switch o.kind {
	case API:
		return API + ":"
	case "webhook":
		return "hook " + name + ":"
	case "file":
		return "file " + name + ":"
	}
	return "source " + name + ":"
}
