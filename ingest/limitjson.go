package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// decode reads a JSON document from outside, if it is within the limits. encoding/json allows 10,000 levels and any
// number of values: a body can contain five million empty ones.
func decode(doc []byte, into any) error {
	if err := checkJSON(doc, maxValues); err != nil {
		return err
	}
	defer lockLarge(len(doc))()
	return json.Unmarshal(doc, into)
}

// checkJSON returns an error if the document has more than maxDepth levels or more than most values. It does not
// check the syntax.
func checkJSON(doc []byte, most int) error {
	s := jsonScan{doc: doc}
	for s.next() {
		if s.depth > maxDepth {
			return &LimitError{"values inside one another", maxDepth}
		}
		if s.values > most {
			return &LimitError{"values in one document", most}
		}
	}
	return nil
}

// jsonScan iterates over the structural characters of a JSON document.
type jsonScan struct {
	doc    []byte
	at     int  // after the mark
	mark   byte // { [ ] } : , or " for a whole string
	text   []byte
	depth  int
	values int // begun so far, at least
}

func (s *jsonScan) next() bool {
	for s.at < len(s.doc) {
		s.mark = s.doc[s.at]
		s.at++
		switch s.mark {
		case '{', '[':
			s.depth++
			s.values++
		case '}', ']':
			s.depth--
		case ',':
			s.values++
		case ':':
		case '"':
			s.text = s.str()
		default:
			continue
		}
		return true
	}
	return false
}

// str reads the rest of a string and returns the text between its quotation marks.
func (s *jsonScan) str() []byte {
	from := s.at
	for s.at < len(s.doc) {
		i := bytes.IndexAny(s.doc[s.at:min(len(s.doc), s.at+64)], `"\`)
		if i < 0 {
			s.at = min(len(s.doc), s.at+64)
			continue
		}
		s.at += i + 1
		if s.doc[s.at-1] == '"' {
			return s.doc[from : s.at-1]
		}
		s.at++ // the escaped character
	}
	s.at = len(s.doc)
	return s.doc[min(from, len(s.doc)):]
}

// trimJSON is trimXML for JSON Feed: it removes elements of the list of items.
func trimJSON(body []byte) trimmed {
	body = utf8Text(body)
	s := jsonScan{doc: body}
	var out trimmed
	var doc bytes.Buffer
	from, key := 0, ""
	for s.next() {
		switch {
		case s.mark == '"' && s.depth == 1:
			key = string(s.text[:min(len(s.text), 20)])
		case s.mark == '[' && s.depth == 2 && key == "items":
			doc.Write(body[from:s.at])
			items(&s, &doc, &out)
			from = s.at
		}
		if s.depth > maxDepth {
			return trimmed{err: &LimitError{"values inside one another", maxDepth}}
		}
		if s.values > maxValues {
			return trimmed{err: &LimitError{"values in one document", maxValues}}
		}
	}
	doc.Write(body[from:])
	out.doc = doc.Bytes()
	return out
}

// items copies the elements of the current list that are within the limits, up to its end.
func items(s *jsonScan, doc *bytes.Buffer, out *trimmed) {
	from, before, first := s.at, s.values, true
	var why *LimitError
	for s.next() {
		switch {
		case s.depth > maxDepth:
			why = &LimitError{"values inside one another", maxDepth}
		case s.values-before > maxItemElements:
			why = &LimitError{"values in one item", maxItemElements}
		case s.values > maxValues:
			why = &LimitError{"values in one document", maxValues}
		}
		ends := s.depth == 1
		if !ends && (s.mark != ',' || s.depth != 2) {
			continue
		}
		item := bytes.TrimSpace(s.doc[from:max(from, s.at-1)])
		if why == nil && len(item) > maxItemSize {
			why = &LimitError{"bytes in one item", maxItemSize}
		}
		switch {
		case len(item) == 0:
		case why != nil:
			out.bad = append(out.bad, unreadable(item, fmt.Errorf("read an item of the feed: %w", why)))
			s.values = before
		case out.items == maxItems:
			out.over++
			s.values = before
		default:
			if !first {
				doc.WriteByte(',')
			}
			doc.Write(item)
			first = false
			out.items++
		}
		if ends {
			doc.WriteByte(']')
			return
		}
		from, before, why = s.at, s.values, nil
		if len(out.bad) > maxItems {
			out.bad = out.bad[:maxItems]
		}
	}
	doc.WriteString("]}")
	out.err = io.ErrUnexpectedEOF
}
