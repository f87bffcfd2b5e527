package i18n

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"brandmelder/brand"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"go.yaml.in/yaml/v4"
	"golang.org/x/text/language"
)

//go:embed *.yaml
var catalogue embed.FS

// Default is the language of texts for which none is chosen.
const Default = "en"

var printers = load()

// load reads the catalogue. It panics where a file of the catalogue is broken: the files are part of the program.
func load() map[string]*Printer {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	files, err := catalogue.ReadDir(".")
	if err != nil {
		panic(err)
	}
	out := map[string]*Printer{}
	for _, f := range files {
		if _, err := bundle.LoadMessageFileFS(catalogue, f.Name()); err != nil {
			panic(fmt.Errorf("catalogue %s: %w", f.Name(), err))
		}
		lang := strings.TrimSuffix(f.Name(), ".yaml")
		out[lang] = &Printer{lang: lang, words: i18n.NewLocalizer(bundle, lang)}
	}
	return out
}

// Languages are the languages of the catalogue, as ISO 639-1 codes, sorted.
func Languages() (out []string) {
	for lang := range printers {
		out = append(out, lang)
	}
	slices.Sort(out)
	return out
}

// Printer words facts in one language. It may be used by many goroutines.
type Printer struct {
	lang  string
	words *i18n.Localizer
}

// In returns the printer of the language, or of Default where the catalogue does not have it.
func In(lang string) *Printer {
	if p, ok := printers[lang]; ok {
		return p
	}
	return printers[Default]
}

// Lang is the printer's language.
func (p *Printer) Lang() string { return p.lang }

// T returns the text of that id. The data are pairs of a name and its value, as in T("incident.taken", "Who", "Anna");
// the text names them as {{.Who}}. An id or a name that the catalogue does not have gives the id in brackets: a page
// with a missing word is better than no page.
func (p *Printer) T(id string, data ...any) string {
	return p.localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: values(data)})
}

// N is T for a number of things: the text has one form for one of them and another for many, which name the number as
// {{.N}}.
func (p *Printer) N(id string, n int, data ...any) string {
	v := values(data)
	v["N"] = p.Number(float64(n))
	return p.localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: v, PluralCount: n})
}

// Name is the text of a constant such as a source's kind: the text of that area and the constant, with _ for its
// blanks. A constant that the catalogue does not have, such as one of another version, is returned as it is.
func (p *Printer) Name(area, constant string) string {
	id := area + "." + strings.ReplaceAll(constant, " ", "_")
	if !p.Has(id) {
		return constant
	}
	return p.T(id)
}

// Has reports whether the catalogue has a text of that id.
func (p *Printer) Has(id string) bool { return p.T(id) != bracketed(id) }

func bracketed(id string) string { return "[" + id + "]" }

func (p *Printer) localize(c *i18n.LocalizeConfig) string {
	text, err := p.words.Localize(c)
	if err != nil && text == "" {
		return bracketed(c.MessageID)
	}
	return text
}

func values(data []any) map[string]any {
	out := make(map[string]any, len(data)/2+1)
	for i := 0; i+1 < len(data); i += 2 {
		out[fmt.Sprint(data[i])] = data[i+1]
	}
	return out
}

// Fact words a fact: the text of "fact." and its kind, which may name {{.Words}}, {{.N}} and {{.At}}.
func (p *Printer) Fact(f brand.Fact, loc *time.Location) string {
	data := []any{"Words", p.List(f.Words), "At", p.Clock(f.At, loc)}
	if f.N == float64(int(f.N)) {
		return p.N("fact."+f.Kind, int(f.N), data...)
	}
	return p.T("fact."+f.Kind, append(data, "N", p.Number(f.N))...)
}
