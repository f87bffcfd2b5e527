package main

import (
	"fmt"
	"time"

	"brandmelder/detect/relevance"

	"github.com/spf13/cobra"
)

func relevanceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "relevance",
		Short: "Measure the filter that separates mentions about the brand from others that share its name",
		Args:  exactly(0, "eval"),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(relevanceEval())
	return cmd
}

// relevanceReport is how well a filter works. Shares are percentages; precision and recall are those of what is about
// the brand.
type relevanceReport struct {
	N         int     `json:"n"`
	Accuracy  float64 `json:"accuracy"`
	MacroF1   float64 `json:"macro_f1"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	PerSecond float64 `json:"mentions_per_second"`
}

func relevanceEval() *cobra.Command {
	var train, test string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "eval --train A.tsv --test B.tsv",
		Short:   "Learn a filter from marked texts, and measure it on others: 1 (about the brand) or 0, a tab, the text",
		Example: "  brandmelder relevance eval --train marked.tsv --test others.tsv --json",
		Args:    exactly(0, "no words, only --train and --test"),
		RunE: func(c *cobra.Command, _ []string) error {
			if train == "" || test == "" {
				return usage("relevance eval wants --train FILE and --test FILE")
			}
			marks, err := readMarked(train)
			if err != nil {
				return err
			}
			held, err := readMarked(test)
			if err != nil {
				return err
			}
			filter := relevance.Learn(marks)
			r := measure(filter, held)
			if asJSON {
				return printJSON(c.OutOrStdout(), r)
			}
			if filter == nil {
				fmt.Fprintf(c.OutOrStdout(), "The marks are too few or too contradictory for a filter: nothing is held back.\n")
			}
			fmt.Fprintf(c.OutOrStdout(), "%d texts: accuracy %.1f %%, macro F1 %.1f %%; of those taken to be about the brand %.1f %% are, and %.1f %% of those that are are taken; %.0f texts a second\n", r.N, r.Accuracy, r.MacroF1, r.Precision, r.Recall, r.PerSecond)
			return nil
		},
	}
	cmd.Flags().StringVar(&train, "train", "", "the marked texts to learn from")
	cmd.Flags().StringVar(&test, "test", "", "the marked texts to measure on")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value")
	return cmd
}

func measure(f *relevance.Filter, marks []relevance.Example) relevanceReport {
	var r relevance.Reader
	var n [2][2]float64 // is, taken for
	start := time.Now()
	for _, m := range marks {
		is, taken := 0, 0
		if m.About {
			is = 1
		}
		if r.About(f, m.Text) >= 0.5 {
			taken = 1
		}
		n[is][taken]++
	}
	took := time.Since(start)
	f1 := func(c int) float64 { return 100 * 2 * n[c][c] / max(2*n[c][c]+n[c][1-c]+n[1-c][c], 1) }
	return relevanceReport{
		N: len(marks), Accuracy: 100 * (n[0][0] + n[1][1]) / max(float64(len(marks)), 1), MacroF1: (f1(0) + f1(1)) / 2,
		Precision: 100 * n[1][1] / max(n[1][1]+n[0][1], 1), Recall: 100 * n[1][1] / max(n[1][1]+n[1][0], 1), PerSecond: float64(len(marks)) / took.Seconds(),
	}
}

var aboutLabels = []string{"not about the brand", "about the brand"}

func readMarked(path string) ([]relevance.Example, error) {
	examples, err := readExamples(path, aboutLabels)
	var out []relevance.Example
	for _, ex := range examples {
		out = append(out, relevance.Example{Text: ex.Text, About: ex.Label == 1})
	}
	return out, err
}
