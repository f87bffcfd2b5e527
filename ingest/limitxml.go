package ingest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mmcdole/gofeed"
)

// trimmed is a feed of which every part is within the limits.
type trimmed struct {
	doc   []byte // UTF-8, without a declaration; what is parsed
	items int    // items in it
	over  int    // items beyond maxItems, which were left out
	bad   []Bad  // parts that were removed
	err   error  // the document is broken after the items in doc
}

// trimXML removes the parts of a feed that exceed the limits, before a recursive parser reads it. It uses the decoder
// and the settings of gofeed, so that both see the same elements. It removes whole units: an item, or another child
// of the channel.
func trimXML(body []byte) trimmed {
	text := clearControls(utf8XML(body))
	s := &xmlScan{src: &tagReader{data: text}}
	s.begin()
	s.run()
	return s.result()
}

var errTag = &LimitError{"bytes in one tag", maxTag}

// tagReader gives the decoder single bytes, and at most maxTag of them for one tag.
type tagReader struct {
	prefix string // read before the data
	data   []byte
	at     int
	stop   int // 0: no tag is being read
}

// begin sets the offset at which a token begins.
func (r *tagReader) begin(offset int) {
	r.stop = 0
	if offset+1 < len(r.data) && r.data[offset] == '<' && !bytes.ContainsRune([]byte("!?"), rune(r.data[offset+1])) {
		r.stop = offset + maxTag
	}
}

func (r *tagReader) ReadByte() (byte, error) {
	if r.prefix != "" {
		b := r.prefix[0]
		r.prefix = r.prefix[1:]
		return b, nil
	}
	if r.stop > 0 && r.at >= r.stop {
		return 0, errTag
	}
	if r.at >= len(r.data) {
		return 0, io.EOF
	}
	r.at++
	return r.data[r.at-1], nil
}

// Read is required by the decoder, which uses ReadByte.
func (r *tagReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

// element is an open element.
type element struct {
	name       string // as written, with its prefix
	namespaces int    // that it declares
}

// unit is the part of a feed that is kept or removed as a whole.
type unit struct {
	start, depth, elements int
	item                   bool
	why                    *LimitError // nil if it is kept
}

type xmlScan struct {
	dec  *xml.Decoder
	base int // added to the decoder's offset
	src  *tagReader
	open []element
	in   *unit // nil between units

	root, end   int // offsets of the begin of the root and of the end
	elements    int
	namespaces  int
	items, over int
	cuts        [][2]int // removed ranges, in order
	why         []error  // why, for each of cuts
	resumed     int
	reported    bool // more than maxElements is reported already
	finished    bool
	err         error
}

// unwinding is the depth at which reading ends: the decoder keeps each open element in memory.
const unwinding = 10_000

// maxResumed is the number of broken items of a feed after which reading is resumed.
const maxResumed = 20

// begin makes a decoder for the rest of the source.
func (s *xmlScan) begin() {
	s.dec = xml.NewDecoder(s.src)
	s.dec.Strict = false
	s.dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it is UTF-8 already
}

// offset is the position in the document.
func (s *xmlScan) offset() int { return s.base + int(s.dec.InputOffset()) }

func (s *xmlScan) run() {
	for !s.finished {
		at := s.offset()
		s.src.begin(at)
		t, err := s.dec.Token()
		if err != nil {
			s.stop(at, len(s.open), err)
			continue
		}
		switch e := t.(type) {
		case xml.StartElement:
			s.start(e, at)
		case xml.EndElement:
			s.close(at)
		}
	}
}

// stop ends the scan: it cuts the document at an offset, at which so many of the outermost elements are open.
func (s *xmlScan) stop(at, open int, err error) {
	s.err, s.finished = err, true
	if errors.Is(err, io.EOF) && len(s.open) == 0 {
		s.err = errors.New("it has no element")
	}
	if s.in != nil {
		if s.in.item && s.in.why == nil {
			s.items--
		}
		at, open = s.in.start, s.in.depth-1
		if s.resume(err) {
			return
		}
	}
	s.open = s.open[:open]
	s.cut(at, len(s.src.data), err)
}

// resume begins again after the end tag of the unit that cannot be read. It returns false if there is none.
func (s *xmlScan) resume(err error) bool {
	outer, end := s.open[:s.in.depth-1], -1
	if s.resumed++; s.resumed <= maxResumed && len(s.open) >= s.in.depth {
		end = endTag(s.src.data, s.in.start, s.open[s.in.depth-1].name)
	}
	if end < 0 {
		return false
	}
	s.cut(s.in.start, end, err)
	s.elements -= s.in.elements
	prefix := ""
	s.namespaces = 0
	for _, e := range outer {
		prefix += "<" + e.name + ">"
		s.namespaces += e.namespaces
	}
	s.src = &tagReader{prefix: prefix, data: s.src.data, at: end}
	s.begin()
	for range outer {
		if _, err := s.dec.Token(); err != nil {
			return false
		}
	}
	s.base = end - int(s.dec.InputOffset())
	s.open, s.in, s.err, s.finished = outer, nil, nil, false
	return true
}

// endTag returns the offset after the next end tag of that name, or -1.
func endTag(text []byte, from int, name string) int {
	i := bytes.Index(text[from:], []byte("</"+name))
	if name == "" || i < 0 {
		return -1
	}
	j := bytes.IndexByte(text[from+i:], '>')
	if j < 0 {
		return -1
	}
	return from + i + j + 1
}

func (s *xmlScan) cut(from, to int, why error) {
	s.cuts, s.why = append(s.cuts, [2]int{from, to}), append(s.why, why)
}

func (s *xmlScan) start(e xml.StartElement, at int) {
	depth := len(s.open) + 1
	name := strings.ToLower(e.Name.Local)
	if depth == 1 {
		if s.root = at; name != "rss" && name != "rdf" && name != "feed" {
			s.stop(at, 0, gofeed.ErrFeedTypeNotDetected)
			return
		}
	}
	if s.in == nil && (depth == 2 && name != "channel" || depth == 3) {
		s.enter(&unit{start: at, depth: depth, item: name == "item" || name == "entry"})
	}
	declared := 0
	for _, a := range e.Attr {
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
			declared++
		}
	}
	s.open = append(s.open, element{nameAt(s.src.data[at:]), declared})
	s.namespaces += declared
	s.elements++
	if s.in != nil {
		s.in.elements++
	}
	switch {
	case depth > unwinding:
		s.stop(at, depth-1, &LimitError{"elements inside one another", maxDepth})
	case len(e.Attr) > maxAttributes:
		s.refuse(at, &LimitError{"attributes of one element", maxAttributes})
	case depth > maxDepth:
		s.refuse(at, &LimitError{"elements inside one another", maxDepth})
	case s.namespaces > maxNamespaces:
		s.refuse(at, &LimitError{"namespaces in one place", maxNamespaces})
	case s.elements > maxElements:
		s.refuse(at, errElements)
	case s.in != nil && s.in.elements > maxItemElements:
		s.refuse(at, &LimitError{"elements in one item", maxItemElements})
	}
}

