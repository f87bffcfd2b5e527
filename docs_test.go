package brandmelder

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/security.md names the tests of each finding. A test that is renamed or removed must not stay there.
func TestTheTestsThatTheSecurityPageNamesExist(t *testing.T) {
	page, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	err = filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		tests.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| \d+\. .*\| ([^|]+) \|$`).FindAllStringSubmatch(string(page), -1)
	if len(rows) != 18 {
		t.Errorf("the page has %d findings, want 18", len(rows))
	}
	for _, row := range rows {
		for _, name := range regexp.MustCompile(`\b[A-Z][A-Za-z0-9]{6,}\b`).FindAllString(row[1], -1) {
			if !regexp.MustCompile(`func (Test)?` + name + `\(`).MatchString(tests.String()) {
				t.Errorf("there is no test %s", name)
			}
		}
	}
}
