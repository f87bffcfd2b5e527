package main

import (
	"fmt"
	"os"

	"brandmelder/people"
	"brandmelder/playbooks"

	"github.com/spf13/cobra"
)

func playbooksCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "playbooks",
		Short:   "Check crisis plans",
		Example: "  brandmelder playbooks lint ./playbooks\n  brandmelder playbooks lint --people people.yaml builtin:de ./playbooks",
		Args:    exactly(0, "lint"),
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var peoplePath string
	lint := &cobra.Command{
		Use:     "lint PLACE…",
		Short:   "List every mistake of plans, with file:line:column, and what they lack",
		Long:    "A place is a file, a folder of *.yaml, builtin:de or builtin:en. Mistakes end with exit code 1; what is allowed and yet may not be\nmeant is reported as well.",
		Example: "  brandmelder playbooks lint builtin:de ./playbooks",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("%s wants at least one file or folder", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			shelf, err := playbooks.Load(args...)
			if err != nil {
				return err
			}
			if peoplePath != "" {
				data, err := os.ReadFile(peoplePath)
				if err != nil {
					return fmt.Errorf("people: %w", err)
				}
				folk, err := people.Parse(peoplePath, data)
				if err != nil {
					return err
				}
				if err := folk.Check(wanted(shelf)); err != nil {
					return err
				}
			}
			fmt.Fprintf(c.OutOrStdout(), "%d plans are right\n", len(shelf.Books()))
			for _, hint := range shelf.Hints() {
				fmt.Fprintln(c.OutOrStdout(), "mind:", hint)
			}
			return nil
		},
	}
	lint.Flags().StringVar(&peoplePath, "people", "", "the people file, to see that the plans' people are there")
	cmd.AddCommand(lint)
	return cmd
}

// wanted are the one-voice owners that the playbooks name.
func wanted(s *playbooks.Shelf) (out []people.Wanted) {
	for _, b := range s.Books() {
		out = append(out, people.Wanted{Playbook: b.ID, File: b.File, Owner: b.Owner, Builtin: b.Builtin()})
	}
	return out
}
