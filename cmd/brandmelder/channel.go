package main

import (
	"context"
	"fmt"
	"time"

	"brandmelder/brand"
	"brandmelder/i18n"
	"brandmelder/strictyaml"

	"github.com/spf13/cobra"
)

func channelCommand() *cobra.Command {
	var confPath, to string
	cmd := &cobra.Command{
		Use:     "channel",
		Short:   "Try the ways by which people are called",
		Example: "  brandmelder channel test night --config config.yaml\n  brandmelder channel test post --to anna --config config.yaml",
		Args:    exactly(0, "test"),
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	test := &cobra.Command{
		Use:     "test NAME",
		Short:   "Send a message that says it is a test",
		Example: "  brandmelder channel test night --to anna --config config.yaml",
		Args:    exactly(1, "one channel's name"),
		RunE: func(c *cobra.Command, args []string) error {
			if confPath == "" {
				return usage("%s wants --config FILE", c.CommandPath())
			}
			conf, err := loadConfig(confPath)
			if err != nil {
				return err
			}
			person := conf.people.Person(to)
			if to != "" && person == nil {
				return usage("--to: there is no person %q in %s", to, conf.People)
			}
			for _, ch := range conf.channels {
				if ch.name != args[0] {
					continue
				}
				ctx, cancel := context.WithTimeout(c.Context(), 30*time.Second)
				defer cancel()
				if err := ch.channel.Send(ctx, testMessage(conf, ch.name, time.Now().UTC()), person); err != nil {
					return fmt.Errorf("channel %s: %w", ch.name, err)
				}
				fmt.Fprintf(c.OutOrStdout(), "channel %s took the message; now see whether it arrived\n", ch.name)
				return nil
			}
			names := channelNames(conf)
			return fmt.Errorf("%s has no channel %q%s", confPath, args[0], strictyaml.Suggest(args[0], names))
		},
	}
	test.Flags().StringVar(&confPath, "config", "", "configuration file")
	test.Flags().StringVar(&to, "to", "", "the person, for channels that need one")
	cmd.AddCommand(test)
	return cmd
}

// testMessage says in all its parts that nothing has happened. It ends at once, so that a pager does not keep it.
func testMessage(conf *config, channel string, now time.Time) brand.Message {
	p := i18n.In(conf.Language)
	return brand.Message{
		Incident: "test-" + channel, Kind: brand.Crisis, Lang: conf.Language, Topic: "test", Began: now, Ended: now, Drill: true,
		Link: conf.Web.PublicURL, Title: p.T("channel_test.title", "Channel", channel), Bad: p.T("channel_test.bad"),
		Since: p.T("channel_test.since"), Why: p.T("channel_test.why", "Channel", channel),
	}
}
