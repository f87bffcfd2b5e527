package strictyaml

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// Limits of a file, before it is parsed: each mark may become a node of some hundred bytes.
const (
	maxFile     = 4 << 20
	maxMarks    = 500_000
	maxProblems = 200 // mistakes that are reported; one more says that there are others
	maxWord     = 100 // bytes of a word that is compared with the known ones
	maxMsg      = 500 // bytes of a mistake's text
)

// tooMuch says why a file is not parsed; "" if it is.
func tooMuch(data []byte) string {
	if len(data) > maxFile {
		return fmt.Sprintf("the file has more than %d MiB; split it", maxFile>>20)
	}
	marks := 0
	for _, c := range data {
		switch c {
		case ',', '[', '{', '\n', '\r', '?', '*', '&', '|', '>':
			marks++
		}
	}
	if marks > maxMarks {
		return fmt.Sprintf("the file has more than %d lines, lists and values; split it", maxMarks)
	}
	return ""
}

// ReadFile reads a file that Decode takes. The error names a file that is too large.
func ReadFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s has more than %d MiB; split it", name, maxFile>>20)
	}
	return data, err
}

// short is the beginning of a text from the file, at most n bytes.
func short(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}
