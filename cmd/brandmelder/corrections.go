package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"brandmelder/brand"
	"brandmelder/detect/sentiment"

	"github.com/spf13/cobra"
)

func correctionsCommand() *cobra.Command {
	var confPath, what string
	cmd := &cobra.Command{
		Use:   "corrections --config C --what tone|about",
		Short: "Write what people corrected on the pages, to train and measure with",
		Long: "Writes labelled texts, a line each: for tone 0 (negative), 1 (neutral) or 2 (positive), for about 1 (about the brand) or 0; a tab; the text on one line.\n" +
			"Tone can be added in sentiment train --extra; about is what relevance eval takes.",
		Example: "  brandmelder corrections --config config.yaml --what tone > extra.tsv",
		Args:    exactly(0, "no words, only --config and --what"),
		RunE: func(c *cobra.Command, _ []string) error {
			if what != "tone" && what != "about" {
				return usage("corrections wants --what tone or --what about")
			}
			st, err := openConfigured(c.Context(), c, confPath)
			if err != nil {
				return err
			}
			defer st.Close()
			docs, err := st.Pinned(c.Context(), brand.CorrectionKey)
			if err != nil {
				return err
			}
			var all []brand.Correction
			for key, doc := range docs {
				var one brand.Correction
				if err := json.Unmarshal(doc, &one); err != nil {
					return fmt.Errorf("read %s of the board: %w", key, err)
				}
				all = append(all, one)
			}
			slices.SortFunc(all, func(a, b brand.Correction) int {
				return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Key(), b.Key()))
			})
			for _, one := range all {
				label := map[brand.About]string{brand.AboutUs: "1", brand.NotAboutUs: "0"}[one.About]
				if what == "tone" {
					label = ""
					if i := slices.Index(sentiment.ClassNames[:], string(one.Meant)); i >= 0 {
						label = fmt.Sprint(i)
					}
				}
				if label != "" {
					fmt.Fprintf(c.OutOrStdout(), "%s\t%s\n", label, strings.Join(strings.Fields(one.Text), " "))
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&confPath, "config", "", "the configuration file")
	cmd.Flags().StringVar(&what, "what", "", "tone or about")
	return cmd
}
