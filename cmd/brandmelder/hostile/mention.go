package hostile

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// fate is what must become of a mention.
type fate int

const (
	counted  fate = iota // it is right, if unusual
	refused              // it must be reported
	anything             // counted or reported, but not lost
)

// mentionShape is one hostile mention, as JSON.
type mentionShape struct {
	name string
	fate fate
	make func(g *Gen) string
}

var mentionShapes = []mentionShape{
	// deep and wide
	{"deep-extra", refused, func(g *Gen) string { return g.mention("x", nest(9_999)) }},
	{"deep-extra-objects", refused, func(g *Gen) string {
		return g.mention("x", strings.Repeat(`{"a":`, 9_000)+"1"+strings.Repeat("}", 9_000))
	}},
	{"deep-in-extra", refused, func(g *Gen) string { return g.mention("extra", `{"y":`+nest(5_000)+"}") }},
	{"deep-beyond-json", refused, func(g *Gen) string { return g.mention("x", nest(200_000)) }},
	{"shallow-extra", counted, func(g *Gen) string { return g.mention("x", nest(8)) }},
	{"wide-extra", refused, func(g *Gen) string { return g.mention(fields(20_000)...) }},
	{"long-extra", refused, func(g *Gen) string { return g.mention("x", quote(long(900_000))) }},
	{"long-name-of-a-field", refused, func(g *Gen) string { return g.mention(long(500_000), "1") }},
	// long
	{"long-text", counted, func(g *Gen) string { return g.mention("text", quote(g.text()+" "+long(900_000))) }},
	{"longer-than-a-line", anything, func(g *Gen) string { return g.mention("text", quote(g.text()+" "+long(3<<20))) }},
	{"long-id", anything, func(g *Gen) string { return g.mention("id", quote(g.id()+long(500_000))) }},
	{"long-lang", anything, func(g *Gen) string { return g.mention("lang", quote(long(500_000))) }},
	{"long-kind", anything, func(g *Gen) string { return g.mention("kind", quote(long(500_000))) }},
	{"long-topic", anything, func(g *Gen) string { return g.mention("topic", quote(long(500_000))) }},
	{"long-author", anything, func(g *Gen) string {
		return g.mention("author", quote(long(500_000)), "author_name", quote(long(300_000)))
	}},
	{"long-url", anything, func(g *Gen) string { return g.mention("url", quote("https://a.example/"+long(500_000))) }},
	{"long-source", anything, func(g *Gen) string { return g.mention("source", quote(long(500_000))) }},
	// encodings
	{"nul-in-text", counted, func(g *Gen) string {
		return g.mention("text", strings.TrimSuffix(quote(g.text()), `"`)+`\u0000 end"`)
	}},
	{"lone-surrogates", counted, func(g *Gen) string {
		return g.mention("text", strings.TrimSuffix(quote(g.text()), `"`)+` \ud800\udc00\ud800"`)
	}},
	{"invalid-utf8", anything, func(g *Gen) string {
		return g.mention("text", `"`+g.text()+" \xff\xfe\xc3\x28 \xf0\x9f\x92\"")
	}},
	{"utf16", refused, func(g *Gen) string { return string(wide(g.mention(), true)) }},
	{"bom", anything, func(g *Gen) string { return "\ufeff" + g.mention() }},
	{"bidi", counted, func(g *Gen) string {
		return g.mention("author_name", quote("\u202egnp.exe\u2066\u200f"), "text", quote("\u202e"+g.text()))
	}},
	{"combining", counted, func(g *Gen) string {
		return g.mention("text", quote(g.text()+" z"+strings.Repeat("\u0301\u0489", 10_000)))
	}},
	{"control-letters", counted, func(g *Gen) string {
		return g.mention("text", quote(g.text()+" \x1b[2J\x1b]0;x\x07\r\b"))
	}},
	{"markup", counted, func(g *Gen) string {
		return g.mention("text", quote(g.text()+` <script>alert(1)</script>{{.}}%s'; DROP TABLE mentions;--`))
	}},
	// times
	{"year-1", refused, func(g *Gen) string { return g.mention("at", `"0001-01-01T00:00:00Z"`) }},
	{"year-9999", anything, func(g *Gen) string { return g.mention("at", `"9999-12-31T23:59:59Z"`) }},
	{"next-year", counted, func(g *Gen) string {
		return g.mention("at", quote(g.Now.AddDate(1, 0, 0).UTC().Format(time.RFC3339)))
	}},
	{"time-2^63", refused, func(g *Gen) string { return g.mention("at", "9223372036854775808") }},
	{"time-with-absurd-zone", refused, func(g *Gen) string { return g.mention("at", `"2026-11-27T10:00:00+99:99"`) }},
	{"time-null", refused, func(g *Gen) string { return g.mention("at", "null") }},
	// numbers
	{"followers-1e400", refused, func(g *Gen) string { return g.mention("followers", "1e400") }},
	{"followers-2^64", refused, func(g *Gen) string { return g.mention("followers", "18446744073709551616") }},
	{"followers-minus-zero", counted, func(g *Gen) string { return g.mention("followers", "-0") }},
	{"followers-below-zero", anything, func(g *Gen) string {
		return g.mention("followers", "-9223372036854775808", "likes", "-1")
	}},
	{"followers-nan", refused, func(g *Gen) string { return g.mention("followers", `"NaN"`) }},
	{"number-of-a-million-digits", refused, func(g *Gen) string {
		return g.mention("likes", strings.Repeat("9", 900_000))
	}},
	// wrong in itself
	{"text-is-a-list", refused, func(g *Gen) string { return g.mention("text", `["a"]`) }},
	{"text-is-empty", refused, func(g *Gen) string { return g.mention("text", `" "`) }},
	{"text-twice", anything, func(g *Gen) string { return strings.Replace(g.mention(), "{", `{"text":5,`, 1) }},
	{"a-number", refused, func(*Gen) string { return "5" }},
	{"null", refused, func(*Gen) string { return "null" }},
	{"empty-object", refused, func(*Gen) string { return "{}" }},
	{"truncated", refused, func(g *Gen) string { m := g.mention(); return m[:len(m)/2] }},
	{"not-json", refused, func(*Gen) string { return "}{ ;;; <xml/>" }},
	{"tally-without-topic", refused, func(g *Gen) string {
		return g.mention("kind", `"tally"`, "count", "9223372036854775807")
	}},
	{"press-from-outside", counted, func(g *Gen) string { return g.mention("standing", `"press"`) }},
}

