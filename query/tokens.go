package query

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
	if len(t.text) > maxGot {
		got = strconv.Quote(strings.ToValidUTF8(t.text[:maxGot], "")) + "…"
	}
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
