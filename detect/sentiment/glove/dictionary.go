package main

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"brandmelder/detect/sentiment"
)

// dictionary maps each word of another language to its English translations and their counts.
type dictionary map[string]map[string]float64

// remark is what the dictionary says about a word: {gender}, [field], (explanation), <see>, /abbreviation/.
var remark = regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]|\([^)]*\)|<[^>]*>|/[^/]*/`)

// frames are words around the translated one.
var frames = set("etw. jdn. jdm. jds. jd. etw jdn jdm sich an auf mit von zu über in bei für aus gegen um nach vor unter der die das ein eine einen einer zum zur im am " +
	"to the a an of sb. sth. sb sth so. be sb.'s one's oneself someone something up at on for with from")

func set(words string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	return out
}

// readDing reads a dictionary in Ding's format: "singular; synonym | plural :: translation; translation | plural" in a
// line.
func readDing(name string, vectors map[string][]float64) (dictionary, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d := dictionary{}
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		from, to, ok := strings.Cut(sc.Text(), " :: ")
		if !ok || from[0] == '#' {
			continue
		}
		froms, tos := strings.Split(from, "|"), strings.Split(to, "|")
		for i := range min(len(froms), len(tos)) {
			for _, a := range strings.Split(froms[i], ";") {
				for _, b := range strings.Split(tos[i], ";") {
					d.add(a, b, vectors)
				}
			}
		}
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

func plain(entry string) []string {
	words := strings.FieldsFunc(strings.ToLower(remark.ReplaceAllString(entry, " ")), func(r rune) bool { return r == ' ' || r == '-' })
	for i, w := range words {
		words[i] = strings.Trim(w, ".,!?;:\"'")
	}
	return words
}

func without(words []string, drop func(string) bool) []string {
	var out []string
	for _, w := range words {
		if w != "" && !drop(w) {
			out = append(out, w)
		}
	}
	return out
}

// add adds a translation of an entry of one word, apart from its frame.
func (d dictionary) add(entry, translation string, vectors map[string][]float64) {
	words, weight := plain(entry), 1.0
	if len(words) > 1 {
		words, weight = without(words, func(w string) bool { return frames[w] }), 0.5
	}
	if len(words) != 1 {
		return
	}
	d.translate(words[0], translation, weight, vectors)
}

// translate adds a translation of a word.
func (d dictionary) translate(word, translation string, weight float64, vectors map[string][]float64) {
	into := plain(translation)
	unknown := func(w string) bool { return vectors[w] == nil }
	core := without(into, func(w string) bool { return frames[w] || unknown(w) })
	if len(core) == 0 {
		core = without(into, unknown)
	}
	if len(core) == 0 || len(core) > 4 {
		return
	}
	if d[word] == nil {
		d[word] = map[string]float64{}
	}
	for _, w := range core {
		d[word][w] += weight / float64(len(core))
	}
}

// endings of German words, the longest first where one ends another, and their replacements in a dictionary's entry.
var (
	endings = strings.Fields("enden ende sten ten ste tes ter tem est end en er es em te et st e n s t")
	heads   = []string{"", "en", "e", "n", "er"}
)

// look returns the translations of a word in a text: of the word itself, of the one that it is a form of, or of both
// halves of a compound; nil if it is unknown.
func (d dictionary) look(w string) []map[string]float64 {
	if e := d.form(w); e != nil {
		return []map[string]float64{e}
	}
	if umlauts := strings.NewReplacer("ae", "ä", "oe", "ö", "ue", "ü").Replace(w); umlauts != w {
		if e := d.look(umlauts); e != nil {
			return e
		}
	}
	if len(w) < 9 {
		return nil
	}
	for i := 3; i < len(w)-3; i++ {
		if tail := d[w[i:]]; tail != nil && utf8.RuneStart(w[i]) {
			for _, head := range []string{w[:i], strings.TrimSuffix(w[:i], "s")} {
				if e := d[head]; e != nil && len(head) > 2 {
					return []map[string]float64{e, tail}
				}
			}
		}
	}
	return nil
}

// form is the entry of a word, or of the one that it is a form of.
func (d dictionary) form(w string) map[string]float64 {
	if e := d[w]; e != nil {
		return e
	}
	for _, ending := range endings {
		if stem, ok := strings.CutSuffix(w, ending); ok && len(stem) > 2 {
			for _, head := range heads {
				if e := d[stem+head]; e != nil {
					return e
				}
			}
		}
	}
	return nil
}

// english is the position of a word, and its rank by frequency, from 0.
type english struct {
	place func(string) []float64
	rank  map[string]int
}

// common is the rank at which a translation counts half: "not" counts, "nary" hardly.
const common = 5000

// mean is the mean position of the translations of a word.
func (en english) mean(entries []map[string]float64, dims int) []float64 {
	out := make([]float64, dims)
	for _, e := range entries {
		total := 0.0
		weight := func(w string) float64 { return e[w] / (1 + float64(en.rank[w])/common) }
		words := slices.Sorted(maps.Keys(e))
		for _, w := range words {
			total += weight(w)
		}
		for _, w := range words {
			for i, x := range en.place(w) {
				out[i] += x * weight(w) / total / float64(len(entries))
			}
		}
	}
	return out
}

// borrow adds the words of another language, each with the English word nearest to the mean of its translations, which
// look returns. The first words were read in texts.
func borrow(v *sentiment.Vectors, lang string, look func(string) []map[string]float64, words []string, read int, en english, near *neighbours) {
	have := map[string]bool{}
	var batch []string
	var places [][]float64
	flush := func() {
		for i, row := range near.of(places) {
			v.Words, v.Like = append(v.Words, lang+" "+batch[i]), append(v.Like, row)
		}
		batch, places = batch[:0], places[:0]
	}
	for i, w := range words {
		if cut := sentiment.Words(w); have[w] || len(cut) != 1 || cut[0] != w {
			continue
		}
		e := look(w)
		if len(e) == 0 || len(e) > 1 && i >= read { // compounds that no text has would be too many
			continue
		}
		have[w] = true
		batch, places = append(batch, w), append(places, en.mean(e, v.Dims))
		if len(batch) == together {
			flush()
		}
	}
	flush()
}
