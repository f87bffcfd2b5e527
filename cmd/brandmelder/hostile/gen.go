package hostile

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf16"
)

// Gen is what an input is made with.
type Gen struct {
	R    *rand.Rand
	Word string // the word that the input's topic counts
	Now  time.Time

	name string
	n    int
}

// id is another for each mention, also of other runs of the same input.
func (g *Gen) id() string {
	g.n++
	return fmt.Sprintf("%s-%d-%d", g.name, g.Now.UnixNano(), g.n)
}

// text is a sentence with the word, another each time.
func (g *Gen) text() string {
	words := []string{"kettle", "coffee", "machine", "shop", "town", "morning", "queue", "grinder", "price", "letter"}
	var sb strings.Builder
	sb.WriteString("About " + g.Word + ":")
	for range 8 {
		sb.WriteString(" " + words[g.R.IntN(len(words))])
	}
	fmt.Fprintf(&sb, " %d", g.R.IntN(1e6))
	return sb.String()
}

func (g *Gen) at() string { return g.Now.UTC().Format(time.RFC3339) }

// mention is a mention as JSON. pairs are names and raw JSON values that replace or add fields.
func (g *Gen) mention(pairs ...string) string {
	names := []string{"id", "at", "text"}
	values := map[string]string{"id": quote(g.id()), "at": quote(g.at()), "text": quote(g.text())}
	for i := 0; i < len(pairs); i += 2 {
		if _, there := values[pairs[i]]; !there {
			names = append(names, pairs[i])
		}
		values[pairs[i]] = pairs[i+1]
	}
	var sb strings.Builder
	for i, n := range names {
		sb.WriteString(map[bool]string{true: "{", false: ","}[i == 0] + quote(n) + ":" + values[n])
	}
	return sb.String() + "}"
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string is always JSON
	return string(b)
}

// nest is depth lists, each in the next.
func nest(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// long is n bytes of words.
func long(n int) string { return strings.Repeat("lorem ", n/6+1)[:n] }

func gzipped(body []byte) []byte {
	var buf bytes.Buffer
	z, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression) // the level is right
	_, _ = z.Write(body)                                    // into memory
	_ = z.Close()
	return buf.Bytes()
}

// bomb is n bytes of the filling between head and tail, compressed.
func bomb(head, filling, tail string, n int) []byte {
	var buf bytes.Buffer
	z, _ := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	_, _ = z.Write([]byte(head))
	piece := []byte(strings.Repeat(filling, max(1, 1<<16/len(filling))))
	for sent := 0; sent < n; sent += len(piece) {
		_, _ = z.Write(piece)
	}
	_, _ = z.Write([]byte(tail))
	_ = z.Close()
	return buf.Bytes()
}

// packed says that a body is compressed.
var packed = map[string]string{"Content-Encoding": "gzip"}

// wide is the text in UTF-16, little endian, with or without its mark.
func wide(s string, mark bool) []byte {
	var out []byte
	if mark {
		out = []byte{0xff, 0xfe}
	}
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// noise is n bytes by chance.
func (g *Gen) noise(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(g.R.UintN(256))
	}
	return out
}
