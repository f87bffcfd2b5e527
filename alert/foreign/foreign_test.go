package foreign

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// controls are what changes how the rest of a line reads, or is seen by nobody.
const controls = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u200b\u2060\ufeff\u00ad\u180e\u206a\U000e0041\u0000\u0007\u001b\u007f\u0085\u009b\u2028\u2029"

func TestTextLosesWhatNoTextNeedsAndNothingElse(t *testing.T) {
	for in, want := range map[string]string{
		"user\u202egpj.exe":             "usergpj.exe",
		"a" + controls + "b":            "a b", // the separators of lines are a space
		"fire\r\nBcc: x@evil.example":   "fire Bcc: x@evil.example",
		"\x1b[31mred\x1b[0m\a":          "[31mred[0m",
		"\xff\xfebroken\xc3":            "broken",
		"👩\u200d👩\u200d👧 👍🏽 ❤\ufe0f 🇩🇪": "👩\u200d👩\u200d👧 👍🏽 ❤\ufe0f 🇩🇪", // joined, coloured, chosen, paired
		"می\u200cخواهم":                 "می\u200cخواهم",
		"שלום עולם":                     "שלום עולם",
		"Việt Nam, हिन्दी, བོད་ཡིག, ไทย":                    "Việt Nam, हिन्दी, བོད་ཡིག, ไทย",
		"z" + strings.Repeat("\u0335\u0301", 500) + "o":     "z" + strings.Repeat("\u0335\u0301", maxAccents/2) + "o",
		"a" + strings.Repeat("\u200d", 500) + "b":           "a\u200db",
		"❤" + strings.Repeat("\ufe0f\U000e0101", 500) + "b": "❤\ufe0fb",
	} {
		if got := Line(in, 0); got != want {
			t.Errorf("%.40q: got %q, want %q", in, got, want)
		}
	}
	if got := Text("a\r\nb\u2028c\u202e", 0); got != "a\nb\nc" {
		t.Errorf("lines: got %q", got)
	}
	family := "👩\u200d👩\u200d👧"
	if got := Line("abc"+family, 6); got != "abc…" { // never half a family
		t.Errorf("cut: got %q", got)
	}
	if got := Line(strings.Repeat("x", 1<<20), 10); got != "xxxxxxxxx…" {
		t.Errorf("cut: got %q", got)
	}
}

func isBad(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' || strings.ContainsRune(controls, r) && r != '\u2028' && r != '\u2029' && r != '\u0085'
}

func FuzzForeign(f *testing.F) {
	for _, s := range []string{"a" + controls + "b", "👩\u200d👩\u200d👧", "z\u0301\u0301", "\r\n\t \u2028", "\xff", "می\u200cخواهم"} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(0, limit%500)
		line := Line(s, limit)
		switch {
		case !utf8.ValidString(line), strings.ContainsFunc(line, isBad), strings.ContainsAny(line, "\r\n\u2028\u2029\u0085"):
			t.Errorf("%q became %q", s, line)
		case limit > 0 && utf8.RuneCountInString(line) > limit:
			t.Errorf("%q became longer than %d: %q", s, limit, line)
		case Line(line, limit) != line:
			t.Errorf("%q: a second time it becomes %q", line, Line(line, limit))
		}
		if text := Text(s, limit); strings.ContainsFunc(text, isBad) || limit > 0 && utf8.RuneCountInString(text) > limit {
			t.Errorf("%q became %q", s, text)
		}
	})
}
