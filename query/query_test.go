package query

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"

	"pgregory.net/rapid"
)

func TestAQueryFindsWhatItSays(t *testing.T) {
	m := func(text string, set ...func(*brand.Mention)) brand.Mention {
		m := brand.Mention{Text: text, At: time.Unix(0, 0)}
		for _, f := range set {
			f(&m)
		}
		return m
	}
	for _, c := range []struct {
		query   string
		mention brand.Mention
		want    bool
	}{
		{"acme", m("I love ACME!"), true},
		{"acme", m("acmeville"), false},
		{"acme", m("#Acme rules"), true},
		{"acme", m("@acme please answer"), false},
		{"@acme", m("@Acme please answer"), true},
		{"@acme", m("mail info@acme.example"), false},
		{"acme", m("mail info@acme.example"), true},
		{"#acme", m("acme"), false},
		{"müller", m("Herr Mueller"), true},
		{"mueller", m("Herr Müller"), true},
		{"muller", m("Herr Müller"), true},
		{"müller", m("Herr Mu\u0308ller"), true},
		{"blue", m("blu"), false},
		{"straße", m("STRASSE"), true},
		{"strasse", m("Straße"), true},
		{"cafe", m("Café"), true},
		{"acme", m("ａｃｍｅ"), true},
		{"acme", m("ac\u200bme"), true},
		{"*rückruf*", m("Sofortrückrufaktion"), true},
		{"*rückruf*", m("Sofortrueckrufaktion"), true},
		{"*rueckruf*", m("Sofortrückrufaktion"), true},
		{"*rückruf*", m("rück ruf"), false},
		{"kaffee*", m("Kaffeemaschine"), true},
		{"kaffee*", m("Filterkaffee"), false},
		{"#kaff*", m("#Kaffeezeit"), true},
		{`"acme kaffee"`, m("der Acme-Kaffee!"), true},
		{`"acme kaffee"`, m("Kaffee von Acme"), false},
		{"acme-kaffee", m("acme kaffee"), true},
		{"acme kaffee", m("Kaffee von Acme"), true},
		{"acme NOT kaffee", m("Kaffee von Acme"), false},
		{"acme -kaffee", m("Tee von Acme"), true},
		{"maschine NEAR/2 brand", m("Brand an der Maschine"), true},
		{"maschine NEAR/1 brand", m("Brand an der Maschine"), false},
		{`"acme one" NEAR/1 (fire OR smoke)`, m("smoke from Acme One"), true},
		{"acme (feuer ODER brand) UND rauch", m("Acme brand, Rauch"), true},
		{"lang:de", m("x", func(m *brand.Mention) { m.Lang = "de-AT" }), true},
		{"acme lang:de", m("acme", func(m *brand.Mention) { m.Lang = "en" }), false},
		{"source:x", m("x", func(m *brand.Mention) { m.Source = "x" }), true},
		{"author:@Bob", m("x", func(m *brand.Mention) { m.Author = "bob" }), true},
		{"site:spiegel.de", m("x", func(m *brand.Mention) { m.URL = "https://www.spiegel.de/a" }), true},
		{"site:spiegel.de", m("x", func(m *brand.Mention) { m.URL = "https://notspiegel.de/a" }), false},
		{"followers:>1000", m("x", func(m *brand.Mention) { m.Followers = 1001 }), true},
		{"followers:<=1000", m("x", func(m *brand.Mention) { m.Followers = 1001 }), false},
		{"is:repost", m("x", func(m *brand.Mention) { m.Kind = brand.Repost }), true},
		{"acme", m("nothing", func(m *brand.Mention) { m.Title = "Acme recalls" }), true},
	} {
		q, err := Parse(c.query)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		got := len(Compile([]*Query{q}).Scanner().Match(&c.mention, nil)) == 1
		if got != c.want {
			t.Errorf("%s on %q: got %v, want %v", c.query, c.mention.Text, got, c.want)
		}
		if got := naive(q.root, &c.mention); got != c.want {
			t.Errorf("naive %s on %q: got %v, want %v", c.query, c.mention.Text, got, c.want)
		}
	}
}

