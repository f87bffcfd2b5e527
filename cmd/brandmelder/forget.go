package main

import (
	"fmt"
	"os/user"
	"strings"
	"time"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/store"

	"github.com/spf13/cobra"
)

func forgetCommand() *cobra.Command {
	var confPath, source string
	var yes, log bool
	cmd := &cobra.Command{
		Use:   "forget AUTHOR",
		Short: "Remove what a person wrote, everywhere",
		Long: "Removes a person's mentions with their matches, what spikes and incidents quote of them, dead letters and corrections of their texts. AUTHOR is the name as the pages show it,\n" +
			"with or without @. That it was done, by whom and how much, is logged without the name (--log shows it). What the person writes later is read again. A spike that the desk has not\n" +
			"received yet stays: ask again a minute later. Without --yes it only counts.",
		Example: "  brandmelder forget @anna --config config.yaml\n  brandmelder forget @anna --source mastodon --yes --config config.yaml",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if log == (len(args) == 1) {
				return usage("forget wants a person's name, or --log")
			}
			st, err := openConfigured(c.Context(), c, confPath)
			if err != nil {
				return err
			}
			defer st.Close()
			if log {
				return printErasures(c, st)
			}
			name := strings.ToLower(strings.TrimPrefix(args[0], "@"))
			who := func(m *brand.Mention) bool {
				return (source == "" || m.Source == source) && m.Author != "" && strings.ToLower(strings.TrimPrefix(m.Author, "@")) == name
			}
			if !yes {
				n, err := store.Count(c.Context(), st, who)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%d mentions are by %s; to remove them, and what is quoted of them, add --yes\n", n, clean(args[0]))
				return nil
			}
			desk, err := alert.Received(c.Context(), st)
			if err != nil {
				return err
			}
			entry := store.Erasure{At: time.Now().UTC(), By: "somebody"}
			if u, err := user.Current(); err == nil {
				entry.By = u.Username
			}
			if entry.Forgotten, err = store.Forget(c.Context(), st, desk, who); err != nil {
				return fmt.Errorf("not everything is removed yet, ask again: %w", err)
			}
			if err := st.LogErasure(c.Context(), entry); err != nil {
				return err
			}
			printErasure(c, &entry)
			return nil
		},
	}
	cmd.Flags().StringVar(&confPath, "config", "", "configuration file")
	cmd.Flags().StringVar(&source, "source", "", "only of this network, such as mastodon")
	cmd.Flags().BoolVar(&yes, "yes", false, "remove, do not only count")
	cmd.Flags().BoolVar(&log, "log", false, "show what was forgotten, when and by whom it was asked")
	return cmd
}

func printErasure(c *cobra.Command, e *store.Erasure) {
	fmt.Fprintf(c.OutOrStdout(), "%s by %s: %d mentions, quoted in %d spikes and %d incidents, %d dead letters, %d corrections\n",
		e.At.Format("2006-01-02 15:04"), e.By, e.Mentions, e.Spikes, e.Incidents, e.DeadLetters, e.Corrections)
}

func printErasures(c *cobra.Command, st store.Erasures) error {
	es, err := st.Erasures(c.Context())
	for i := range es {
		printErasure(c, &es[i])
	}
	return err
}
