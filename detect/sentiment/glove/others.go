package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"brandmelder/detect/sentiment"
)

// other is a language whose words Apertium translates (Forcada et al. 2011), one by one, in as many steps as it takes
// to English.
type other struct {
	lang, texts, list string
	steps             []string // Apertium's modes
}

// others are --other flags: language, labelled texts, list of words, and the steps, with commas between.
type others []other

func (o *others) String() string { return "" }

func (o *others) Set(s string) error {
	parts := strings.Split(s, ",")
	if len(parts) < 4 || len(parts[0]) != 2 {
		return fmt.Errorf("%q: want a language, labelled texts, a list of words, and one of Apertium's modes or more, with commas between", s)
	}
	*o = append(*o, other{parts[0], parts[1], parts[2], parts[3:]})
	return nil
}

// obsolete are forms that word lists have and nobody writes on networks: French's passé simple and imperfect
// subjunctive in most persons, and Portuguese and Spanish forms for vós and vosotros.
var obsolete = map[string]*regexp.Regexp{
	"fr": regexp.MustCompile(`([aiu]ss(e|es|ions|iez|ent)|[âîû](t|tes|mes)|(a|i|u)rent)$`),
	"pt": regexp.MustCompile(`([áéíóêôãâaei]is|[rs]des|stes|[áéêí]r[ae]mos|[áéêí]ssemos)$`),
	"es": regexp.MustCompile(`([áéí]is|steis|[áé]ramos|[áé]semos|[aei]ses?|[aei]sen|[aei]res?|[aei]ren)$`),
}

// words are the words of the texts, so many of them, followed by those of the list, each once, in lower case.
func (o other) words() (words []string, inTexts int, err error) {
	all, n, err := wordsOf([]string{o.texts}, o.list)
	if err != nil {
		return nil, 0, err
	}
	have := map[string]bool{}
	for i, w := range all {
		if cut := sentiment.Words(w); have[w] || len(cut) != 1 || cut[0] != w || !letter.MatchString(w) {
			continue
		}
		if rare := obsolete[o.lang]; i >= n && rare != nil && rare.MatchString(w) {
			continue
		}
		have[w] = true
		if words = append(words, w); i < n {
			inTexts = len(words)
		}
	}
	return words, inTexts, nil
}

var letter = regexp.MustCompile(`\pL`)

// person is what Apertium puts before a verb's form.
var person = regexp.MustCompile(`^(i|you|he|she|it|we|they) `)

// marks are what Apertium puts before what it does not know, or cannot say.
const marks = "*@#"

// dictionary translates each word alone. A full stop stands behind each, so that Apertium does not take two for a
// phrase.
func (o other) dictionary(ctx context.Context, words []string, vectors map[string][]float64) (dictionary, error) {
	now := words
	for _, mode := range o.steps {
		cmd := exec.CommandContext(ctx, "apertium", mode)
		cmd.Stdin, cmd.Stderr = strings.NewReader(strings.Join(now, " .\n")+" .\n"), os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("apertium %s: %w", mode, err)
		}
		lines := strings.Split(string(bytes.TrimRight(out, "\n")), "\n")
		if len(lines) != len(words) {
			return nil, fmt.Errorf("apertium %s: %d lines for %d words", mode, len(lines), len(words))
		}
		now = make([]string, len(lines))
		for i, line := range lines {
			if now[i] = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(line), ".")); now[i] == "" {
				now[i] = "*"
			}
		}
	}
	d := dictionary{}
	for i, w := range words {
		if !strings.ContainsAny(now[i], marks) {
			d.translate(w, person.ReplaceAllString(strings.ToLower(now[i]), ""), 1, vectors)
		}
	}
	return d, nil
}

// exactly returns the translations of a word as it stands.
func (d dictionary) exactly(w string) []map[string]float64 {
	if e := d[w]; e != nil {
		return []map[string]float64{e}
	}
	return nil
}
