package brandmelder

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// columns is the most that a line of a comment or of a document has; a tab counts as four.
const columns = 120

// ownFiles calls found with the repository's files that end so, in all folders but hidden ones.
func ownFiles(t *testing.T, ending string, found func(path string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case strings.HasSuffix(path, ending):
			found(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// unbroken is what has no place to break: an address, or a piece of code without a space.
var unbroken = regexp.MustCompile(`\S{60,}|://`)

func tooWide(line string) bool {
	line = strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\t", "    ")
	return utf8.RuneCountInString(line) > columns && !unbroken.MatchString(line)
}

// A comment can be read without scrolling. A line with an address may be longer.
func TestNoLineOfACommentIsTooWide(t *testing.T) {
	ownFiles(t, ".go", func(path string) {
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Split(read(t, path), "\n")
		for _, group := range f.Comments {
			for _, c := range group.List {
				first := set.Position(c.Pos())
				for i, line := range strings.Split(c.Text, "\n") {
					whole := text[first.Line-1+i]
					if strings.HasPrefix(line, "//go:") || strings.HasPrefix(line, "//nolint") {
						continue
					}
					if tooWide(whole) {
						t.Errorf("%s:%d has more than %d columns", path, first.Line+i, columns)
					}
				}
			}
		}
	})
}

// A document can be read without scrolling. Tables, code, and lines with an address may be wider.
func TestNoLineOfADocumentIsTooWide(t *testing.T) {
	ownFiles(t, ".md", func(path string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		code := false
		for i, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(line, "```") {
				code = !code
			}
			if code || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "    ") {
				continue
			}
			if tooWide(line) {
				t.Errorf("%s:%d has more than %d columns", path, i+1, columns)
			}
		}
	})
}
