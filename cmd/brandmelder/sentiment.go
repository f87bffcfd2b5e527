package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"brandmelder/detect/sentiment"

	"github.com/spf13/cobra"
)

func sentimentCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sentiment",
		Short: "Score, measure and train the ear for tone",
		Args:  exactly(0, "one of score, eval and train"),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(sentimentScore(), sentimentEval(), sentimentTrain())
	return cmd
}

type toneOutcome struct {
	Text     string           `json:"text"`
	Tone     string           `json:"tone"`
	Negative float32          `json:"negative"`
	Neutral  float32          `json:"neutral"`
	Positive float32          `json:"positive"`
	Words    []sentiment.Word `json:"words"`
}

func sentimentScore() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "score [TEXT...]",
		Short:   "Say how texts are meant, and which words decided",
		Long:    "Scores each argument, or each line of standard input where there is none.",
		Example: "  brandmelder sentiment score 'nie wieder kaufe ich diesen Mist' 'love it!'",
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
			ear := sentiment.Default().Ear()
			out := []toneOutcome{}
			for _, text := range args {
				t := ear.Score(text)
				words := ear.Explain(text)
				slices.SortStableFunc(words, func(a, b sentiment.Word) int {
					if abs(a.Weight) > abs(b.Weight) {
						return -1
					}
					return 1
				})
				out = append(out, toneOutcome{text, sentiment.ClassNames[t.Class()], t[0], t[1], t[2], words[:min(len(words), 5)]})
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), out)
			}
			for _, o := range out {
				fmt.Fprintf(c.OutOrStdout(), "%-8s  -%2.0f %%  0 %2.0f %%  +%2.0f %%  %s\n", o.Tone, 100*o.Negative, 100*o.Neutral, 100*o.Positive, oneLine(o.Text, 100))
				for _, w := range o.Words {
					fmt.Fprintf(c.OutOrStdout(), "          %+.2f  %s\n", w.Weight, oneLine(w.Text, 40))
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value")
	return cmd
}

func abs(x float64) float64 { return max(x, -x) }

func readExamples(path string) ([]sentiment.Example, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return sentiment.ReadExamples(path, f)
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

func sentimentEval() *cobra.Command {
	var asJSON bool
	var lang, model string
	cmd := &cobra.Command{
		Use:     "eval FILE.tsv",
		Short:   "Measure the ear on labelled texts: 0, 1 or 2, a tab, the text",
		Example: "  brandmelder sentiment eval de.dev.tsv --lang de --json",
		Args:    exactly(1, "one file"),
		RunE: func(c *cobra.Command, args []string) error {
			if langs := []string{"", "de", "en", "es", "fr", "it", "pt"}; !slices.Contains(langs, lang) {
				return usage("--lang %q: the model hears%s", lang, strings.Join(langs, " "))
			}
			examples, err := readExamples(args[0])
			if err != nil {
				return err
			}
			m, err := modelAt(model)
			if err != nil {
				return err
			}
			ear := m.Ear()
			tones := make([]sentiment.Tone, len(examples))
			start := time.Now()
			for i := range examples {
				tones[i] = ear.Score(examples[i].Text)
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
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value")
	cmd.Flags().StringVar(&lang, "lang", "", "language of the texts: de, en, es, fr, it or pt (the model finds it out by itself)")
	cmd.Flags().StringVar(&model, "model", "", "a model file; default: the embedded one")
	return cmd
}

func sentimentTrain() *cobra.Command {
	var out, vectors string
	cmd := &cobra.Command{
		Use:     "train FILE.tsv...",
		Short:   "Train a model from labelled texts",
		Long:    "Trains a model from labelled texts, with an expert for each file: a language, or a kind of text. The same files in the same order give the same\nmodel to the byte.",
		Example: "  brandmelder sentiment train --vectors detect/sentiment/vectors.bin --out model.bin en.train.tsv de.train.tsv de-bahn.train.tsv fr.train.tsv es.train.tsv it.train.tsv pt.train.tsv",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 || out == "" {
				return usage("sentiment train wants --out FILE and files of labelled texts")
			}
			if len(args) > sentiment.MaxExperts {
				return usage("sentiment train takes at most %d files: each becomes an expert", sentiment.MaxExperts)
			}
			var sets [][]sentiment.Example
			for _, a := range args {
				set, err := readExamples(a)
				if err != nil {
					return err
				}
				sets = append(sets, set)
			}
			vec := &sentiment.Vectors{Dims: 1}
			if vectors != "" {
				f, err := os.Open(vectors)
				if err != nil {
					return err
				}
				defer f.Close()
				if vec, err = sentiment.ReadVectors(f); err != nil {
					return fmt.Errorf("%s: %w", vectors, err)
				}
			}
			bar := progress(c.ErrOrStderr(), 100, "training "+strings.Join(args, " "), false)
			m := sentiment.Train(sets, vec, func(done float64) { _ = bar.Set(int(100 * done)) })
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
	cmd.Flags().StringVar(&vectors, "vectors", "", "a file of word vectors, as detect/sentiment/vectors.bin; languages that have them are heard better")
	cmd.Flags().StringVar(&out, "out", "", "where to write the model")
	return cmd
}
