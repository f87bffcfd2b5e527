package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"brandmelder/brand"
)

// mapping says where somebody else's JSON or CSV has the fields of a mention.
type mapping struct {
	from  map[string]string // field of a mention, to a column or a path such as data.user.name; empty: they are called as ours
	items string            // path of the list of items; "" is the whole document
}

// mappable are the fields that may be mapped.
var mappable = []string{"id", "source", "at", "author", "author_name", "followers", "text", "title", "url", "lang", "kind", "in_reply_to", "likes", "reposts", "replies"}

func newMapping(from map[string]string, items string) (mapping, error) {
	for field := range from {
		if !slices.Contains(mappable, field) {
			return mapping{}, fmt.Errorf("map: a mention has no field %q; it has %s", field, strings.Join(mappable, ", "))
		}
	}
	if len(from) > 0 && (from["text"] == "" || from["at"] == "") {
		return mapping{}, errors.New("map: text and at are needed: where the text and its time stand")
	}
	return mapping{from, items}, nil
}

// document reads a whole push: one item, a list of them, or a list somewhere inside. The error is one of the whole; an item that cannot be read is Bad.
func (m *mapping) document(body []byte) (b Batch, err error) {
	var doc any
	if err := json.Unmarshal(body, &doc); err != nil {
		return b, fmt.Errorf("the body is no JSON: %w", err)
	}
	if m.items != "" {
		doc = at(doc, m.items)
		if doc == nil {
			return b, fmt.Errorf("there is nothing at %s", m.items)
		}
	}
	items, many := doc.([]any)
	if !many {
		items = []any{doc}
	}
	for _, it := range items {
		mention, err := m.item(it)
		if err != nil {
			raw, _ := json.Marshal(it) // it was JSON
			b.Bad = append(b.Bad, Bad{string(raw[:min(len(raw), 2000)]), err})
			continue
		}
		b.Mentions = append(b.Mentions, mention)
	}
	return b, nil
}

// item reads one mention out of a decoded JSON value.
func (m *mapping) item(doc any) (brand.Mention, error) {
	if len(m.from) == 0 {
		raw, err := json.Marshal(doc)
		if err != nil {
			return brand.Mention{}, err
		}
		return brand.DecodeMention(raw)
	}
	return m.mention(func(path string) any { return at(doc, path) })
}

// mention fills a mention from what value gives for each mapped place. Times are RFC 3339 or seconds since 1970.
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
					v = int64(f)
				}
			}
		case "at":
			var t anyTime
			if err := t.UnmarshalJSON(fmt.Append(nil, v)); err != nil || t.IsZero() {
				return brand.Mention{}, fmt.Errorf("%w: %s: %q is not a time as in 2026-03-14T18:02:00Z (RFC 3339), nor seconds since 1970", brand.ErrBadMention, place, fmt.Sprint(v))
			}
			v = t.Time
		default:
			v = text(v)
		}
		ours[field] = v
	}
	raw, err := json.Marshal(ours)
	if err != nil {
		return brand.Mention{}, err
	}
	return brand.DecodeMention(raw)
}

// text writes a value as people would: whole numbers without an exponent.
func text(v any) string {
	if f, ok := v.(float64); ok {
		raw, _ := json.Marshal(f) // cannot fail for what JSON gave
		return string(raw)
	}
	return fmt.Sprint(v)
}

// at is the value at a path such as data.user.name; nil where there is none.
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
