package language

import (
	"strings"
	"testing"
)

func TestALanguageIsIdentified(t *testing.T) {
	id := NewIdentifier()
	for text, want := range map[string]string{
		"Der Zug nach Köln hat heute wieder eine Stunde Verspätung, danke für nichts": "de",
		"The train to London is an hour late again and nobody tells us why":           "en",
		"Le train pour Paris a encore une heure de retard":                            "fr",
		"El tren a Madrid llega otra vez con una hora de retraso":                     "es",
		"Il treno per Roma ha di nuovo un'ora di ritardo":                             "it",
		"O trem para o Rio está uma hora atrasado de novo":                            "pt",
		"De trein naar Utrecht heeft weer een uur vertraging en niemand zegt iets":    "nl",
		"Pociąg do Krakowa znowu ma godzinę opóźnienia i nikt nic nie mówi":           "pl",
		"東京行きの電車がまた一時間遅れています":                                                         "ja",
	} {
		if got := id.Identify(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// Nothing is guessed about a text without enough words.
func TestAShortTextHasNoLanguage(t *testing.T) {
	id := NewIdentifier()
	for _, text := range []string{"", "ok", "Guten Morgen", strings.Repeat(" ", 100), strings.Repeat("?!", 50)} {
		if got := id.Identify(text); got != "" {
			t.Errorf("%q: got %q, want none", text, got)
		}
	}
}

// Accounts, links, numbers and repeated letters say nothing about the language, and cost no more than other words.
func TestAccountsLinksAndNumbersAreReplaced(t *testing.T) {
	var f features
	f.split("@Acme_de schauuuuuut https://acme.example/de?x=1 don’t 42!")
	if got := string(f.buf); got != " @user  schauuut  http  don't  00  ! " {
		t.Errorf("got %q", got)
	}
}

func TestAModelIsReadAsItWasWritten(t *testing.T) {
	var b strings.Builder
	if err := builtIn().Write(&b); err != nil || b.String() != string(file) {
		t.Errorf("the built-in model is written differently: %v", err)
	}
	for _, broken := range []string{"", "BMTONE8\n", string(file[:100]), magic + "\x00\x00\x00\x00\x00\x00\x00\x00", magic + "\xff\xff\xff\xff\x00\x00\x00\x00"} {
		if _, err := read(strings.NewReader(broken)); err == nil {
			t.Errorf("%.20q is no model", broken)
		}
	}
}

func FuzzIdentify(f *testing.F) {
	f.Add("Der Zug nach Köln hat heute wieder eine Stunde Verspätung")
	f.Add("\xff\xfe @ http:// ’’’ \u0301\u0301")
	id := NewIdentifier()
	f.Fuzz(func(t *testing.T, text string) {
		if got := id.Identify(text); len(got) != 0 && len(got) != 2 {
			t.Errorf("%q: got %q, want an ISO 639-1 code or none", text, got)
		}
	})
}

func BenchmarkIdentify(b *testing.B) {
	id := NewIdentifier()
	text := "Der Zug nach Köln hat heute wieder eine Stunde Verspätung, danke für nichts, liebe Bahn, so geht das nicht"
	b.ReportAllocs()
	for b.Loop() {
		id.Identify(text)
	}
}
