package main

import (
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
			all, err := st.Corrections(c.Context())
			if err != nil {
				return err
			}
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
