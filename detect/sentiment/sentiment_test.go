package sentiment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestTheEmbeddedModelHearsPlainWordsInBothLanguages(t *testing.T) {
	scorer := Default().Scorer()
	for text, want := range map[string]int{
		"This is terrible, the worst service ever. I am so angry!": Negative,
		"Schrecklich, nie wieder! Eine Unverschämtheit.":           Negative,
		"I love it, thank you so much, wonderful!":                 Positive,
		"Danke, super Service, ich bin begeistert!":                Positive,
		"The shop opens at nine on Monday.":                        Neutral,
	} {
		tone := scorer.Score(text)
		if tone.Class() != want {
			t.Errorf("%q: heard %v, want class %d", text, tone, want)
		}
		if sum := tone[0] + tone[1] + tone[2]; sum < 0.999 || sum > 1.001 {
			t.Errorf("%q: the probabilities %v do not add up", text, tone)
		}
	}
	if len(scorer.Explain("terrible service")) == 0 {
		t.Error("no word explains the tone")
	}
}

// The model is in every binary, so it stays small.
func TestTheEmbeddedModelIsSmall(t *testing.T) {
	if n := len(embedded); n > 16_000_000 {
		t.Errorf("it has %d bytes, want 16 million at most", n)
	}
}

// A text that denies something negative may be positive, in the languages in which people say so.
func TestNotBadIsGood(t *testing.T) {
	scorer := Default().Scorer()
	for text, want := range map[string]int{
		"Das ist nicht schlecht.":                Positive,
		"Gar nicht übel!":                        Positive,
		"Noch nie enttäuscht worden":             Positive,
		"That is not bad.":                       Positive,
		"Das ist schlecht.":                      Negative,
		"Nicht schlecht, aber leider viel teuer": Negative,
		"Nicht nur schlecht, sondern auch teuer": Negative,
		"Der Service ist nicht gut.":             Negative,
	} {
		if tone := scorer.Score(text); tone.Class() != want {
			t.Errorf("%q: heard %v, want class %d", text, tone, want)
		}
	}
}

