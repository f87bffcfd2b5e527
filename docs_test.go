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

// The architecture names every package of the table of imports, and the command that joins them.
func TestTheArchitectureNamesEveryPackage(t *testing.T) {
	page := read(t, "docs/architecture.md")
	for name := range mayImport {
		if !strings.Contains(page, "| `"+name+"/` |") {
			t.Errorf("docs/architecture.md has no line for %s/", name)
		}
	}
}

var (
	codeName = regexp.MustCompile("`([a-z]+)\\.([A-Z]\\w+)`")
	pathName = regexp.MustCompile("`([a-z][a-z0-9_/-]*(?:/|\\.go))`")
)

// The documents that explain the code name no type, function or file that is gone.
func TestTheDocumentsNameWhatIsThere(t *testing.T) {
	has := map[string]bool{} // package.Name
	ownFiles(t, ".go", func(path string) {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for name := range f.Scope.Objects {
			has[f.Name.Name+"."+name] = true
		}
	})
	for _, page := range []string{"docs/architecture.md", "docs/glossary.md", "CONTRIBUTING.md"} {
		text := read(t, page)
		for _, m := range codeName.FindAllStringSubmatch(text, -1) {
			if !has[m[1]+"."+m[2]] {
				t.Errorf("%s names %s.%s, which is not there", page, m[1], m[2])
			}
		}
		for _, m := range pathName.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "/") {
				if _, err := os.Stat(m[1]); err != nil {
					t.Errorf("%s names %s: %v", page, m[1], err)
				}
			}
		}
	}
}

// CONTRIBUTING says what each direct dependency is for, and names none that is gone.
func TestEachDirectDependencyHasItsPurpose(t *testing.T) {
	page := read(t, "CONTRIBUTING.md")
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`([a-z][a-zA-Z0-9./_-]+/[a-zA-Z0-9./_-]+)`").FindAllStringSubmatch(page, -1) {
		named[m[1]] = true
	}
	direct := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(read(t, "go.mod"), -1) {
		direct[m[1]] = true
		if !named[m[1]] {
			t.Errorf("CONTRIBUTING.md does not say what %s is for", m[1])
		}
	}
	for name := range named {
		if strings.Contains(strings.Split(name, "/")[0], ".") && !direct[name] {
			t.Errorf("CONTRIBUTING.md names %s, which is no direct dependency", name)
		}
	}
}

// CONTRIBUTING lists the targets of make.
func TestEachTargetOfMakeIsExplained(t *testing.T) {
	page := read(t, "CONTRIBUTING.md")
	targets := regexp.MustCompile(`(?m)^\.PHONY: (.*)$`).FindStringSubmatch(read(t, "Makefile"))
	if targets == nil {
		t.Fatal("the Makefile has no .PHONY")
	}
	for _, name := range strings.Fields(targets[1]) {
		if !strings.Contains(page, "| `make "+name+"` |") {
			t.Errorf("CONTRIBUTING.md does not explain make %s", name)
		}
	}
}
