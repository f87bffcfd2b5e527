package notify

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

	"brandmelder/brand"
	"brandmelder/incident"
)

// controls are what changes how the rest of a line reads, or is seen by nobody.
const controls = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u200b\u2060\ufeff\u00ad\u180e\u206a\U000e0041\u0000\u0007\u001b\u007f\u0085\u009b\u2028\u2029"

// An author's name and a term hold characters that reverse the line, end the header, call everybody and stack accents.
// No channel passes them on.
// Fails on 0005da9: every channel sent U+202E and the other controls as they came.
func TestNoChannelPassesOnWhatReversesALine(t *testing.T) {
	hostile := "eve\u202e\u2066gnp" + controls + "z" + strings.Repeat("\u0301", 400) + " <!channel> @everyone [here](https://evil.example)\r\nBcc: x"
	sp := brand.Spike{ID: "s", Topic: "acme", Level: 3, Window: "15m0s", Evidence: brand.Evidence{
		Terms: []brand.Term{{Text: hostile}, {Text: strings.Repeat("long", 5000)}},
	}}
	composed := Compose(&incident.Call{Incident: "i", Reason: incident.Reason{Kind: incident.ReasonOpened}, Created: t0, Facts: incident.Facts{
		Kind: incident.Crisis, Level: 3, Topics: []string{"acme"}, Terms: []string{hostile, strings.Repeat("long", 5000)}, Began: t0, Spike: sp,
	}}, Reader{Lang: "en"}, "")
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
	confs["mail"] = Config{Kind: "mail", Host: "127.0.0.1", Port: playSMTP(t, "250 ok"), From: "a@acme.example", To: "b@acme.example", TLS: "none"}
	m := composed
	m.Title, m.Why = "acme: "+hostile, "by "+hostile
	for _, name := range []string{"webhook", "slack", "alertmanager", "generic", "mattermost", "mail"} {
		ch, err := New(confs[name])
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []Message{composed, m} {
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
	if strings.ContainsFunc(composed.Title, isBad) || len([]rune(composed.Title)) > 3*maxTerm {
		t.Errorf("the incident's title: %q", composed.Title)
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
