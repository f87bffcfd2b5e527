package query

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error says where a query is wrong and what was expected there.
type Error struct {
	Column int // in characters, from 1
	Got    string
	Want   string
}

func (e *Error) Error() string {
	return fmt.Sprintf("query column %d: got %s, want %s", e.Column, e.Got, e.Want)
}

// Query is one parsed query. It does not change.
type Query struct {
	text string
	root *node
}

func (q *Query) String() string { return q.text }

type op int

const (
	opAnd op = iota
	opOr
	opNot
	opWord // exact, prefix or fragment
	opPhrase
	opNear
	opLang
	opSource
	opAuthor
	opSite
	opFollowers
	opIs
)

type shape byte

const (
	exact shape = iota
	prefix
	fragment
)

// node is one part of a query. Which fields count depends on op.
type node struct {
	op    op
	kids  []*node
	shape shape
	raw   string   // opWord: as written; fields: the folded value
	forms []string // opWord: folded spellings
	sigil byte     // opWord: '#' or '@', if asked for
	n     int64    // opNear: words between at most; opFollowers: the number
	cmp   string   // opFollowers: < <= = >= >
	ids   []int32  // opWord: set by Compile
}

// maxDepth and maxNodes bound what one query may ask for.
const (
	maxDepth = 50
	maxNodes = 2000
)

// Parse reads a query. The error is an *Error.
func Parse(text string) (*Query, error) {
	p := &parser{text: text}
	p.next()
	if p.tok.kind == tokEnd {
		return nil, p.want("a word, a \"phrase\", #tag, @name or a field like lang:de")
	}
	root, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.want("the end, AND, OR or another term")
	}
	return &Query{text: text, root: root}, nil
}

type tokenKind int

const (
	tokEnd tokenKind = iota
	tokOpen
	tokClose
	tokAnd
	tokOr
	tokNot
	tokNear
	tokWord
	tokPhrase
	tokBad
)

type token struct {
	kind tokenKind
	text string
	at   int // byte offset
	n    int64
}

type parser struct {
	text  string
	pos   int
	tok   token
	nodes int
}

func (p *parser) want(what string) *Error { return p.wantAt(p.tok.at, p.tok, what) }

func (p *parser) wantAt(at int, t token, what string) *Error {
	got := strconv.Quote(t.text)
	if t.kind == tokEnd {
		got = "the end"
	}
	return &Error{Column: utf8.RuneCountInString(p.text[:at]) + 1, Got: got, Want: what}
}

func (p *parser) next() {
	for p.pos < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.pos:])
		if !unicode.IsSpace(r) {
			break
		}
		p.pos += size
	}
	at := p.pos
	if at >= len(p.text) {
		p.tok = token{kind: tokEnd, at: at}
		return
	}
	switch c := p.text[at]; c {
	case '(', ')':
		p.pos++
		kind := tokOpen
		if c == ')' {
			kind = tokClose
		}
		p.tok = token{kind: kind, text: string(c), at: at}
		return
	case '-':
		if at+1 < len(p.text) && !strings.ContainsRune(" \t\n)", rune(p.text[at+1])) {
			p.pos++
			p.tok = token{kind: tokNot, text: "-", at: at}
			return
		}
	case '"':
		end := strings.IndexByte(p.text[at+1:], '"')
		if end < 0 {
			p.pos = len(p.text)
			p.tok = token{kind: tokBad, text: p.text[at:], at: at}
			return
		}
		p.pos = at + end + 2
		p.tok = token{kind: tokPhrase, text: p.text[at+1 : at+1+end], at: at}
		return
	}
	p.tok = p.bare(at)
}

// bare reads up to the next blank or bracket: an operator or a word.
func (p *parser) bare(at int) token {
	end := at
	for end < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[end:])
		if unicode.IsSpace(r) || r == '(' || r == ')' || r == '"' {
			break
		}
		end += size
	}
	p.pos = end
	t := token{kind: tokWord, text: p.text[at:end], at: at}
	switch t.text {
	case "AND", "UND":
		t.kind = tokAnd
	case "OR", "ODER":
		t.kind = tokOr
	case "NOT", "NICHT":
		t.kind = tokNot
	default:
		if rest, ok := strings.CutPrefix(t.text, "NEAR"); ok && (rest == "" || rest[0] == '/') {
			t.kind, t.n = tokNear, 5
			if rest != "" {
				n, err := strconv.ParseInt(rest[1:], 10, 32)
				if err != nil || n < 1 || n > 100 {
					t.kind = tokBad
				}
				t.n = n
			}
		}
	}
	return t
}

