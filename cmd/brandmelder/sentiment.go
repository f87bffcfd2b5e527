package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"brandmelder/detect/sentiment"

	"github.com/spf13/cobra"
)

func sentimentCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sentiment",
		Short: "Score, measure and train the tone model",
		Args:  exactly(0, "one of score, eval, checks and train"),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(sentimentScore(), sentimentEval(), sentimentChecks(), sentimentTrain())
	return cmd
}

type toneOutcome struct {
	Text     string           `json:"text"`
	Tone     string           `json:"tone"`
	Whole    string           `json:"whole"` // of the text, whoever it is meant towards
	Negative float32          `json:"negative"`
	Neutral  float32          `json:"neutral"`
	Positive float32          `json:"positive"`
	Offense  float32          `json:"offensive"`
	Words    []sentiment.Word `json:"words"`
}

func sentimentScore() *cobra.Command {
	var asJSON bool
	var model string
	var towards []string
	cmd := &cobra.Command{
		Use:     "score [TEXT...]",
		Short:   "Say how texts are meant, and which words decided",
		Long:    "Scores each argument, or each line of standard input where there is none. With --towards it says how they are meant towards that brand, beside how\nthey are meant as a whole.",
		Example: "  brandmelder sentiment score 'nie wieder kaufe ich diesen Mist' 'love it!'\n  brandmelder sentiment score --towards Velta 'Acme is great, unlike Velta'",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				sc := bufio.NewScanner(c.InOrStdin())
				sc.Buffer(nil, 1<<20)
				for sc.Scan() {
					args = append(args, sc.Text())
				}
				if err := sc.Err(); err != nil {
					return fmt.Errorf("standard input: %w", err)
				}
			}
			m, err := modelAt(model)
			if err != nil {
				return err
			}
			scorer := m.Scorer()
			out := []toneOutcome{}
			for _, text := range args {
				t := scorer.Score(text)
				words := scorer.Explain(text)
				slices.SortStableFunc(words, func(a, b sentiment.Word) int {
					if abs(a.Weight) > abs(b.Weight) {
						return -1
					}
					return 1
				})
				whole := t
				if len(towards) > 0 {
					t = scorer.Towards(text, towards...)
				}
				out = append(out, toneOutcome{text, sentiment.ClassNames[t.Class()], sentiment.ClassNames[whole.Class()], t[0], t[1], t[2], scorer.Offensive(text), words[:min(len(words), 5)]})
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), out)
			}
			for _, o := range out {
				offence := ""
				if o.Offense >= 0.5 {
					offence = fmt.Sprintf("  (offensive, %.0f %%)", 100*o.Offense)
				}
				if o.Whole != o.Tone {
					offence += "  (as a whole: " + o.Whole + ")"
				}
				fmt.Fprintf(c.OutOrStdout(), "%-8s  -%2.0f %%  0 %2.0f %%  +%2.0f %%  %s%s\n", o.Tone, 100*o.Negative, 100*o.Neutral, 100*o.Positive, oneLine(o.Text, 100), offence)
				for _, w := range o.Words {
					fmt.Fprintf(c.OutOrStdout(), "          %+.2f  %s\n", w.Weight, oneLine(w.Text, 40))
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value")
	cmd.Flags().StringVar(&model, "model", "", "a model file; default: the embedded one")
	cmd.Flags().StringSliceVar(&towards, "towards", nil, "a brand, or several words that name it")
	return cmd
}

func sentimentChecks() *cobra.Command {
	var asJSON bool
	var model string
	cmd := &cobra.Command{
		Use:     "checks",
		Short:   "Ask the tone model about sentences written by hand: negation, contrast, sarcasm and others, kind by kind",
		Example: "  brandmelder sentiment checks\n  brandmelder sentiment checks --json",
		Args:    exactly(0, "no words"),
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := modelAt(model)
			if err != nil {
				return err
			}
			all := []sentiment.Checked{}
			for _, lang := range sentiment.CheckLanguages {
				some, err := m.Scorer().RunChecks(lang)
				if err != nil {
					return err
				}
				all = append(all, some...)
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), all)
			}
			for _, k := range all {
				fmt.Fprintf(c.OutOrStdout(), "%s  %-12s  %2d of %d, %.0f %%\n", k.Lang, k.Kind, k.Right, k.N, 100*float64(k.Right)/float64(k.N))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value, with the sentences that are misunderstood")
	cmd.Flags().StringVar(&model, "model", "", "a model file; default: the embedded one")
	return cmd
}

func abs(x float64) float64 { return max(x, -x) }

func readExamples(path string, answers []string) ([]sentiment.Example, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return sentiment.ReadExamples(path, f, answers)
}

// modelAt is the model of a file, or the embedded one.
func modelAt(path string) (*sentiment.Model, error) {
	if path == "" {
		return sentiment.Default(), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := sentiment.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// readAll reads the examples of several files.
func readAll(paths, answers []string) ([]sentiment.Example, error) {
	var all []sentiment.Example
	for _, p := range paths {
		ex, err := readExamples(p, answers)
		if err != nil {
			return nil, err
		}
		all = append(all, ex...)
	}
	return all, nil
}

func sentimentEval() *cobra.Command {
	var asJSON bool
	var folds int
	var lang, model string
	cmd := &cobra.Command{
		Use:     "eval FILE.tsv",
		Short:   "Measure the tone model on labelled texts: 0, 1 or 2, a tab, the text",
		Example: "  brandmelder sentiment eval de.dev.tsv --lang de --json",
		Args:    exactly(1, "one file"),
		RunE: func(c *cobra.Command, args []string) error {
			if langs := []string{"", "de", "en", "es", "fr", "it", "pt"}; !slices.Contains(langs, lang) {
				return usage("--lang %q: the model knows%s", lang, strings.Join(langs, " "))
			}
			answers := sentiment.ClassNames[:]
			if folds != 0 {
				answers = sentiment.OffenceLabels
			}
			examples, err := readExamples(args[0], answers)
			if err != nil {
				return err
			}
			if folds != 0 {
				return crossOffence(c, examples, folds, asJSON)
			}
			m, err := modelAt(model)
			if err != nil {
				return err
			}
			scorer := m.Scorer()
			tones := make([]sentiment.Tone, len(examples))
			start := time.Now()
			for i := range examples {
				tones[i] = scorer.Score(examples[i].Text)
			}
			took := time.Since(start)
			r := sentiment.Evaluate(examples, tones)
			r.PerSecond = float64(len(examples)) / took.Seconds()
			if asJSON {
				return printJSON(c.OutOrStdout(), r)
			}
			w := c.OutOrStdout()
			in := r.Intervals
			fmt.Fprintf(w, "%d texts: accuracy %.1f %% (%.1f to %.1f), macro recall %.1f %% (%.1f to %.1f), macro F1 %.1f %% (%.1f to %.1f), calibration error %.3f, %.0f texts a second\n",
				r.N, r.Accuracy, in.Accuracy[0], in.Accuracy[1], r.MacroRecall, in.MacroRecall[0], in.MacroRecall[1], r.MacroF1, in.MacroF1[0], in.MacroF1[1], r.ECE, r.PerSecond)
			for _, name := range sentiment.ClassNames {
				s := r.PerClass[name]
				fmt.Fprintf(w, "  %-8s  %5d  precision %.1f %%, recall %.1f %%, F1 %.1f %%\n", name, s.N, s.Precision, s.Recall, s.F1)
			}
			for _, l := range r.Looks {
				fmt.Fprintf(w, "  %-10s  %5d  accuracy %.1f %%, macro recall %.1f %%\n", l.Name, l.N, l.Accuracy, l.MacroRecall)
			}
			fmt.Fprintf(w, "  counted as negative, by tenths: negative texts %.2f, others %.2f\n", r.Counted.Negative, r.Counted.Other)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value")
	cmd.Flags().StringVar(&lang, "lang", "", "language of the texts: de, en, es, fr, it or pt (the model finds it out by itself)")
	cmd.Flags().StringVar(&model, "model", "", "a model file; default: the embedded one")
	cmd.Flags().IntVar(&folds, "folds", 0, "the texts are labelled 0 (other) or 1 (offensive): train on all of so many parts but one, and measure on that, in turn")
	return cmd
}

// crossOffence measures how well offence is found in the texts.
func crossOffence(c *cobra.Command, examples []sentiment.Example, folds int, asJSON bool) error {
	if folds < 2 || folds > len(examples) {
		return usage("--folds %d: want 2 to the number of texts", folds)
	}
	r := sentiment.CrossOffence(examples, folds)
	if asJSON {
		return printJSON(c.OutOrStdout(), r)
	}
	fmt.Fprintf(c.OutOrStdout(), "%d texts in %d parts: accuracy %.1f %%, macro F1 %.1f %%; of those taken for offensive %.1f %% are, and %.1f %% of those that are are found; calibration error %.3f\n",
		r.N, r.Folds, r.Accuracy, r.MacroF1, r.Precision, r.Recall, r.ECE)
	return nil
}

func sentimentTrain() *cobra.Command {
	var out, vectors string
	var offensive, extra, apart []string
	var about map[string]string
	cmd := &cobra.Command{
		Use:     "train FILE.tsv...",
		Short:   "Train a model from labelled texts",
		Long:    "Trains a model from labelled texts, with an expert for each file: a language, or a kind of text. A file's name begins with the\nlanguage, as in de.train.tsv and de-bahn.train.tsv. The same files in the same order give the same\nmodel to the byte.",
		Example: "  brandmelder sentiment train --vectors detect/sentiment/vectors.bin --out model.bin en.train.tsv de.train.tsv de-bahn.train.tsv fr.train.tsv es.train.tsv it.train.tsv pt.train.tsv",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 || out == "" {
				return usage("sentiment train wants --out FILE and files of labelled texts")
			}
			if len(args) > sentiment.MaxExperts {
				return usage("sentiment train takes at most %d files: each becomes an expert", sentiment.MaxExperts)
			}
			var l sentiment.Lessons
			kept, err := readAll(apart, sentiment.ClassNames[:])
			if err != nil {
				return err
			}
			for _, a := range args {
				lang := strings.FieldsFunc(filepath.Base(a)+" ", func(r rune) bool { return r == '.' || r == '-' })[0]
				if len(lang) != 2 {
					return usage("%s: the name has to begin with the language of the texts, as de.tsv or de-news.tsv does", a)
				}
				set, err := readExamples(a, sentiment.ClassNames[:])
				if err != nil {
					return err
				}
				left := sentiment.Apart(set, kept)
				if n := len(set) - len(left); n > 0 {
					fmt.Fprintf(c.ErrOrStderr(), "%s: %d texts are left out: nearly the same stand in the files kept apart\n", a, n)
				}
				l.Sets = append(l.Sets, sentiment.Set{Lang: lang, Examples: left})
			}
			if len(about) > 1 {
				return usage("sentiment train takes one --about: a model asks that of one kind of text")
			}
			for set, file := range about {
				k := slices.Index(args, set)
				if k < 0 {
					return usage("--about %s=%s: %s is not among the files to train on", set, file, set)
				}
				marks, err := readExamples(file, aboutLabels)
				if err != nil {
					return err
				}
				marks = sentiment.Apart(marks, kept)
				for label, answer := range aboutLabels {
					if !slices.ContainsFunc(marks, func(ex sentiment.Example) bool { return ex.Label == label }) {
						return fmt.Errorf("%s: no text to learn from is labelled %d (%s): give some of both", file, label, answer)
					}
				}
				l.Sets[k].About = marks
			}
			if l.Offensive, err = readAll(offensive, sentiment.OffenceLabels); err != nil {
				return err
			}
			if l.Extra, err = readAll(extra, sentiment.ClassNames[:]); err != nil {
				return err
			}
			if vectors != "" {
				f, err := os.Open(vectors)
				if err != nil {
					return err
				}
				defer f.Close()
				if l.Vectors, err = sentiment.ReadVectors(f); err != nil {
					return fmt.Errorf("%s: %w", vectors, err)
				}
			}
			bar := progress(c.ErrOrStderr(), 100, "training "+strings.Join(args, " "), false)
			m := sentiment.Train(l, func(done float64) { _ = bar.Set(int(100 * done)) })
			f, err := os.Create(out)
			if err != nil {
				return err
			}
			if err := m.Write(io.Writer(f)); err != nil {
				return fmt.Errorf("%s: %w", out, err)
			}
			return f.Close()
		},
	}
	cmd.Flags().StringVar(&vectors, "vectors", "", "a file of word vectors, as detect/sentiment/vectors.bin; languages that have them are judged better")
	cmd.Flags().StringSliceVar(&offensive, "offensive", nil, "files of texts labelled 0 (other) or 1 (offensive)")
	cmd.Flags().StringToStringVar(&about, "about", nil, "SET=FILE: of the texts of one of the files, whether they are about its matter (1) or only seem so and are neutral (0)")
	cmd.Flags().StringSliceVar(&extra, "extra", nil, "files of further labelled texts, such as corrections writes; each text goes to the expert whose matter it is")
	cmd.Flags().StringSliceVar(&apart, "apart", nil, "files that the model will be measured on: texts nearly the same are left out of training")
	cmd.Flags().StringVar(&out, "out", "", "where to write the model")
	return cmd
}