// enter begins a unit.
func (s *xmlScan) enter(u *unit) {
	s.in = u
	if !u.item {
		return
	}
	if s.items == maxItems {
		s.over++
		u.why = errItems
		return
	}
	s.items++
}

// These two are reported once for a feed, not for each item.
var (
	errItems    = &LimitError{"items", maxItems}
	errElements = &LimitError{"elements in one feed", maxElements}
)

// nameAt returns the name, as written, of the tag that b begins with.
func nameAt(b []byte) string {
	b = bytes.TrimPrefix(bytes.TrimPrefix(b, []byte("<")), []byte("/"))
	if end := bytes.IndexAny(b[:min(len(b), maxTag)], " \t\r\n/>"); end >= 0 {
		return string(b[:end])
	}
	return ""
}

// refuse marks the unit for removal. Outside of a unit the document ends.
func (s *xmlScan) refuse(at int, why *LimitError) {
	switch {
	case s.in == nil:
		s.stop(at, len(s.open)-1, why)
	case s.in.why == nil:
		s.in.why = why
		if s.in.item {
			s.items--
			if why == errElements {
				s.over++
			}
		}
	}
}

func (s *xmlScan) close(at int) {
	last := s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	s.namespaces -= last.namespaces
	end := s.offset()
	if s.in != nil && len(s.open) < s.in.depth {
		if end-s.in.start > maxItemSize {
			s.refuse(at, &LimitError{"bytes in one item", maxItemSize})
		}
		if rest := s.src.data[at:]; bytes.HasPrefix(rest, []byte("</")) && nameAt(rest) != last.name {
			end = at // the end tag of an outer element closes it
		}
		if why := s.in.why; why != nil {
			s.elements -= s.in.elements
			s.cut(s.in.start, end, why)
		}
		s.in = nil
	}
	if len(s.open) == 0 {
		s.finished, s.end = true, end
	}
}

// result joins the parts that are kept.
func (s *xmlScan) result() trimmed {
	text := s.src.data
	out := trimmed{items: s.items, over: s.over, err: s.err}
	var doc bytes.Buffer
	from := s.root
	for i, c := range s.cuts {
		doc.Write(text[from:max(from, c[0])])
		from = max(from, c[1])
		why, reported := s.why[i], false
		if errors.Is(why, errElements) {
			reported, s.reported = s.reported, true
		}
		if !reported && !errors.Is(why, errItems) && (s.err == nil || !errors.Is(why, s.err)) && len(out.bad) < maxBadKept {
			out.bad = append(out.bad, unreadable(text[c[0]:min(c[1], c[0]+maxBadItem)], fmt.Errorf("read a part of the feed: %w", why)))
		}
	}
	if s.err == nil {
		doc.Write(text[from:max(from, s.end)])
	}
	for i := len(s.open) - 1; i >= 0; i-- {
		doc.WriteString("</" + s.open[i].name + ">")
	}
	if s.err == nil || s.items > 0 {
		out.doc = doc.Bytes()
	}
	return out
}