func (p *parser) or(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, p.want(fmt.Sprintf("at most %d brackets in one another", maxDepth))
	}
	first, err := p.and(depth)
	if err != nil {
		return nil, err
	}
	kids := []*node{first}
	for p.tok.kind == tokOr {
		p.next()
		kid, err := p.and(depth)
		if err != nil {
			return nil, err
		}
		kids = append(kids, kid)
	}
	return join(opOr, kids), nil
}

func (p *parser) and(depth int) (*node, error) {
	first, err := p.not(depth)
	if err != nil {
		return nil, err
	}
	kids := []*node{first}
	for {
		switch p.tok.kind {
		case tokAnd:
			p.next()
		case tokWord, tokPhrase, tokOpen, tokNot, tokBad, tokNear:
		default:
			return join(opAnd, kids), nil
		}
		kid, err := p.not(depth)
		if err != nil {
			return nil, err
		}
		kids = append(kids, kid)
	}
}

func join(o op, kids []*node) *node {
	if len(kids) == 1 {
		return kids[0]
	}
	return &node{op: o, kids: kids}
}

func (p *parser) not(depth int) (*node, error) {
	if p.tok.kind != tokNot {
		return p.near(depth)
	}
	if depth > maxDepth {
		return nil, p.want("fewer NOT in a row")
	}
	p.next()
	kid, err := p.not(depth + 1)
	if err != nil {
		return nil, err
	}
	return &node{op: opNot, kids: []*node{kid}}, nil
}

func (p *parser) near(depth int) (*node, error) {
	at, tok := p.tok.at, p.tok
	left, err := p.primary(depth)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokNear {
		return left, nil
	}
	n := p.tok.n
	if !positional(left) {
		return nil, p.wantAt(at, tok, "words or phrases on both sides of NEAR")
	}
	p.next()
	at, tok = p.tok.at, p.tok
	right, err := p.primary(depth)
	if err != nil {
		return nil, err
	}
	if !positional(right) {
		return nil, p.wantAt(at, tok, "words or phrases on both sides of NEAR")
	}
	return &node{op: opNear, kids: []*node{left, right}, n: n}, nil
}

// positional nodes have a place in the text: words, phrases, and ORs of these.
func positional(n *node) bool {
	switch n.op {
	case opWord, opPhrase:
		return true
	case opOr:
		for _, k := range n.kids {
			if !positional(k) {
				return false
			}
		}
		return true
	}
	return false
}

func (p *parser) primary(depth int) (*node, error) {
	if p.nodes++; p.nodes > maxNodes {
		return nil, p.want(fmt.Sprintf("at most %d terms", maxNodes))
	}
	tok := p.tok
	switch tok.kind {
	case tokOpen:
		p.next()
		n, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.tok.kind != tokClose {
			return nil, p.want(fmt.Sprintf("the bracket that closes the one of column %d", utf8.RuneCountInString(p.text[:tok.at])+1))
		}
		p.next()
		return n, nil
	case tokPhrase:
		p.next()
		return p.phrase(tok, 1) // behind its quotation mark
	case tokWord:
		p.next()
		return p.word(tok)
	case tokBad:
		if strings.HasPrefix(tok.text, "NEAR") {
			return nil, p.want("NEAR/n with n from 1 to 100")
		}
		return nil, p.want("a closing quotation mark")
	}
	return nil, p.want("a word, a \"phrase\", #tag, @name or a field like lang:de")
}

func (p *parser) phrase(tok token, offset int) (*node, error) {
	kids, err := p.terms(tok, tok.text, offset)
	if err != nil {
		return nil, err
	}
	return join(opPhrase, kids), nil
}

// terms cuts a bare word or a phrase into its words: Acme-Kaffee is two, one behind the other.
func (p *parser) terms(tok token, text string, offset int) ([]*node, error) {
	var kids []*node
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !termRune(r) {
			i += size
			continue
		}
		j := i
		for j < len(text) {
			r, size := utf8.DecodeRuneInString(text[j:])
			if !termRune(r) {
				break
			}
			j += size
		}
		n, err := p.term(tok, text[i:j], offset+i)
		if err != nil {
			return nil, err
		}
		if n != nil {
			kids = append(kids, n)
		}
		i = j
	}
	if len(kids) == 0 {
		return nil, p.wantAt(tok.at, tok, "a term with at least one letter or digit")
	}
	p.nodes += len(kids)
	return kids, nil
}