func TestAnErrorNamesTheColumnAndWhatWasExpected(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{"", `column 1: got the end, want a word`},
		{"acme AND", `column 9: got the end, want a word`},
		{"acme OR OR x", `column 9: got "OR", want a word`},
		{"(acme", `column 6: got the end, want the bracket that closes the one of column 1`},
		{"acme)", `column 5: got ")", want the end`},
		{`ärger "acme`, `column 7: got "\"acme", want a closing quotation mark`},
		{"lnag:de", `column 1: got "lnag:de", want one of the fields`},
		{"lang:", `column 6: got the end, want a value`},
		{"followers:many", `column 1: got "followers:many", want followers:>n`},
		{"is:tweet", `want is:post`},
		{"acme *ruf", `column 6: got "*ruf", want *ruf*`},
		{"a*", `at least two letters`},
		{"NEAR/2 x", `column 1: got "NEAR/2", want a word`},
		{"a NEAR/0 x", `column 3: got "NEAR/0", want NEAR/n with n from 1 to 100`},
		{"lang:de NEAR/2 x", `words or phrases on both sides of NEAR`},
		{"!!!", `at least one letter or digit`},
		{strings.Repeat("(", 60) + "a", `at most 50 brackets`},
	} {
		_, err := Parse(c.query)
		var qe *Error
		if !errors.As(err, &qe) {
			t.Errorf("%q: got %v, want an *Error", c.query, err)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %q, want %q in it", c.query, err, c.want)
		}
	}
}

// naive evaluates a query in the slow and plain way: no automaton, no triggers, word by word.
func naive(n *node, m *brand.Mention) bool {
	var w words
	w.fold(m.Body())
	fits := func(n *node, i int) bool {
		t := w.list[i]
		if t.sigil != n.sigil && (n.sigil != 0 || t.sigil != '#') {
			return false
		}
		spellings := []string{string(w.buf[t.start:t.end])}
		if t.alt > 0 {
			spellings = append(spellings, string(w.altBuf[w.alts[t.alt-1].start:w.alts[t.alt-1].end]))
		}
		for _, s := range spellings {
			for _, f := range n.forms {
				if n.shape == exact && s == f || n.shape == prefix && strings.HasPrefix(s, f) || n.shape == fragment && strings.Contains(s, f) {
					return true
				}
			}
		}
		return false
	}
	var places func(n *node) []span
	places = func(n *node) (out []span) {
		switch n.op {
		case opOr:
			for _, k := range n.kids {
				out = append(out, places(k)...)
			}
			return out
		case opWord:
			n = &node{kids: []*node{n}}
		}
	starts:
		for i := 0; i+len(n.kids) <= len(w.list); i++ {
			for k, kid := range n.kids {
				if !fits(kid, i+k) {
					continue starts
				}
			}
			out = append(out, span{int32(i), int32(i + len(n.kids) - 1)})
		}
		return out
	}
	switch n.op {
	case opAnd:
		return !slices.ContainsFunc(n.kids, func(k *node) bool { return !naive(k, m) })
	case opOr:
		return slices.ContainsFunc(n.kids, func(k *node) bool { return naive(k, m) })
	case opNot:
		return !naive(n.kids[0], m)
	case opWord, opPhrase:
		return len(places(n)) > 0
	case opNear:
		for _, a := range places(n.kids[0]) {
			for _, b := range places(n.kids[1]) {
				gap := int64(max(b.first-a.last, a.first-b.last) - 1)
				if gap >= 0 && gap <= n.n {
					return true
				}
			}
		}
		return false
	}
	s := &Scanner{mention: m} // fields need no words
	return s.eval(n)
}

var vocabulary = []string{"acme", "kaffee", "müller", "mueller", "straße", "brand", "rückruf", "Sofortrückrufaktion", "on", "fire", "ab", "abc", "#tag", "@acme"}

func drawQuery(t *rapid.T, depth int) string {
	if depth == 0 {
		w := rapid.SampledFrom(append(vocabulary, "lang:de", "source:x", "followers:>10", "is:repost")).Draw(t, "word")
		if strings.ContainsAny(w, ":") {
			return w
		}
		switch rapid.IntRange(0, 5).Draw(t, "shape") {
		case 0:
			return w + "*"
		case 1:
			return "*" + strings.Trim(w, "#@") + "*"
		case 2:
			return `"` + w + " " + rapid.SampledFrom(vocabulary).Draw(t, "second") + `"`
		}
		return w
	}
	a, b := drawQuery(t, depth-1), drawQuery(t, depth-1)
	switch rapid.IntRange(0, 4).Draw(t, "op") {
	case 0:
		return "(" + a + " OR " + b + ")"
	case 1:
		return "(" + a + " " + b + ")"
	case 2:
		return "(" + a + " -" + b + ")"
	case 3:
		return "(NOT " + a + ")"
	}
	near := fmt.Sprintf("(%s NEAR/%d %s)", rapid.SampledFrom(vocabulary).Draw(t, "l"), rapid.IntRange(1, 4).Draw(t, "n"), rapid.SampledFrom(vocabulary).Draw(t, "r"))
	return "(" + near + " OR " + a + ")"
}

