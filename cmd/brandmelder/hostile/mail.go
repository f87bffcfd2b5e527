package hostile

import (
	"fmt"
	"strings"
	"time"
)

// letter is an e-mail with the heads and a right date and subject.
func letter(g *Gen, heads, body string) []byte {
	base := fmt.Sprintf("From: a@b.example\nSubject: %s\nDate: %s\nMessage-Id: <%s@b.example>\n",
		g.text(), g.Now.UTC().Format(time.RFC1123Z), strings.ReplaceAll(g.id(), "/", "."))
	return []byte(strings.ReplaceAll(base+heads+"\n\n"+body, "\n", "\r\n"))
}

// parts is a multipart body, n deep.
func parts(n int) string {
	var sb strings.Builder
	for i := range n {
		fmt.Fprintf(&sb, "--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n", i, i+1)
	}
	return sb.String()
}

const multipart = "Content-Type: multipart/mixed; boundary=b0"

// mailShapes are e-mails. Most have a right subject, which counts.
var mailShapes = []struct {
	name  string
	valid int
	make  func(g *Gen) []byte
}{
	{"parts-1000-deep", 0, func(g *Gen) []byte { return letter(g, multipart, parts(1_000)) }},
	{"parts-30000-deep", 0, func(g *Gen) []byte { return letter(g, multipart, parts(30_000)) }},
	{"messages-in-messages", 0, func(g *Gen) []byte {
		return letter(g, "Content-Type: message/rfc822", strings.Repeat("Content-Type: message/rfc822\n\n", 30_000))
	}},
	{"many-parts", 0, func(g *Gen) []byte {
		return letter(g, multipart, strings.Repeat("--b0\nContent-Type: text/plain\n\nx\n", 40_000))
	}},
	{"deep-html", 0, func(g *Gen) []byte {
		return letter(g, "Content-Type: text/html", strings.Repeat("<div>", 300_000))
	}},
	{"long-line", 0, func(g *Gen) []byte { return letter(g, "Content-Type: text/plain", long(8<<20)) }},
	{"long-head", 0, func(g *Gen) []byte { return letter(g, "X-Long: "+long(1<<20), "x") }},
	{"many-heads", 0, func(g *Gen) []byte { return letter(g, strings.Repeat("X-A: b\n", 100_000)+"X-B: c", "x") }},
	{"long-id", 0, func(g *Gen) []byte { return letter(g, "Message-Id: <"+strings.Repeat("a", 500_000)+"@b>", "x") }},
	{"boundary-missing", 0, func(g *Gen) []byte { return letter(g, "Content-Type: multipart/mixed", "x") }},
	{"boundary-never-comes", 0, func(g *Gen) []byte { return letter(g, multipart, long(100_000)) }},
	{"base64-rubbish", 0, func(g *Gen) []byte {
		return letter(g, "Content-Transfer-Encoding: base64", strings.Repeat("%%%", 100_000))
	}},
	{"quoted-rubbish", 0, func(g *Gen) []byte {
		return letter(g, "Content-Transfer-Encoding: quoted-printable", strings.Repeat("=ZZ=\n", 100_000))
	}},
	{"unknown-encoding", 0, func(g *Gen) []byte { return letter(g, "Content-Transfer-Encoding: x-nope", "x") }},
	{"unknown-charset", 0, func(g *Gen) []byte { return letter(g, "Content-Type: text/plain; charset=x-nope", "x") }},
	{"utf16", 0, func(g *Gen) []byte { return wide(string(letter(g, "", "x")), true) }},
	{"encoded-words", 0, func(g *Gen) []byte {
		return letter(g, "X-A: "+strings.Repeat("=?UTF-8?B?4pyT?= ", 50_000), "x")
	}},
	{"nul-bytes", 0, func(*Gen) []byte { return make([]byte, 1<<20) }},
	{"noise", 0, func(g *Gen) []byte { return g.noise(1 << 20) }},
	{"no-heads", 0, func(*Gen) []byte { return []byte("\r\n\r\n") }},
	{"year-9999", 1, func(g *Gen) []byte {
		raw := string(letter(g, "", "x"))
		return []byte(strings.Replace(raw, g.Now.UTC().Format(time.RFC1123Z), "Fri, 31 Dec 9999 23:59:59 +0000", 1))
	}},
	{"date-is-rubbish", 1, func(g *Gen) []byte {
		raw := string(letter(g, "", "x"))
		return []byte(strings.Replace(raw, g.Now.UTC().Format(time.RFC1123Z), "1e400", 1))
	}},
	{"right", 1, func(g *Gen) []byte { return letter(g, "Content-Type: text/plain", "x") }},
}

// Letter is a right e-mail with the text.
func Letter(now time.Time, text string) []byte {
	return []byte(fmt.Sprintf("From: a@b.example\r\nSubject: %s\r\nDate: %s\r\n\r\nx\r\n",
		text, now.UTC().Format(time.RFC1123Z)))
}

func mailInputs() (out []Input) {
	for _, s := range mailShapes {
		out = append(out, Input{IMAP, s.name, func(g *Gen) Load { return Load{Body: s.make(g), Items: 1, Valid: s.valid} }})
	}
	return out
}