func termRune(r rune) bool {
	return wordRune(r) || ignorable(r) || strings.ContainsRune("*#@＃＠", r)
}

// term makes the node of one word, with its sigil and stars; nil if nothing is left of it after folding.
func (p *parser) term(tok token, text string, offset int) (*node, error) {
	n := &node{op: opWord, raw: text}
	at := min(tok.at+offset, len(p.text))
	if r, size := utf8.DecodeRuneInString(text); sigil(r) != 0 {
		n.sigil, text = sigil(r), text[size:]
	}
	head := strings.HasPrefix(text, "*")
	text = strings.TrimPrefix(text, "*")
	tail := strings.HasSuffix(text, "*")
	text = strings.TrimSuffix(text, "*")
	switch {
	case head && tail:
		n.shape = fragment
	case tail:
		n.shape = prefix
	case head:
		return nil, p.wantAt(at, token{kind: tokWord, text: n.raw}, fmt.Sprintf("*%s* (anywhere in a word) or %s* (at its start)", text, text))
	}
	if strings.ContainsAny(text, "*#@＃＠") {
		return nil, p.wantAt(at, token{kind: tokWord, text: n.raw}, "* only at the ends of a word, # and @ only at its start")
	}
	n.forms = forms(text)
	if len(n.forms) == 0 {
		if n.shape != exact || n.sigil != 0 {
			return nil, p.wantAt(at, token{kind: tokWord, text: n.raw}, "a letter or digit beside * # @")
		}
		return nil, nil
	}
	if n.shape != exact && utf8.RuneCountInString(n.forms[0]) < 2 {
		return nil, p.wantAt(at, token{kind: tokWord, text: n.raw}, "at least two letters beside *")
	}
	return n, nil
}

// forms are the folded spellings of one word.
func forms(text string) []string {
	var w words
	w.fold(text)
	if len(w.list) != 1 {
		return nil
	}
	out := []string{string(w.buf[w.list[0].start:w.list[0].end])}
	if len(w.alts) == 1 {
		out = append(out, string(w.altBuf[w.alts[0].start:w.alts[0].end]))
	}
	return out
}

func (p *parser) word(tok token) (*node, error) {
	if name, value, ok := strings.Cut(tok.text, ":"); ok && isField(name) {
		return p.field(tok, strings.ToLower(name), value)
	}
	return p.phrase(tok, 0)
}

var fields = map[string]op{
	"lang": opLang, "source": opSource, "author": opAuthor, "site": opSite, "followers": opFollowers, "is": opIs,
}

// isField also says yes to what looks like a field, so that lnag:de is an error and not a phrase.
func isField(name string) bool {
	if name == "" || name == "http" || name == "https" {
		return false
	}
	for _, r := range name {
		if r < 'a' || r > 'z' {
			return false
		}
	}
	return true
}

func (p *parser) field(tok token, name, value string) (*node, error) {
	o, ok := fields[name]
	if !ok {
		return nil, p.wantAt(tok.at, tok, "one of the fields lang: source: author: site: followers: is: (put a word with a colon into \"quotes\")")
	}
	if value == "" && p.tok.kind == tokPhrase && p.tok.at == tok.at+len(tok.text) {
		value = p.tok.text
		p.next()
	}
	if value == "" {
		return nil, p.wantAt(tok.at+len(tok.text), p.tok, "a value right behind "+name+":")
	}
	n := &node{op: o, raw: strings.ToLower(value)}
	switch o {
	case opFollowers:
		rest := strings.TrimLeft(value, "<>=")
		n.cmp = value[:len(value)-len(rest)]
		if n.cmp == "" {
			n.cmp = "="
		}
		num, err := strconv.ParseInt(rest, 10, 64)
		if err != nil || !strings.Contains(" < <= = >= > ", " "+n.cmp+" ") {
			return nil, p.wantAt(tok.at, tok, "followers:>n with a whole number n")
		}
		n.n = num
	case opIs:
		if !strings.Contains(" post repost reply article review ", " "+n.raw+" ") {
			return nil, p.wantAt(tok.at, tok, "is:post, is:repost, is:reply, is:article or is:review")
		}
	case opAuthor:
		n.raw = strings.TrimPrefix(n.raw, "@")
	case opSite:
		n.raw = strings.TrimPrefix(n.raw, "www.")
	}
	return n, nil
}
