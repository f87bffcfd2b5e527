package i18n

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"

	"go.yaml.in/yaml/v4"
)

var named = regexp.MustCompile(`\{\{\s*\.(\w+)`)

// texts are the catalogue's texts of a language by their ids, plural forms with their form's name.
func texts(t *testing.T, lang string) map[string]string {
	t.Helper()
	data, err := catalogue.ReadFile(lang + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, w := range v {
				walk(strings.TrimPrefix(at+"."+k, "."), w)
			}
		case string:
			out[at] = v
		default:
			t.Errorf("%s: %s is a %T, want a text", lang, at, v)
		}
	}
	walk("", tree)
	return out
}

// A language has each text that the others have, and each text names the same values: a third language is one file.
func TestEachLanguageHasEachTextWithTheSameValues(t *testing.T) {
	want := texts(t, Default)
	for _, lang := range Languages() {
		got := texts(t, lang)
		for id := range maps.Keys(want) {
			if _, ok := got[id]; !ok {
				t.Errorf("%s lacks %s", lang, id)
			}
		}
		for id, text := range got {
			if strings.HasSuffix(id, ".few") || strings.HasSuffix(id, ".many") || strings.HasSuffix(id, ".two") || strings.HasSuffix(id, ".zero") {
				continue // forms that English does not have
			}
			if _, ok := want[id]; !ok {
				t.Errorf("%s has %s, which %s lacks", lang, id, Default)
				continue
			}
			if strings.HasSuffix(id, ".one") {
				continue // may say "one" in words
			}
			if a, b := names(text), names(want[id]); !slices.Equal(a, b) {
				t.Errorf("%s: %s names %v, in %s it names %v", lang, id, a, Default, b)
			}
		}
	}
}

func names(text string) (out []string) {
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestAMissingTextIsNamed(t *testing.T) {
	if got := In("de").T("no.such"); got != "[no.such]" {
		t.Errorf("got %q", got)
	}
	if got := In("de").Fact(brand.Fact{Kind: "none"}, nil); got != "[fact.none]" {
		t.Errorf("got %q", got)
	}
	if In("fr") != In("en") {
		t.Error("a language that is not there is not the default")
	}
}

func TestNumbersAndTimesAreWrittenAsInTheLanguage(t *testing.T) {
	at := time.Date(2026, 3, 14, 18, 2, 0, 0, time.UTC)
	for _, c := range []struct{ got, want string }{
		{In("en").Clock(at, nil), "14 Mar 2026, 18:02"},
		{In("de").Clock(at, nil), "14.3.2026, 18:02"},
		{In("en").Number(1234.5), "1,234.5"},
		{In("de").Number(1234.5), "1.234,5"},
		{In("en").Percent(0.812), "81 %"},
		{In("de").Percent(1), "100 %"},
		{In("en").Duration(47 * time.Minute), "47 min"},
		{In("de").Duration(3*time.Hour + time.Minute), "3 Std. 1 Min."},
		{In("en").Duration(72 * time.Hour), "3 days"},
		{In("de").Duration(50 * time.Hour), "2 Tage"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
