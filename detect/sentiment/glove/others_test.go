package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The words of another language are those of its texts and of the list, each once, without obsolete forms.
func TestWordsOfAnotherLanguage(t *testing.T) {
	dir := t.TempDir()
	texts, list := filepath.Join(dir, "fr.tsv"), filepath.Join(dir, "french")
	for name, content := range map[string]string{texts: "0\tÇa ne marche pas, pas du tout\n", list: "Marche\nfinissions\nchantâmes\ngrève\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var o others
	if err := o.Set("fr," + texts + "," + list); err == nil {
		t.Error("a language without a mode is taken")
	}
	if err := o.Set("fr," + texts + "," + list + ",fr-es,spa-eng"); err != nil {
		t.Fatal(err)
	}
	words, inTexts, err := o[0].words()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(words, " "); got != "ça ne marche pas du tout grève" || inTexts != 6 {
		t.Errorf("%d of them in texts: %s", inTexts, got)
	}
	if want := []string{"fr-es", "spa-eng"}; !slices.Equal(o[0].steps, want) {
		t.Errorf("steps %v, want %v", o[0].steps, want)
	}
}

// A translation gives a word its position; the person of a verb's form does not.
func TestATranslationIsWithoutItsPerson(t *testing.T) {
	d := dictionary{}
	vectors := map[string][]float64{"it": {1}, "works": {1}}
	d.translate("funciona", person.ReplaceAllString("it works", ""), 1, vectors)
	if e := d.exactly("funciona"); len(e) != 1 || e[0]["works"] != 1 || len(e[0]) != 1 {
		t.Errorf("%v", e)
	}
	if d.exactly("funcionan") != nil {
		t.Error("a form that was not translated has a translation")
	}
}
