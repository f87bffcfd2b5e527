package main

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"brandmelder/brand"
	"brandmelder/cmd/brandmelder/story"
	"brandmelder/ingest"

	"github.com/spf13/cobra"
)

//go:embed demo/config.yaml demo/people.yaml
var demoFiles embed.FS

// demoConfig is the configuration of the invented maker of coffee machines.
func demoConfig() (*config, error) {
	data, err := demoFiles.ReadFile("demo/config.yaml")
	if err != nil {
		return nil, err
	}
	return parseConfig("demo/config.yaml", data, func(name string) ([]byte, fs.FileInfo, error) {
		b, err := demoFiles.ReadFile("demo/" + name)
		return b, nil, err
	})
}

func demoCommand() *cobra.Command {
	var opt demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "A crisis as a demo: three weeks of an invented maker of coffee machines in about a minute",
		Long: "Tells a crisis of an invented maker of coffee machines: calm weeks, a happy campaign, a bot's flood, a competitor's trouble, a\njoke that dies, and a faulty product whose storm crosses from X into the news. " +
			"Needs no network and no configuration. The page stays up\nfor looking around until Ctrl-C. With --once it runs to the end at full speed.",
		Example: "  brandmelder demo\n  brandmelder demo --once --json\n  brandmelder demo --mentions story.jsonl       writes the story's mentions and ends\n  brandmelder demo --once --events joke         ordinary life and the joke alone",
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			for _, e := range opt.events {
				if !slices.Contains(story.Events, e) {
					return usage("--events: there is no event %q; there are %s, or none for ordinary life", e, strings.Join(story.Events, ", "))
				}
			}
			if opt.mentions != "" {
				return writeMentions(opt.mentions, story.Tell(opt.events...))
			}
			if opt.json && !opt.once {
				return usage("--json wants --once")
			}
			if !loopback(opt.listen) {
				return usage("--listen %s: the demo has no password, so only this machine may reach it; want 127.0.0.1:PORT", opt.listen)
			}
			if !opt.once {
				return narrateDemo(c.Context(), c.OutOrStdout(), opt)
			}
			conf, err := demoConfig()
			if err != nil {
				return err
			}
			out, err := playStory(c.Context(), conf, opt)
			if err != nil {
				return err
			}
			return printOutcome(c.OutOrStdout(), out, opt.json)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&opt.once, "once", false, "run to the end at full speed, print what came of it, and end")
	f.BoolVar(&opt.json, "json", false, "with --once: print one JSON value")
	f.StringVar(&opt.mentions, "mentions", "", "write the story's mentions as JSON lines to this file, and end")
	f.StringSliceVar(&opt.events, "events", story.Events, "what happens beside ordinary life")
	f.StringVar(&opt.store, "store", "file::memory:", "an empty store to use, file:NAME or redis://…")
	f.StringVar(&opt.listen, "listen", "127.0.0.1:8080", "address of the page; the next free port is taken if it is in use")
	f.Float64Var(&opt.seconds, "seconds", 60, "how long it takes")
	return cmd
}

type demoOptions struct {
	once, json      bool
	mentions, store string
	listen          string
	events          []string
	seconds         float64
}

func writeMentions(path string, ms []brand.Mention) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	enc.SetEscapeHTML(false)
	for _, m := range ms {
		if err := enc.Encode(m); err != nil {
			return err
		}
	}
	return f.Close()
}

// playStory plays the story at full speed, as replay would play its recording.
func playStory(ctx context.Context, conf *config, opt demoOptions) (outcome, error) {
	st, err := openStore(ctx, opt.store)
	if err != nil {
		return outcome{}, err
	}
	defer st.Close()
	p, err := newPlayer(ctx, conf, st)
	if err != nil {
		return outcome{}, err
	}
	b := ingest.Batch{Mentions: story.Tell(opt.events...)}
	for _, m := range ingest.Prepare("demo", &b) {
		if err := p.add(ctx, m); err != nil {
			return outcome{}, err
		}
	}
	if len(b.Bad) > 0 {
		return outcome{}, fmt.Errorf("the story: %w", b.Bad[0].Err)
	}
	if err := p.finish(ctx); err != nil {
		return outcome{}, err
	}
	return p.outcome(ctx)
}
