package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"brandmelder/brand"
)

// mapping maps the fields of other people's JSON or CSV to those of a mention.
type mapping struct {
	from  map[string]string // field of a mention to column or path, such as data.user.name; empty: equal names
	items string            // path of the list of items; "" is the whole document

	pushed bool // the items come by HTTP: some fields are not allowed
}

// mappable are the fields that may be mapped.
var mappable = []string{
	"id", "source", "at", "author", "author_name", "followers", "text", "title", "url", "lang", "kind",
	"in_reply_to", "likes", "reposts", "replies",
}

func newMapping(from map[string]string, items string) (mapping, error) {
	for field := range from {
		if !slices.Contains(mappable, field) {
			return mapping{}, fmt.Errorf("map: a mention has no field %q; it has %s", field, strings.Join(mappable, ", "))
		}
	}
	if len(from) > 0 && (from["text"] == "" || from["at"] == "") {
		return mapping{}, errors.New("map: text and at are needed: where the text and its time stand")
	}
	return mapping{from: from, items: items}, nil
}

// maxPushed is the number of items in one push. A larger push is refused as a whole.
const maxPushed = 10_000

var errManyItems = fmt.Errorf("the push has more than %d items; nothing of it was taken, send it in parts", maxPushed)

// document reads a push: one item, a list of items, or a list within the document. An error refuses the whole push.
// An item that cannot be read is Bad, with its position in the list, from 1.
func (m *mapping) document(body []byte) (b Batch, err error) {
	body = bytes.TrimPrefix(body, utf8BOM)
	var doc json.RawMessage
	if err := json.Unmarshal(body, &doc); err != nil {
		var wrong *json.SyntaxError
		if errors.As(err, &wrong) {
			return b, fmt.Errorf("the body is no JSON: byte %d: %w", wrong.Offset, err)
		}
		return b, fmt.Errorf("the body is no JSON: %w", err)
	}
	if m.items != "" {
		for key := range strings.SplitSeq(m.items, ".") {
			doc = member(doc, key)
		}
		if doc == nil || string(doc) == "null" {
			return b, fmt.Errorf("there is nothing at %s", m.items)
		}
	}
	n := 0
	err = eachItem(doc, func(raw json.RawMessage) error {
		if n++; n > maxPushed {
			return errManyItems
		}
		mention, err := m.item(raw)
		if err == nil && m.pushed {
			err = boundPushed(&mention)
		}
		if err != nil {
			b.Bad = append(b.Bad, Bad{badItem(raw), fmt.Errorf("item %d: %w", n, err)})
			return nil
		}
		b.Mentions = append(b.Mentions, mention)
		return nil
	})
	return b, err
}

// badItem is an item in a dead letter. A longer one keeps its length and hash, so that it differs from others.
func badItem(raw []byte) string {
	if len(raw) <= maxBadItem {
		return string(raw)
	}
	return fmt.Sprintf("%s… (%d bytes, %s)", raw[:maxBadItem], len(raw), brand.Hash(string(raw)))
}

var utf8BOM = []byte("\xef\xbb\xbf")

// member returns the value of an object's key, or nil. doc must be JSON. It copies only one value at a time, and
// reads at most the first maxPushed keys.
func member(doc json.RawMessage, key string) (found json.RawMessage) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for n := 0; n < maxPushed && dec.More(); n++ {
		name, err := dec.Token()
		if err != nil {
			return nil
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil
		}
		if name == key {
			found = value
		}
	}
	return found
}

// eachItem calls f with each item of a list, or with doc if it is not a list. doc must be JSON. An error of f ends
// it.
func eachItem(doc json.RawMessage, f func(json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(doc))
	if !bytes.HasPrefix(bytes.TrimLeft(doc, " \t\r\n"), []byte("[")) {
		return f(bytes.TrimSpace(doc))
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return err
		}
		if err := f(raw); err != nil {
			return err
		}
	}
	return nil
}

// item reads one mention from its JSON.
func (m *mapping) item(raw []byte) (brand.Mention, error) {
	if len(raw) > maxLine {
		return brand.Mention{}, errLongLine
	}
	if !utf8.Valid(raw) {
		return brand.Mention{}, fmt.Errorf("%w: it is not UTF-8, which JSON must be", brand.ErrBadMention)
	}
	if len(m.from) == 0 {
		return brand.DecodeMention(raw)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // IDs may have more digits than a float64
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return brand.Mention{}, fmt.Errorf("%w: %w", brand.ErrBadMention, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return brand.Mention{}, fmt.Errorf("%w: more than one JSON value on the line", brand.ErrBadMention)
	}
	return m.mention(func(path string) any { return at(doc, path) })
}

// mention makes a mention of the values at the mapped places. Times are RFC 3339 or seconds since 1970.
func (m *mapping) mention(value func(place string) any) (brand.Mention, error) {
	ours := map[string]any{}
	for field, place := range m.from {
		v := value(place)
		if v == nil || v == "" {
			continue
		}
		switch field {
		case "followers", "likes", "reposts", "replies":
			var n json.Number
			if json.Unmarshal(fmt.Append(nil, v), &n) == nil {
				if f, err := n.Float64(); err == nil {
					v = int64(min(max(f, 0), brand.MaxReach))
				}
			}
		case "at":
			var t anyTime
			if err := t.UnmarshalJSON(fmt.Append(nil, v)); err != nil || t.IsZero() {
				return brand.Mention{}, fmt.Errorf(
					"%w: %s: %.60q is not a time as in 2026-03-14T18:02:00Z (RFC 3339), nor seconds since 1970",
					brand.ErrBadMention, place, fmt.Sprint(v))
			}
			v = t.Time
		default:
			v = fmt.Sprint(v)
		}
		ours[field] = v
	}
	raw, err := json.Marshal(ours)
	if err != nil {
		return brand.Mention{}, err
	}
	return brand.DecodeMention(raw)
}

// at returns the value at a path such as data.user.name, or nil.
func at(doc any, path string) any {
	for _, key := range strings.Split(path, ".") {
		m, ok := doc.(map[string]any)
		if !ok {
			return nil
		}
		doc = m[key]
	}
	return doc
}
