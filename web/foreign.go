package web

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"reflect"
	"slices"
	"strings"
	"unicode"

	guard "brandmelder/alert/foreign"
	"brandmelder/brand"
)

// Limits of what a page shows, whatever is stored.
const (
	maxShort = 200  // characters of a name, a title, a topic, an error: more is no name
	maxLong  = 3000 // characters of a text: about a newspaper's article on a phone

	maxEvent = 600 // characters of an event of a timeline

	maxMarks = 6 // accents on one letter; more of them cover the lines above

	maxOpen      = 100 // incidents
	maxClosed    = 50
	maxSpikes    = 30  // of a topic, or of competitors
	maxSamples   = 20  // mentions, stories and amplifiers that an incident quotes, each
	maxTerms     = 50  // words that stand out
	maxCounts    = 20  // sources and languages with their numbers, each
	maxTimeline  = 300 // events, the newest
	maxCalls     = 200
	maxMerge     = 30  // incidents that one may be merged into
	maxSources   = 600 // more than an installation reads
	maxDead      = 50  // dead letters
	maxPoints    = 2000
	maxAxisTexts = 8 // times below a chart
)

// shows are the functions of templates for text from outside, and for lists of any length.
func shows() template.FuncMap {
	return template.FuncMap{
		"foreign": foreign,
		"tagged":  tagged,
		"items":   func(lang string, items []string) map[string]any { return map[string]any{"Lang": lang, "Items": items} },
		"cut":     func(text string) string { return cut(text, 160) },
		"short":   func(text string) string { return cut(text, maxShort) },
		"text":    func(text string) string { return cut(text, maxLong) },
		"first":   first,
		"beyond":  func(n int, list any) int { return max(0, reflect.ValueOf(list).Len()-n) },
		"counts":  counts,
		"max": func(what string) int {
			return map[string]int{
				"samples": maxSamples, "terms": maxTerms, "timeline": maxTimeline, "calls": maxCalls, "sources": maxSources,
				"closed": maxClosed,
			}[what]
		},
	}
}

// cleaned is what a person wrote into a form, without controls and invisible characters.
func cleaned(text string) string { return guard.Text(text, 0) }

// foreign is how each short text from outside stands within a line: of a bounded length, and in an element of its
// own direction, so that it cannot turn around what stands beside it. Longer texts stand in an element with
// dir="auto".
func foreign(text any) template.HTML {
	return template.HTML("<bdi>" + template.HTMLEscapeString(cut(fmt.Sprint(text), maxShort)) + "</bdi>")
}

// isolates is a sentence of ours. Parts of it between the marks of an isolate stand in an element of their own
// direction.
func isolates(text string) template.HTML {
	const first, pop = "\u2068", "\u2069"
	text = template.HTMLEscapeString(cut(text, maxLong))
	text += strings.Repeat(pop, max(0, strings.Count(text, first)-strings.Count(text, pop)))
	return template.HTML(strings.NewReplacer(first, "<bdi>", pop, "</bdi>").Replace(text))
}

// isolate marks a text from outside within a sentence of ours, for isolates.
func isolate(text string) string { return "\u2068" + cleaned(text) + "\u2069" }

// tagged is foreign for a text in a language that may be another than the page's.
func tagged(lang string, text any) template.HTML {
	return template.HTML(`<bdi lang="`+template.HTMLEscapeString(lang)+`">`) +
		template.HTML(template.HTMLEscapeString(cut(fmt.Sprint(text), maxShort))) + "</bdi>"
}

// cut shortens a text to n characters.
func cut(text string, n int) string {
	count := 0
	for i := range text {
		if count++; count > n {
			return text[:i] + "…"
		}
	}
	return text
}

// first are at most n items of a list.
func first(n int, list any) any {
	v := reflect.ValueOf(list)
	return v.Slice(0, min(n, v.Len())).Interface()
}

// counts are the names with the largest numbers.
func counts(of map[string]int) []brand.Term {
	var out []brand.Term
	for name, n := range of {
		out = append(out, brand.Term{Text: name, Count: n})
	}
	slices.SortFunc(out, func(a, b brand.Term) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Text, b.Text))
	})
	return out[:min(len(out), maxCounts)]
}

// visible takes out of a whole page what is no text: control characters, marks that turn the direction of the text
// behind them, and heaps of accents on one letter. No template needs any of these, so none can forget to take them
// out, and an attribute is covered like a paragraph.
func visible(page []byte) []byte {
	marks := 0
	return bytes.Map(func(r rune) rune {
		if r < unicode.MaxASCII && r >= ' ' {
			marks = 0
			return r
		}
		if hidden(r) {
			return -1
		}
		if !unicode.In(r, unicode.Mn, unicode.Me) {
			marks = 0
		} else if marks++; marks > maxMarks {
			return -1
		}
		return r
	}, page)
}

// hidden reports a control character (C0, DEL, C1) other than tab and line break, or a mark of direction.
func hidden(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r':
		return false
	case r < ' ', r >= 0x7f && r <= 0x9f:
		return true
	case r == 0x061c, r == 0x200e, r == 0x200f: // marks of a direction
		return true
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x206f: // embeddings, overrides, isolates, and old ones
		return true
	}
	return false
}
