package query

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Error is a mistake in a query: where it is and what was expected there.
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

// Names are the whole words that the query asks for, as they are written, without @ and #. Excluded words, prefixes and
// fragments are left out.
func (q *Query) Names() []string {
	var out []string
	var walk func(n *node)
	walk = func(n *node) {
		if n.op == opNot {
			return
		}
		if n.op == opWord && n.shape == exact {
			out = append(out, strings.TrimLeft(n.raw, "#@＃＠"))
		}
		for _, k := range n.kids {
			walk(k)
		}
	}
	walk(q.root)
	slices.Sort(out)
	return slices.Compact(out)
}

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

// The limits of a query.
const (
	maxDepth = 50       // nested brackets and NOTs: the parser and the evaluation recurse for each
	maxNodes = 2000     // terms, and words of phrases
	maxText  = 64 << 10 // bytes of a query
	maxGot   = 60       // bytes of the query that an error repeats
)

// Parse reads a query. The error is an *Error.
func Parse(text string) (*Query, error) {
	p := &parser{text: text}
	if len(text) > maxText {
		return nil, &Error{Column: 1, Got: fmt.Sprintf("%d bytes", len(text)), Want: fmt.Sprintf("at most %d; split the query into several topics", maxText)}
	}
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

// positional reports whether the node has a place in the text: words, phrases, and ORs of these.
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
