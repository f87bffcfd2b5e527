package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"brandmelder/alert/foreign"
	"brandmelder/brand"
	"brandmelder/ingest"
	"brandmelder/strictyaml"

	"github.com/spf13/cobra"
)

func sourceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "source",
		Short:   "Try what is listened to, and find more",
		Example: "  brandmelder source test newspaper --config config.yaml\n  brandmelder source find https://news.example",
		Args:    exactly(0, "test or find"),
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(sourceTestCommand(), sourceFindCommand())
	return cmd
}

func sourceTestCommand() *cobra.Command {
	var confPath string
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "test [NAME]",
		Short: "Visit a source once, or all, and show five mentions of each",
		Long: "Visits a source, or without a name all of them one after the other, as run would for the first time, and shows the first five mentions. Nothing is kept, and no\n" +
			"cursor moves. A stream is listened to for --wait. Of a source with a budget the posts that are read are billed.",
		Example: "  brandmelder source test newspaper --config config.yaml\n  brandmelder source test --config config.yaml",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if confPath == "" {
				return usage("%s wants --config FILE", c.CommandPath())
			}
			conf, err := loadConfig(confPath)
			if err != nil {
				return err
			}
			var names []string
			var errs []error
			for _, s := range conf.Sources {
				name := ingest.NameOf(s)
				names = append(names, name)
				if len(args) > 0 && args[0] != name {
					continue
				}
				if err := trySource(c, conf, s, wait); err != nil {
					errs = append(errs, err)
				}
				if len(args) > 0 {
					return errors.Join(errs...)
				}
			}
			if len(args) > 0 {
				return fmt.Errorf("%s has no source %q%s", confPath, args[0], strictyaml.Suggest(args[0], names))
			}
			return errors.Join(errs...)
		},
	}
	cmd.Flags().StringVar(&confPath, "config", "", "configuration file")
	cmd.Flags().DurationVar(&wait, "wait", 30*time.Second, "the longest that a source is listened to")
	return cmd
}

func trySource(c *cobra.Command, conf *config, s ingest.Config, wait time.Duration) error {
	out, name := c.OutOrStdout(), ingest.NameOf(s)
	if s.Kind == "webhook" {
		fmt.Fprintf(out, "%s (%s): others push to %s/hooks/%s while run is running\n", name, s.Kind, conf.Web.PublicURL, url.PathEscape(s.Name))
		return nil
	}
	got, err := ingest.Try(c.Context(), s, conf.topics, conf.Contact, 5, wait)
	if err != nil {
		fmt.Fprintf(out, "%s (%s): fails\n", name, s.Kind)
		return fmt.Errorf("source %s: %w", name, flatError{err})
	}
	switch {
	case len(got.Mentions) > 0:
		fmt.Fprintf(out, "%s (%s): right\n", name, s.Kind)
	default:
		fmt.Fprintf(out, "%s (%s): it answers, and has nothing now\n", name, s.Kind)
	}
	if got.Note != "" {
		fmt.Fprintln(out, "  mind:", clean(got.Note))
	}
	for _, m := range got.Mentions {
		printMention(out, &m)
	}
	for _, bad := range got.Bad[:min(len(got.Bad), 3)] {
		fmt.Fprintln(out, "  cannot be read:", flatError{bad.Err})
	}
	return nil
}

func printMention(out io.Writer, m *brand.Mention) {
	if m.Kind == brand.Tally {
		fmt.Fprintf(out, "  %s  %s: %d posts counted\n", m.At.Format("2006-01-02 15:04"), m.Topic, m.Count)
		return
	}
	text := foreign.Line(m.Body(), 100)
	fmt.Fprintf(out, "  %s  %s: %s\n", m.At.Format("2006-01-02 15:04"), clean(m.Author), text)
}

// clean makes one line of what strangers wrote, without what would move a terminal's cursor or turn its lines around.
func clean(s string) string { return foreign.Line(s, 0) }

// flatError is an error of a source, which may hold what a server said: nothing in it begins a line of its own.
type flatError struct{ error }

func (e flatError) Error() string { return clean(e.error.Error()) }
func (e flatError) Unwrap() error { return e.error }

func sourceFindCommand() *cobra.Command {
	var asJSON, private bool
	cmd := &cobra.Command{
		Use:     "find URL",
		Short:   "Find the feeds of a site, as lines for the configuration",
		Example: "  brandmelder source find https://news.example",
		Args:    exactly(1, "a site's address"),
		RunE: func(c *cobra.Command, args []string) error {
			var allow map[string]bool
			if private {
				allow = ingest.Private(args[0])
			}
			found, err := ingest.Find(c.Context(), ingest.NewClient(allow, ""), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(c.OutOrStdout()).Encode(append([]ingest.Found{}, found...))
			}
			if len(found) == 0 {
				return fmt.Errorf("%s names no feed, and has none in the usual places", args[0])
			}
			fmt.Fprintln(c.OutOrStdout(), "sources:")
			for _, f := range found {
				fmt.Fprintf(c.OutOrStdout(), "  - {kind: feed, url: %q}   # %s: %d items, %s\n", f.URL, clean(f.Title), f.Items, f.How)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON value")
	cmd.Flags().BoolVar(&private, "allow-private", false, "the site may have a private address")
	return cmd
}
