package query

import (
	"errors"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
)

// A query that is nested, or has terms, without end is an error with its place. It takes neither the stack nor the
// memory.
//
// Fails on 0005da9: one phrase of a million words is a query (its terms are counted only at the next one), and the
// error of a long word repeats all of it.
func TestAQueryHasLimits(t *testing.T) {
	for name, text := range map[string]string{
		"brackets": strings.Repeat("(", 10_000) + "a", "not": strings.Repeat("NOT ", 10_000) + "a", "minus": strings.Repeat("-", 10_000) + "a",
		"minus and brackets": strings.Repeat("-(", 10_000) + "a", "terms": strings.Repeat("a ", 10_000), "or": "a" + strings.Repeat(" OR a", 5_000),
		"phrase": `"` + strings.Repeat("a ", 20_000) + `"`, "word of words": strings.Repeat("a-", 20_000), "phrases": strings.Repeat(`"a b c" `, 4_000),
		"long": strings.Repeat("a", 1_000_000), "open": `"` + strings.Repeat("a ", 30_000), "field": "lnag:" + strings.Repeat("a", 60_000),
	} {
		begun := time.Now()
		_, err := Parse(text)
		var wrong *Error
		if !errors.As(err, &wrong) || wrong.Column < 1 || len(err.Error()) > 500 {
			t.Errorf("%s: got %.200v, want an error with a column in few words", name, err)
		}
		if d := time.Since(begun); d > 10*time.Second {
			t.Errorf("%s: it took %s", name, d)
		}
	}
}

// A text of many places does not hold up the detection of others.
//
// Fails on 0005da9: NEAR and phrases compare each place with each, which takes 1.3 to 2.6 s for one mention.
func TestAHostileTextIsMatchedQuickly(t *testing.T) {
	half := brand.MaxText / 2
	text := strings.Repeat("a ", half/2) + "filler filler filler filler filler filler " + strings.Repeat("b ", half/2-30)
	plain, err := Parse("filler")
	if err != nil {
		t.Fatal(err)
	}
	reads := Compile([]*Query{plain}).Scanner()
	for _, q := range []string{"a NEAR/2 b", `"a b a b"`, `"a a a a b b"`, "(a OR b) NEAR/1 c", `"a b" NEAR/3 "b a"`, "a* NEAR/2 *bb*"} {
		parsed, err := Parse(strings.ReplaceAll(strings.ReplaceAll(q, "a*", "aa*"), "*bb*", "bb*"))
		if err != nil {
			t.Fatal(err)
		}
		s := Compile([]*Query{parsed}).Scanner()
		begun := time.Now()
		reads.Match(&brand.Mention{Text: text}, nil)
		beside := time.Since(begun)
		begun = time.Now()
		s.Match(&brand.Mention{Text: text}, nil)
		if d := time.Since(begun); d > 50*beside { // comparing each with each takes some hundred times as long
			t.Errorf("%s: it took %s, reading the text for one word %s", q, d, beside)
		}
	}
}

// NEAR and phrases find the same as by comparing each place with each.
func TestNearComparesTheNearestPlaces(t *testing.T) {
	for text, want := range map[string]bool{
		"a x x x x b": false, "a x b": true, "b x a": true, "a x x x b a x b": true, "b x x x x x a": false, "a": false, "a b": true, "b a": true,
		"a x x x x x x b x x x x x x a x b": true,
	} {
		q, err := Parse("a NEAR/2 b")
		if err != nil {
			t.Fatal(err)
		}
		if got := len(Compile([]*Query{q}).Scanner().Match(&brand.Mention{Text: text}, nil)) > 0; got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