func fields(n int) (pairs []string) {
	for i := range n {
		pairs = append(pairs, fmt.Sprintf("field%d", i), "0")
	}
	return pairs
}

// carriers are the ways of a mention as JSON into the daemon. Where others travel with it, they are right and
// must be counted.
var carriers = []struct {
	entry Entry
	carry func(g *Gen, m string, f fate) Load
}{
	{API, func(_ *Gen, m string, f fate) Load {
		l := amid(nil, m, f)
		l.Body, l.Header, l.Whole = []byte(m), map[string]string{"Content-Type": "application/json"}, f != counted
		return l
	}},
	{APIList, func(g *Gen, m string, f fate) Load {
		l := inList(g, m, f)
		l.Header = map[string]string{"Content-Type": "application/json"}
		return l
	}},
	{APILines, func(g *Gen, m string, f fate) Load {
		l := inLines(g, m, f)
		l.Header = map[string]string{"Content-Type": "application/x-ndjson"}
		return l
	}},
	{Hook, inList},
	{HookMap, func(g *Gen, m string, f fate) Load {
		if f == refused {
			f = anything // what is not mapped is not read
		}
		others := []string{g.mention(), g.mention()}
		l := amid(others, m, f)
		l.Body = []byte(`{"data":{"items":[{"m":` + others[0] + `},{"m":` + m + `},{"m":` + others[1] + `}]}}`)
		return whole(l)
	}},
	{File, inLines},
}

func inList(g *Gen, m string, f fate) Load {
	others := []string{g.mention(), g.mention()}
	l := amid(others, m, f)
	l.Body = []byte("[" + others[0] + "," + m + "," + others[1] + "]")
	return whole(l)
}

func inLines(g *Gen, m string, f fate) Load {
	others := []string{g.mention(), g.mention()}
	l := amid(others, m, f)
	l.Body = []byte(others[0] + "\n" + m + "\n" + others[1] + "\n")
	return l
}

// amid counts a mention among others that are right.
func amid(others []string, _ string, f fate) Load {
	l := Load{Items: len(others) + 1, Valid: len(others)}
	if f == counted {
		l.Valid++
	}
	return l
}

// whole knows that a body that is no JSON can only be refused as a whole.
func whole(l Load) Load {
	if !json.Valid(l.Body) {
		l.Items, l.Valid, l.Whole = 0, 0, true
	}
	return l
}

func mentionInputs() (out []Input) {
	for _, c := range carriers {
		for _, s := range mentionShapes {
			out = append(out, Input{c.entry, s.name, func(g *Gen) Load { return c.carry(g, s.make(g), s.fate) }})
		}
	}
	return out
}
