package brandmelder

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"brandmelder/access"

	"go.yaml.in/yaml/v4"
	"golang.org/x/net/html"
)

// templates are the files of HTML that people read.
func templates(t *testing.T) (out []string) {
	t.Helper()
	for _, at := range []string{"web/templates/*.html", "cmd/brandmelder/*.html"} {
		names, err := filepath.Glob(at)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", at, len(names), err)
		}
		out = append(out, names...)
	}
	return out
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	action  = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	literal = regexp.MustCompile(`"([^"]*)"`)
	letter  = regexp.MustCompile(`\p{L}{2,}`)
	phrase  = regexp.MustCompile(`\p{L} \p{L}`)
)

// shown are the attributes whose text people read, or have read out.
var shown = []string{"alt", "aria-label", "placeholder", "title"}

// ownTexts are the texts for people in HTML: of elements, and of attributes that are read out or shown.
func ownTexts(source string) (out []string) {
	z := html.NewTokenizer(strings.NewReader(source))
	hidden := ""
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := z.Token()
			// Code is what is typed, in any language.
			if slices.Contains([]string{"style", "script", "code"}, tag.Data) {
				hidden = tag.Data
			}
			for _, a := range tag.Attr {
				if slices.Contains(shown, a.Key) {
					out = append(out, a.Val)
				}
			}
		case html.EndTagToken:
			if tag := z.Token(); tag.Data == hidden {
				hidden = ""
			}
		case html.TextToken:
			if hidden == "" {
				out = append(out, z.Token().Data)
			}
		}
	}
}

// A template has no words of its own: they stand in the catalogue.
func TestNoTextForPeopleStandsInATemplate(t *testing.T) {
	for _, name := range templates(t) {
		source := read(t, name)
		for _, text := range ownTexts(action.ReplaceAllString(source, " ")) {
			if letter.MatchString(strings.ReplaceAll(text, "brandmelder", "")) {
				t.Errorf("%s: %q", name, strings.TrimSpace(text))
			}
		}
		for _, act := range action.FindAllString(source, -1) {
			for _, m := range literal.FindAllStringSubmatch(act, -1) {
				if phrase.MatchString(m[1]) && !slices.Contains(access.Actions(), access.Action(m[1])) {
					t.Errorf("%s: %q", name, m[1])
				}
			}
		}
	}
}

// german are letters and words that no English text has.
var german = regexp.MustCompile(`[äöüßÄÖÜ]|\b(und|nicht|sind|wird|werden|wurde|seit|eine|einen|Sie|Ihre|Stufe|Vorfall|` +
	`niemand|jemand|Quelle|[Zz]uerst|Warum|Wieder|Abgeschlossen|lesen|annehmen|Lesen|Annehmen|gute|Keine|keine)\b`)

// readsGerman are files that look for German words in texts, or make queries of them.
var readsGerman = []string{"alert/flagrules.go", "alert/flags.go", "cmd/brandmelder/bench.go", "playbooks/terms.go"}

// strs are the string literals of a package's files, tests and other packages below it left out.
func strs(t *testing.T, dir string, found func(file, text string)) {
	t.Helper()
	goFiles(t, dir, func(name string, f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			if _, ok := n.(*ast.ImportSpec); ok {
				return false
			}
			if field, ok := n.(*ast.Field); ok && field.Tag != nil {
				return false
			}
			if text, ok := str(n); ok {
				found(name, text)
			}
			return true
		})
	})
}

func str(n ast.Node) (string, bool) {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

func goFiles(t *testing.T, dir string, found func(name string, f *ast.File)) {
	t.Helper()
	names, err := filepath.Glob(dir + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		found(name, f)
	}
}

// Go code has no German, and no HTML with words in it.
func TestNoTextForPeopleStandsInGoCode(t *testing.T) {
	for _, dir := range []string{
		"web", "alert", "alert/assist", "alert/notify", "incident", "access", "people", "playbooks", "cmd/brandmelder",
	} {
		strs(t, dir, func(file, text string) {
			if german.MatchString(text) && !slices.Contains(readsGerman, file) {
				t.Errorf("%s: %q is German", file, text)
			}
			if strings.HasPrefix(dir, "alert") || !strings.HasPrefix(text, "<") || !strings.Contains(text, ">") {
				return // alert looks for HTML, and writes none
			}
			for _, own := range ownTexts(text) {
				if letter.MatchString(own) {
					t.Errorf("%s: %q is HTML with words", file, text)
				}
			}
		})
	}
}

// catalogue are the ids of the texts; true for those with forms for one and for many.
func catalogue(t *testing.T) map[string]bool {
	t.Helper()
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(read(t, "i18n/en.yaml")), &tree); err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		texts, ok := v.(map[string]any)
		if !ok {
			out[at] = false
			return
		}
		if _, ok := texts["other"]; ok {
			out[at] = true
			return
		}
		for k, w := range texts {
			walk(strings.TrimPrefix(at+"."+k, "."), w)
		}
	}
	walk("", tree)
	return out
}