// The matcher, with its triggers and automaton, gives the same answers as the slow way.
func TestTheMatcherAgreesWithTheNaiveEvaluator(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var queries []*Query
		for range rapid.IntRange(1, 6).Draw(t, "queries") {
			text := drawQuery(t, rapid.IntRange(0, 3).Draw(t, "depth"))
			q, err := Parse(text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			queries = append(queries, q)
		}
		s := Compile(queries).Scanner()
		for range 4 {
			m := brand.Mention{
				Text:      strings.Join(rapid.SliceOfN(rapid.SampledFrom(vocabulary), 0, 8).Draw(t, "text"), " "),
				Lang:      rapid.SampledFrom([]string{"de", "en", ""}).Draw(t, "lang"),
				Source:    rapid.SampledFrom([]string{"x", "feed"}).Draw(t, "source"),
				Followers: rapid.Int64Range(0, 20).Draw(t, "followers"),
				Kind:      rapid.SampledFrom([]brand.Kind{brand.Post, brand.Repost}).Draw(t, "kind"),
			}
			var want []int
			for i, q := range queries {
				if naive(q.root, &m) {
					want = append(want, i)
				}
			}
			if got := s.Match(&m, nil); !slices.Equal(got, want) {
				t.Fatalf("%v on %q: got %v, want %v", queries, m.Text, got, want)
			}
		}
	})
}

func FuzzParseAndMatch(f *testing.F) {
	for _, s := range []string{`acme OR @acme -"x y"`, "*rückruf* NEAR/3 (a OR b)", "followers:>5 lang:de", "((((", "ä*", "#", "\x1f"} {
		f.Add(s, "Acme rückruf \u0308 ＃x")
	}
	f.Fuzz(func(t *testing.T, text, mention string) {
		q, err := Parse(text)
		if err != nil {
			var qe *Error
			if !errors.As(err, &qe) || qe.Column < 1 {
				t.Fatalf("error without a place: %v", err)
			}
			return
		}
		m := brand.Mention{Text: mention}
		got := len(Compile([]*Query{q}).Scanner().Match(&m, nil)) == 1
		if want := naive(q.root, &m); got != want {
			t.Fatalf("%q on %q: got %v, naive %v", text, mention, got, want)
		}
	})
}

// Ten or ten thousand topics: the same mentions must cost about the same.
func BenchmarkMatch(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	word := func(i int) string { return fmt.Sprintf("brand%dx", i) }
	texts := make([]brand.Mention, 1000)
	for i := range texts {
		var sb strings.Builder
		for range 18 {
			fmt.Fprintf(&sb, "wort%d ", r.IntN(5000))
		}
		texts[i].Text = sb.String() + word(r.IntN(10))
	}
	for _, topics := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("topics=%d", topics), func(b *testing.B) {
			var queries []*Query
			for i := range topics {
				q, err := Parse(fmt.Sprintf(`(%s OR @%s OR "%s kaffee" OR *%skaffee* OR %sma*) -karneval`, word(i), word(i), word(i), word(i), word(i)))
				if err != nil {
					b.Fatal(err)
				}
				queries = append(queries, q)
			}
			s := Compile(queries).Scanner()
			var dst []int
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				dst = s.Match(&texts[i%len(texts)], dst[:0])
				i++
			}
		})
	}
}

func TestTheNamesOfAQueryAreTheWordsItAsksFor(t *testing.T) {
	q, err := Parse(`(acme OR @acme OR "acme coffee") (fire OR mach*) -velta lang:en`)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(q.Names(), " "); got != "acme coffee fire" {
		t.Errorf("the names are %q", got)
	}
}

func TestAQueryTellsWhetherItAsksForALanguage(t *testing.T) {
	for text, want := range map[string]bool{"bahn": false, "lang:de bahn": true, "bahn OR (zug -lang:en)": true, `"lang de"`: false} {
		q, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if q.AsksLanguage() != want {
			t.Errorf("%s: asks for a language: %v", text, !want)
		}
	}
}
