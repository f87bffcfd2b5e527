package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// terms cuts a bare word or a phrase into its words: Acme-Kaffee is two adjacent words.
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
		if p.nodes+len(kids) >= maxNodes {
			return nil, p.wantAt(tok.at, tok, fmt.Sprintf("at most %d terms", maxNodes))
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

// term makes the node of one word, with its sigil and stars. It is nil if folding leaves nothing of the word.
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

// isField also accepts what looks like a field, so that lnag:de is an error and not a phrase.
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
		if err != nil || !slices.Contains([]string{"<", "<=", "=", ">=", ">"}, n.cmp) {
			return nil, p.wantAt(tok.at, tok, "followers:>n with a whole number n")
		}
		n.n = num
	case opIs:
		if !slices.Contains([]string{"post", "repost", "reply", "article", "review"}, n.raw) {
			return nil, p.wantAt(tok.at, tok, "is:post, is:repost, is:reply, is:article or is:review")
		}
	case opAuthor:
		n.raw = strings.TrimPrefix(n.raw, "@")
	case opSite:
		n.raw = strings.TrimPrefix(n.raw, "www.")
	}
	return n, nil
}
