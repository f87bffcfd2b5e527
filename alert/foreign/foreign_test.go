package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"brandmelder/brand"
)

// controls are what changes how the rest of a line reads, or is seen by nobody.
const controls = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u200b\u2060\ufeff\u00ad\u180e\u206a\U000e0041\u0000\u0007\u001b\u007f\u0085\u009b\u2028\u2029"

func TestForeignTextLosesWhatNoTextNeedsAndNothingElse(t *testing.T) {
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
		if got := ForeignLine(in, 0); got != want {
			t.Errorf("%.40q: got %q, want %q", in, got, want)
		}
	}
	if got := ForeignText("a\r\nb\u2028c\u202e", 0); got != "a\nb\nc" {
		t.Errorf("lines: got %q", got)
	}
	family := "👩\u200d👩\u200d👧"
	if got := ForeignLine("abc"+family, 6); got != "abc…" { // never half a family
		t.Errorf("cut: got %q", got)
	}
	if got := ForeignLine(strings.Repeat("x", 1<<20), 10); got != "xxxxxxxxx…" {
		t.Errorf("cut: got %q", got)
	}
}

// An author's name and a term hold characters that reverse the line, end the header, call everybody and stack accents.
// No channel passes them on.
// Fails on 0005da9: every channel sent U+202E and the other controls as they came.
func TestNoChannelPassesOnWhatReversesALine(t *testing.T) {
	hostile := "eve\u202e\u2066gnp" + controls + "z" + strings.Repeat("\u0301", 400) + " <!channel> @everyone [here](https://evil.example)\r\nBcc: x"
	d := testDesk(t)
	sp := spike("s", "acme", 3, hostile, strings.Repeat("long", 5000))
	in, calls := d.Receive(sp, nil, nil, t0)
	var got string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
		if !strings.Contains(r.URL.Path, "alerts") {
			_, _ = io.WriteString(w, "ok")
		}
	}))
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "http://")
	confs := everyKind(host)
	confs["mail"] = ChannelConfig{Kind: "mail", Host: "127.0.0.1", Port: playSMTP(t, "250 ok"), From: "a@acme.example", To: "b@acme.example", TLS: "none"}
	m := calls[0].Message
	m.Title, m.Why = "acme: "+hostile, "by "+hostile // as an older version stored it
	for _, name := range []string{"webhook", "slack", "alertmanager", "generic", "mattermost", "mail"} {
		ch, err := NewChannel(confs[name])
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []brand.Message{calls[0].Message, m} {
			got = ""
			if err := ch.Send(t.Context(), m, nil); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if name == "mail" {
				got = mailed(t)
			}
			text := unescaped(got)
			if bad := strings.IndexFunc(text, isBad); bad >= 0 || !strings.Contains(text, "eve") {
				t.Errorf("%s sends %+q", name, text[max(0, bad-20):min(len(text), bad+20)])
			}
			if strings.Count(text, "\u0301") > 40 || len(got) > 20_000 {
				t.Errorf("%s sends %d bytes, %d accents", name, len(got), strings.Count(text, "\u0301"))
			}
			if name != "webhook" && name != "alertmanager" && name != "mail" && (strings.Contains(text, "<!channel>") || strings.Contains(text, "](http")) {
				t.Errorf("%s sends marks of strangers: %s", name, text)
			}
			if (name == "generic" || name == "mattermost") && strings.Contains(text, "@everyone") {
				t.Errorf("%s calls everybody: %s", name, text)
			}
		}
	}
	if strings.ContainsFunc(in.Title, isBad) || len([]rune(in.Title)) > 3*maxTerm {
		t.Errorf("the incident's title: %q", in.Title)
	}
}

func isBad(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' || strings.ContainsRune(controls, r) && r != '\u2028' && r != '\u2029' && r != '\u0085'
}

// unescaped is a body with JSON's escapes undone.
func unescaped(body string) string {
	var v any
	if json.Unmarshal([]byte(body), &v) != nil {
		return body
	}
	var out strings.Builder
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			fmt.Fprintln(&out, v)
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return out.String()
}

// mailed is the text of the mail that playSMTP took last.
func mailed(t *testing.T) string {
	t.Helper()
	_, body, _ := strings.Cut(lastMail.Load().(string), "\n\n")
	text, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader([]byte(body))))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func FuzzForeign(f *testing.F) {
	for _, s := range []string{"a" + controls + "b", "👩\u200d👩\u200d👧", "z\u0301\u0301", "\r\n\t \u2028", "\xff", "می\u200cخواهم"} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(0, limit%500)
		line := ForeignLine(s, limit)
		switch {
		case !utf8.ValidString(line), strings.ContainsFunc(line, isBad), strings.ContainsAny(line, "\r\n\u2028\u2029\u0085"):
			t.Errorf("%q became %q", s, line)
		case limit > 0 && utf8.RuneCountInString(line) > limit:
			t.Errorf("%q became longer than %d: %q", s, limit, line)
		case ForeignLine(line, limit) != line:
			t.Errorf("%q: a second time it becomes %q", line, ForeignLine(line, limit))
		}
		if text := ForeignText(s, limit); strings.ContainsFunc(text, isBad) || limit > 0 && utf8.RuneCountInString(text) > limit {
			t.Errorf("%q became %q", s, text)
		}
	})
}