// A word that is dialect only in German is read so if the text is German, whatever it means elsewhere.
func TestGermanDialectIsHeardWhereTheTextIsGerman(t *testing.T) {
	scorer := Default().Scorer()
	for text, want := range map[string]string{
		"I hab des Handy gestern bestellt, es is net kommen":    "ich habe das handy gestern bestellt , es ist nicht kommen",
		"I was on the net all day and a friend of mine came by": "i was on the net all day and a friend of mine came by",
		"Le prix des billets, je ne sais pas":                   "le prix des billets , je ne sais pas",
	} {
		scorer.Score(text)
		if got := heard(&scorer.f); got != want {
			t.Errorf("%q is heard as %q, want %q", text, got, want)
		}
	}
	const text = "I hab des Handy gestern bestellt"
	if allocs := testing.AllocsPerRun(100, func() { scorer.Score(text) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// Two trainings with the same data give the same model to the byte, also after writing and reading it.
func TestTrainingIsRepeatableAndLearns(t *testing.T) {
	var lines strings.Builder
	for i := range 60 {
		for label, words := range []string{"broken awful mess", "the train leaves soon", "splendid lovely job"} {
			fmt.Fprintf(&lines, "%d\t%s number%d\n", label, words, i)
		}
	}
	train := func() (*Model, []byte) {
		ex, err := ReadExamples("x.tsv", strings.NewReader(lines.String()), ClassNames[:])
		if err != nil {
			t.Fatal(err)
		}
		m := Train(Lessons{Sets: []Set{{Lang: "en", Examples: ex}}}, nil)
		var buf bytes.Buffer
		if err := m.Write(&buf); err != nil {
			t.Fatal(err)
		}
		return m, buf.Bytes()
	}
	_, one := train()
	m, two := train()
	if !bytes.Equal(one, two) {
		t.Error("the same examples give two models")
	}
	read, err := Read(bytes.NewReader(two))
	if err != nil {
		t.Fatal(err)
	}
	a, b := m.Scorer().Score("what an awful mess"), read.Scorer().Score("what an awful mess")
	if a != b || a.Class() != Negative {
		t.Errorf("heard %v before and %v after being written", a, b)
	}
	for _, broken := range [][]byte{nil, []byte("nonsense"), two[:len(two)/2]} {
		if _, err := Read(bytes.NewReader(broken)); err == nil {
			t.Errorf("%d bytes that are no model are read", len(broken))
		}
	}
}

func TestABadExampleIsToldByItsLine(t *testing.T) {
	if _, err := ReadExamples("x.tsv", strings.NewReader("0\tbad\nthree\tgood\n"), ClassNames[:]); err == nil || !strings.Contains(err.Error(), "x.tsv:2:1: want 0 (negative)") {
		t.Errorf("got %v", err)
	}
}

// A file of tones is not accepted as one of offences.
func TestALabelOfAnotherQuestionIsAnError(t *testing.T) {
	if _, err := ReadExamples("x.tsv", strings.NewReader("0\tbad\n2\tgood\n"), OffenceLabels); err == nil || !strings.Contains(err.Error(), "x.tsv:2:1: want 0 (other) or 1 (offensive)") {
		t.Errorf("got %v", err)
	}
}

// Corrections go to the expert of their language, and are learned.
func TestExtraTextsAreLearned(t *testing.T) {
	var sets []Set
	for lang, words := range map[string][3]string{"de": {"das ist schlecht und kaputt", "der zug fährt um acht", "das ist gut und schön"}, "en": {"this is bad and broken", "the train leaves at eight", "this is good and lovely"}} {
		var set []Example
		for i := range 40 {
			for label, text := range words {
				set = append(set, Example{label, fmt.Sprint(text, " nr", i)})
			}
		}
		sets = append(sets, Set{Lang: lang, Examples: set})
	}
	var extra []Example
	for range 20 {
		extra = append(extra, Example{Negative, "das ist und bleibt verzwackt"})
	}
	const text = "das ist verzwackt"
	slices.SortFunc(sets, func(a, b Set) int { return strings.Compare(a.Lang, b.Lang) })
	without, with := Train(Lessons{Sets: sets}, nil).Scorer().Score(text), Train(Lessons{Sets: sets, Extra: extra}, nil).Scorer().Score(text)
	if with.Class() != Negative || with[Negative] < without[Negative]+0.1 {
		t.Errorf("heard %v before and %v after", without, with)
	}
}

func TestEvaluationCountsRight(t *testing.T) {
	ex := []Example{{Label: Negative}, {Label: Negative}, {Label: Neutral}, {Label: Positive}}
	r := Evaluate(ex, []Tone{{1, 0, 0}, {0, 1, 0}, {0, 1, 0}, {0, 0, 1}})
	// negative: precision 1, recall 1/2, F1 2/3; neutral: 1/2, 1, 2/3; positive: 1, 1, 1.
	if got := fmt.Sprintf("%.3f %.3f %.3f", r.Accuracy, r.MacroRecall, r.MacroF1); got != "75.000 83.333 77.778" {
		t.Errorf("accuracy, macro recall, macro F1 are %s", got)
	}
}

func TestAnIntervalHoldsItsFigure(t *testing.T) {
	var ex []Example
	var tones []Tone
	for i := range 400 {
		ex = append(ex, Example{Label: i % 3})
		var tone Tone
		tone[(i%3+i%4/3)%3] = 1 // three of four are right
		tones = append(tones, tone)
	}
	r := Evaluate(ex, tones)
	if in := r.Intervals.Accuracy; !(in[0] > 69 && in[0] < 72.5 && in[1] > 77.5 && in[1] < 81) {
		t.Errorf("of 400, %.1f %% are right, and that lies in %v; want some four points either way", r.Accuracy, in)
	}
}

// "not good" is learned from examples; that "excellent" and "splendid" are similar only from their vectors.
func TestPhrasesHearOrderAndWordsThatAreAlike(t *testing.T) {
	v := &Vectors{Dims: 3, Scale: 1.0 / 32, Words: []string{"en good", "en excellent", "en not", "en bad", "en the", "en train", "en food", "en splendid"}, Like: []uint16{1}, Values: []int8{
		100, 0, 10, 95, 0, 5, 0, 110, 0, -100, 0, 10, 0, 0, 60, 10, 10, 90, -10, 10, 90,
	}}
	var buf bytes.Buffer
	if err := v.Write(&buf); err != nil {
		t.Fatal(err)
	}
	v, err := ReadVectors(&buf)
	if err != nil {
		t.Fatal(err)
	}
	var ex []Example
	for range 900 {
		ex = append(ex, Example{Positive, "the food good"}, Example{Negative, "the food not good"}, Example{Negative, "the train bad"},
			Example{Positive, "the train not bad"}, Example{Neutral, "the train"}, Example{Neutral, "the food"})
	}
	m := Train(Lessons{Sets: []Set{{Lang: "en", Examples: ex}}, Vectors: v}, nil)
	buf.Reset()
	if err := m.Write(&buf); err != nil {
		t.Fatal(err)
	}
	if m, err = Read(&buf); err != nil {
		t.Fatal(err)
	}
	for text, positive := range map[string]bool{
		"the train good": true, "the train not good": false, "the food excellent": true, "the food not excellent": false, "the food splendid": true,
	} {
		tone := m.Scorer().Score(text)
		if more, less := max(tone[Positive], tone[Negative]), min(tone[Positive], tone[Negative]); (tone[Positive] > tone[Negative]) != positive || more < 2*less {
			t.Errorf("%q: heard %v, want it positive: %v", text, tone, positive)
		}
	}
	if _, err := ReadVectors(strings.NewReader("nonsense")); err == nil {
		t.Error("nonsense is read as word vectors")
	}
}

// The promise for German and English: the tone model understands at least so many of the sentences written by hand.
func TestTheEarUnderstandsWhatItIsChecked(t *testing.T) {
	least := map[string]int{"intensifier": 85, "contrast": 80, "two brands": 85, "emoji": 85, "boilerplate": 85}
	for _, lang := range CheckLanguages {
		kinds, err := Default().Scorer().RunChecks(lang)
		if err != nil {
			t.Fatal(err)
		}
		n, shifted, right := 0, 0, 0
		for _, k := range kinds {
			n += k.N
			if 100*k.Right < least[k.Kind]*k.N {
				t.Errorf("%s %s: %d of %d, want %d %%; not: %q", lang, k.Kind, k.Right, k.N, least[k.Kind], k.Wrong)
			}
			switch k.Kind {
			case "negation", "intensifier", "contrast", "two brands":
				shifted += k.N
				right += k.Right
			}
		}
		if n < 300 || 100*right < 85*shifted {
			t.Errorf("%s: %d checks; of %d with negation, intensifier, contrast and two brands %d are understood", lang, n, shifted, right)
		}
	}
	if _, err := Checks("xx"); err == nil {
		t.Error("there are checks in no language")
	}
}

func TestALanguageIsTold(t *testing.T) {
	scorer := Default().Scorer()
	for text, want := range map[string]string{
		"Der Zug nach Köln hat heute wieder eine Stunde Verspätung": "de", "The train to London is an hour late again today": "en",
		"Le train pour Paris a encore une heure de retard": "fr", "El tren a Madrid llega otra vez con una hora de retraso": "es",
		"Il treno per Roma ha di nuovo un'ora di ritardo": "it", "O trem para o Rio está uma hora atrasado de novo": "pt",
	} {
		if got, sure := scorer.language(text); got != want || sure < 0.5 {
			t.Errorf("%q: taken for %s with %v, want %s", text, got, sure, want)
		}
	}
}

func TestOffenceIsHeardInGermanOnly(t *testing.T) {
	scorer := Default().Scorer()
	if p := scorer.Offensive("Du dreckiger Idiot, halt dein Maul, ihr widerliches Pack"); p < 0.5 {
		t.Errorf("an insult is offensive with %v", p)
	}
	if p := scorer.Offensive("Der Zug fährt um acht Uhr von Gleis vier ab"); p > 0.5 {
		t.Errorf("a departure is offensive with %v", p)
	}
	if p := scorer.Offensive("You dirty idiot, shut up"); p != 0 {
		t.Errorf("English is heard for offence: %v", p)
	}
}

func TestTextsAreMeasuredByTheirLooksToo(t *testing.T) {
	for text, want := range map[string]string{
		"Wann kommt der Zug?": "question short", "NEVER AGAIN with this airline, they lost my bags in Rome": "anger", "super gemacht #ironie, jetzt stehe ich hier schon zwei Stunden": "irony mark",
		`the minister said “we will never pay for it” and left the room`: "quote", "We are sorry to hear that, please send us your number today": "service",
		"Bahn streicht tausend Stellen in der Verwaltung bis 2027 http://t.co/x": "headline", "Ich fahre jeden Tag mit der Bahn nach Hause zurück": "",
	} {
		var got []string
		for _, l := range looks {
			if l.has(text) {
				got = append(got, l.name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q looks like %v, want %s", text, got, want)
		}
	}
	r := Evaluate([]Example{{Negative, "Why?"}, {Positive, "Why not?"}}, []Tone{{1, 0, 0}, {1, 0, 0}})
	if len(r.Looks) != 2 || r.Looks[0] != (Look{"question", 2, 50, 100.0 / 3}) {
		t.Errorf("got %+v", r.Looks)
	}
}

// A text on which a model is measured must not be in its training data, whatever was added to it.
func TestNearlyTheSameIsKeptApart(t *testing.T) {
	train := []Example{{0, "The new espresso machine leaks all over my kitchen, what a mess"}, {2, "I love the new espresso machine"}, {1, "Shops open at nine"}}
	dev := []Example{{0, "@acme the new espresso machine leaks all over my kitchen, what a mess!! http://t.co/x"}}
	if left := Apart(train, dev); len(left) != 2 || left[0].Label != 2 {
		t.Errorf("left are %v", left)
	}
}

// Time is linear in the length of a text, whatever it holds, and nothing breaks.
func TestNoTextIsTooStrange(t *testing.T) {
	scorer := Default().Scorer()
	for name, text := range map[string]string{
		"a megabyte": strings.Repeat("so bad! ", 1<<17), "one word": strings.Repeat("a", 1<<20), "emoji only": strings.Repeat("😡", 1<<18), "right to left": strings.Repeat("שלום עולם ", 1<<16),
		"zero width": strings.Repeat("\u200b", 1<<18), "broken": strings.Repeat("\xff\xfe", 1<<19), "commas": strings.Repeat(",", 1<<20), "empty": "",
	} {
		start := time.Now()
		tone := scorer.Score(text)
		scorer.Offensive(text)
		scorer.Towards(text, "acme")
		if took := time.Since(start); took > 5*time.Second { // it takes some milliseconds; machines have bad days
			t.Errorf("%s takes %v", name, took)
		}
		if sum := tone[0] + tone[1] + tone[2]; !(sum > 0.99 && sum < 1.01) {
			t.Errorf("%s: %v", name, tone)
		}
	}
}

func FuzzScore(f *testing.F) {
	f.Add("Ich bin 😡😡 soooo wütend!!! http://x.y #fail @acme")
	scorer := Default().Scorer()
	f.Fuzz(func(t *testing.T, text string) {
		tone := scorer.Score(text)
		if sum := tone[0] + tone[1] + tone[2]; !(sum > 0.99 && sum < 1.01) {
			t.Errorf("%q: %v", text, tone)
		}
		scorer.Towards(text, "acme", text)
		scorer.Offensive(text)
		if utf8.ValidString(text) {
			scorer.Explain(text)
		}
	})
}

// The tone of one text, compared with encoding/json reading it.
func BenchmarkScore(b *testing.B) {
	const text = "Unbelievable, my new espresso maker caught fire this morning and nobody answers the hotline. Never again!"
	line, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var m map[string]string
			if err := json.Unmarshal(line, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("score", func(b *testing.B) {
		scorer := Default().Scorer()
		b.ReportAllocs()
		for b.Loop() {
			scorer.Score(text)
		}
	})
}
