package sentiment

import "testing"

func TestWordsHaveTheirValence(t *testing.T) {
	for _, c := range []struct {
		lang, word string
		want       int8
	}{
		{"de", "wunderbar", 2},
		{"de", "wunderbarer", 2},
		{"de", "verspätungschaos", -1},
		{"de", "kundenverarsche", -2},
		{"de", "tisch", 0},
		{"de", "die", 0},
		{"en", "die", 0},
		{"en", "dies", -2},
		{"en", "terrible", -2},
		{"en", "table", 0},
		{"en", "😡", -2},
		{"de", "😍", 2},
	} {
		if got := lexicons()[c.lang].word([]byte(c.word)); got != c.want {
			t.Errorf("%s %q has valence %d, want %d", c.lang, c.word, got, c.want)
		}
	}
}

func TestNegationAndContrastShiftWhatWordsSay(t *testing.T) {
	for _, c := range []struct {
		lang, text string
		want       summary
	}{
		{"en", "not good", summary{notGood: 1, after: -1, last: -1, found: true}},
		{"de", "Das gefällt mir nicht", summary{notGood: 1, after: -1, last: -1, found: true}},
		{"en", "a good idea, but terrible", summary{good: 1, bad: 2, before: 1, after: -2, last: -2, contrast: true, found: true}},
		{"de", "Obwohl der Preis gut ist, ist es furchtbar", summary{good: 1, bad: 2, before: 1, after: -2, last: -2, contrast: true, found: true}},
		{"en", "never again", summary{bad: 2, after: -2, last: -2, found: true}},
		{"de", "Das Essen war nicht schlecht", summary{notBad: 1, after: 0.7, last: 0.7, found: true, understated: true}},
		{"de", "nicht nur teuer, sondern auch schlecht", summary{bad: 1, notBad: 1, after: -1, before: 0.7, last: -1, found: true, contrast: true}},
		{"en", "Is it good?", summary{good: 1, after: 1, last: 1, found: true, ask: true}},
	} {
		var f features
		f.extract(c.text)
		if got := f.summarize(lexicons()[c.lang]); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.text, got, c.want)
		}
	}
}
