package sentiment

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// Written phrases can be read again; a broken file is an error.
func TestPhrasesAreReadAsTheyWereWritten(t *testing.T) {
	p := newPhrases(4, 2, 1)
	copy(p.words, []uint32{0, 7, 300_000, 1<<32 - 1})
	copy(p.rows, []uint16{1, 0, 1, 1})
	var buf bytes.Buffer
	if err := p.write(&buf); err != nil {
		t.Fatal(err)
	}
	whole := buf.Bytes()
	q, err := readPhrases(bytes.NewReader(whole), 1)
	if err != nil || !slices.Equal(q.words, p.words) || !slices.Equal(q.rows, p.rows) {
		t.Fatalf("read %v in %v, %v", q.words, q.rows, err)
	}
	if q.row(300_000) != 1 || q.row(8) != 0 {
		t.Errorf("rows %d and %d, want 1 and 0", q.row(300_000), q.row(8))
	}
	const head = 5 * 4 // bytes before the gaps
	for want, change := range map[string]func(file []byte){
		// the last gap leads beyond all hashes
		"is broken":    func(f []byte) { copy(f[head:], []byte{0xff, 0xff, 0xff, 0xff, 0x0f}) },
		"are left":     func(f []byte) { binary.LittleEndian.PutUint32(f, 3) },
		"bytes for":    func(f []byte) { binary.LittleEndian.PutUint32(f[4:], 1<<30) },
		"want at most": func(f []byte) { binary.LittleEndian.PutUint32(f, 1<<30) },
	} {
		file := slices.Clone(whole)
		change(file)
		if _, err := readPhrases(bytes.NewReader(file), 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want that it %s", err, want)
		}
	}
}