// asked is how code asks for texts: ids by the function that is given them, beginnings of ids that are completed when
// the program runs, and any other text that is an id.
type asked struct {
	one, many, others map[string]string // id: file
	beginnings        map[string]string
}

// askedFor looks for ids in all templates and in all Go code.
func askedFor(t *testing.T) asked {
	t.Helper()
	a := asked{map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}}
	for _, name := range templates(t) {
		for _, act := range action.FindAllString(read(t, name), -1) {
			for _, m := range regexp.MustCompile(`\b([tn]) "([^"]*)"`).FindAllStringSubmatch(act, -1) {
				if m[1] == "t" {
					a.one[m[2]] = name
				} else {
					a.many[m[2]] = name
				}
			}
		}
	}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if base := d.Name(); path != "." && strings.HasPrefix(base, ".") || base == "testdata" || base == "tools" {
			return filepath.SkipDir
		}
		goFiles(t, path, func(name string, f *ast.File) {
			ast.Inspect(f, func(n ast.Node) bool { a.in(name, n); return true })
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// beginning is the form of an id's beginning: an area, or an area and the first words of the id.
var beginning = regexp.MustCompile(`^[a-z]+\.([a-z_.]+[._])?$`)

func (a *asked) in(file string, n ast.Node) {
	switch n := n.(type) {
	case *ast.CallExpr:
		call, ok := n.Fun.(*ast.SelectorExpr)
		if !ok || len(n.Args) == 0 {
			return
		}
		id, ok := str(n.Args[0])
		if !ok {
			return
		}
		switch call.Sel.Name {
		case "T":
			a.one[id] = file
		case "N":
			a.many[id] = file
		case "Name":
			a.beginnings[id+"."] = file
		case "Sprintf":
			if id, _, _ = strings.Cut(id, "%"); beginning.MatchString(id) {
				a.beginnings[id] = file
			}
		}
	case *ast.BinaryExpr:
		if id, ok := str(n.X); ok && n.Op == token.ADD && beginning.MatchString(id) {
			a.beginnings[id] = file
		}
	case *ast.AssignStmt: // a beginning that is completed later, as in area := "format.past."
		for _, v := range n.Rhs {
			if id, ok := str(v); ok && strings.HasSuffix(id, ".") {
				a.beginnings[id] = file
			}
		}
	case *ast.BasicLit:
		if id, ok := str(n); ok {
			a.others[id] = file
		}
	}
}

// A text that a template or code asks for is in the catalogue, with forms for one and many where a number is given.
func TestEachTextThatIsAskedForIsInTheCatalogue(t *testing.T) {
	has, a := catalogue(t), askedFor(t)
	for id, file := range a.one {
		if forms, ok := has[id]; !ok || forms {
			t.Errorf("%s asks for %s: in the catalogue %v, with forms of number %v", file, id, ok, forms)
		}
	}
	for id, file := range a.many {
		if !has[id] {
			t.Errorf("%s asks for %s with a number: the catalogue lacks it, or its forms", file, id)
		}
	}
	for id, file := range a.others {
		if _, ok := has[id]; !ok && strings.HasPrefix(id, "error.") {
			t.Errorf("%s names %s, which the catalogue lacks", file, id)
		}
	}
}

// A text of the catalogue is asked for somewhere, by its id or by a beginning of it.
func TestEachTextOfTheCatalogueIsUsed(t *testing.T) {
	a := askedFor(t)
	for _, id := range slices.Sorted(maps.Keys(catalogue(t))) {
		used := a.one[id] + a.many[id] + a.others[id]
		for beginning := range a.beginnings {
			if strings.HasPrefix(id, beginning) {
				used = beginning
			}
		}
		if used == "" {
			t.Errorf("nobody asks for %s", id)
		}
	}
}
