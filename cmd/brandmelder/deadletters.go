package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"brandmelder/alert"
	"brandmelder/ingest"
	"brandmelder/store"

	"github.com/spf13/cobra"
)

const manyLetters = 10000

func deadLettersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "dead-letters",
		Short:   "Look at what could not be handled, and try it again",
		Example: "  brandmelder dead-letters list --config config.yaml\n  brandmelder dead-letters replay --config config.yaml 1f2e3d\n  brandmelder dead-letters replay --config config.yaml --all",
		Args:    exactly(0, "list, replay or drop"),
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var confPath string
	var asJSON, all bool
	with := func(f func(ctx context.Context, c *cobra.Command, st store.Store, args []string) error) func(*cobra.Command, []string) error {
		return func(c *cobra.Command, args []string) error {
			st, err := openConfigured(c.Context(), c, confPath)
			if err != nil {
				return err
			}
			defer st.Close()
			return f(c.Context(), c, st, args)
		}
	}
	list := &cobra.Command{
		Use: "list", Short: "Show them, newest first", Args: exactly(0, "no arguments, but --config"), Example: "  brandmelder dead-letters list --config config.yaml --json",
		RunE: with(func(ctx context.Context, c *cobra.Command, st store.Store, _ []string) error {
			ds, err := st.ListDeadLetters(ctx, manyLetters)
			if err != nil {
				return err
			}
			if asJSON {
				if ds == nil {
					ds = []store.DeadLetter{}
				}
				return printJSON(c.OutOrStdout(), ds)
			}
			for _, d := range ds {
				fmt.Fprintf(c.OutOrStdout(), "%s  %s  %s, %s: %s\n    %s\n", d.ID, stamp(d.At), d.Room, d.From, oneLine(d.Error, 200), oneLine(d.Item, 200))
			}
			fmt.Fprintf(c.OutOrStdout(), "%d dead letters\n", len(ds))
			return nil
		}),
	}
	list.Flags().BoolVar(&asJSON, "json", false, "print one JSON value")
	// each does something with the dead letters that were named, or with all, and removes those that it succeeded with.
	each := func(done string, do func(ctx context.Context, st store.Store, d store.DeadLetter) error) func(*cobra.Command, []string) error {
		return with(func(ctx context.Context, c *cobra.Command, st store.Store, args []string) error {
			if all == (len(args) > 0) {
				return usage("%s wants the ids of dead letters, or --all", c.CommandPath())
			}
			ds, err := st.ListDeadLetters(ctx, manyLetters)
			if err != nil {
				return err
			}
			byID := map[string]store.DeadLetter{}
			for _, d := range ds {
				byID[d.ID] = d
				if all {
					args = append(args, d.ID)
				}
			}
			var errs []error
			n := 0
			for _, id := range args {
				d, ok := byID[id]
				if !ok {
					errs = append(errs, fmt.Errorf("dead letter %s: %w", id, store.ErrNotFound))
					continue
				}
				if err := do(ctx, st, d); err != nil {
					errs = append(errs, err)
					continue
				}
				if err := st.DropDeadLetter(ctx, id); err != nil {
					return err
				}
				n++
			}
			fmt.Fprintf(c.OutOrStdout(), "%d %s\n", n, done)
			return errors.Join(errs...)
		})
	}
	conf := sync.OnceValues(func() (*config, error) { return loadConfig(confPath) })
	replay := &cobra.Command{
		Use: "replay [ID…]", Short: "Try them again: mentions go on the stream, calls into the outbox", Example: "  brandmelder dead-letters replay --config config.yaml --all",
		RunE: each("tried again", func(ctx context.Context, st store.Store, d store.DeadLetter) error {
			if d.Room == "alert" {
				return alert.Replay(ctx, st, d, time.Now())
			}
			c, err := conf()
			if err != nil {
				return err
			}
			return ingest.Replay(ctx, st, d, c.Sources, c.authors, time.Now())
		}),
	}
	drop := &cobra.Command{
		Use: "drop [ID…]", Short: "Forget them", Example: "  brandmelder dead-letters drop --config config.yaml 1f2e3d",
		RunE: each("dropped", func(context.Context, store.Store, store.DeadLetter) error { return nil }),
	}
	for _, sub := range []*cobra.Command{list, replay, drop} {
		sub.Flags().StringVar(&confPath, "config", "", "configuration file")
		if sub != list {
			sub.Flags().BoolVar(&all, "all", false, "all of them")
		}
		cmd.AddCommand(sub)
	}
	return cmd
}

// openConfigured opens the store of the configuration that a command was given.
func openConfigured(ctx context.Context, c *cobra.Command, confPath string) (store.Store, error) {
	if confPath == "" {
		return nil, usage("%s wants --config FILE", c.CommandPath())
	}
	conf, err := loadConfig(confPath)
	if err != nil {
		return nil, err
	}
	return openBeside(ctx, conf.Store)
}
