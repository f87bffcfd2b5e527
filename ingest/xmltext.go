package ingest

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/charmap"
)

// clearControls removes the bytes that XML forbids, as gofeed does.
func clearControls(b []byte) []byte {
	if bytes.IndexFunc(b, forbiddenRune) < 0 {
		return b
	}
	return bytes.Map(func(r rune) rune {
		if forbiddenRune(r) {
			return -1
		}
		return r
	}, b)
}

func forbiddenRune(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' }

// utf8XML returns the document in UTF-8: by its declaration, or as Windows-1252 if its bytes contradict it, as in
// documents that were joined from several texts.
func utf8XML(body []byte) []byte {
	if label := declared(body); label != "" && !strings.EqualFold(label, "utf-8") {
		if r, err := charset.NewReaderLabel(label, bytes.NewReader(body)); err == nil {
			if text, err := io.ReadAll(r); err == nil && (!bytes.ContainsRune(text, utf8.RuneError) || utf8.Valid(body)) {
				return text
			}
		}
	}
	return utf8Text(body)
}

// utf8Text returns the text if it is UTF-8, else converted from Windows-1252.
func utf8Text(body []byte) []byte {
	if utf8.Valid(body) {
		return body
	}
	text, err := charmap.Windows1252.NewDecoder().Bytes(body)
	if err != nil {
		return bytes.ToValidUTF8(body, []byte("\uFFFD"))
	}
	return text
}

// declared returns the encoding that the XML declaration or the byte order mark names.
func declared(body []byte) string {
	head := body[:min(len(body), 1000)]
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return "utf-16le"
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return "utf-16be"
	}
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	end := bytes.Index(head, []byte("?>"))
	if !bytes.HasPrefix(head, []byte("<?xml")) || end < 0 {
		return ""
	}
	_, value, _ := strings.Cut(string(head[:end]), "encoding=")
	if value == "" || value[0] != '"' && value[0] != '\'' {
		return ""
	}
	label, _, _ := strings.Cut(value[1:], value[:1])
	return label
}
