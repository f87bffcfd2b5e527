package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/cmd/brandmelder/story"
	"brandmelder/i18n"
	"brandmelder/ingest"
	"brandmelder/strictyaml"

	"github.com/spf13/cobra"
)

func drillCommand() *cobra.Command {
	var confPath, topic string
	var level int
	var dry bool
	cmd := &cobra.Command{
		Use:   "drill",
		Short: "A crisis exercise through the whole chain, marked as one everywhere",
		Long: "Plays a storm about one of your topics through match, tone and detector, beside the real store, and hands what the detector reports to the\n" +
			"running daemon's desk: it opens an incident marked DRILL, calls the real owner by the real channels, escalates, and waits for answers\n" +
			"like any other. The topic's baseline does not change, and the metrics do not count it. Close it on its page when you are done.",
		Example: "  brandmelder drill --config config.yaml\n  brandmelder drill --config config.yaml --topic acme --level 5\n  brandmelder drill --config config.yaml --dry-run      shows what would be reported, and calls nobody",
		Args:    exactly(0, "no arguments, but --config"),
		RunE: func(c *cobra.Command, _ []string) error {
			if confPath == "" {
				return usage("%s wants --config FILE", c.CommandPath())
			}
			if level < 0 || level > 6 {
				return usage("--level: want 0 to 6; 0 leaves it to the detector")
			}
			conf, err := loadConfig(confPath)
			if err != nil {
				return err
			}
			var names []string
			var about *brand.Topic
			for i, t := range conf.topics {
				names = append(names, t.Name)
				if own := t.Role == "" || t.Role == brand.Own; about == nil && own && (topic == "" || topic == t.Name) {
					about = &conf.topics[i]
				}
			}
			if about == nil {
				return usage("--topic: there is no own topic %q%s", topic, strictyaml.Suggest(topic, names))
			}
			sp, err := drillSpike(c.Context(), conf, *about, time.Now().UTC())
			if err != nil {
				return err
			}
			if level > 0 {
				sp.Level = brand.Level(level)
			}
			fmt.Fprintf(c.OutOrStdout(), "DRILL: %s, %s: %s\n", sp.Topic, sp.Level, i18n.In(conf.Language).Why(&sp))
			if dry {
				return nil
			}
			st, err := openBeside(c.Context(), conf.Store)
			if err != nil {
				return err
			}
			defer st.Close()
			if err := st.AppendSpikes(c.Context(), []brand.Spike{sp}); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "handed to the desk; a daemon with the role alert calls now. Its pages: %s\n", conf.Web.PublicURL)
			return nil
		},
	}
	cmd.Flags().StringVar(&confPath, "config", "", "configuration file")
	cmd.Flags().StringVar(&topic, "topic", "", "the own topic that it is about; default the first")
	cmd.Flags().IntVar(&level, "level", 0, "1 to 6; 0 leaves it to the detector")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "show what would be reported, and call nobody")
	return cmd
}

// drillSpike gives the detector the demo's storm as if it were about the topic, until it reports it, and moves that
// moment to now.
func drillSpike(ctx context.Context, conf *config, about brand.Topic, now time.Time) (brand.Spike, error) {
	invented := *conf
	invented.Shards = 1
	invented.topics = []brand.Topic{{Name: about.Name, Query: "moccaria*"}}
	st, err := openStore(ctx, "file::memory:")
	if err != nil {
		return brand.Spike{}, err
	}
	defer st.Close()
	p, err := newPlayer(ctx, &invented, st)
	if err != nil {
		return brand.Spike{}, err
	}
	p.desk = nil
	began := story.Starts[story.Storm]
	b := ingest.Batch{Mentions: story.Tell(story.Storm)}
	for _, m := range ingest.Prepare("drill", &b) {
		if m.At.Before(began.Add(-10*24*time.Hour)) || m.At.After(began.Add(40*time.Minute)) {
			continue
		}
		if err := p.add(ctx, m); err != nil {
			return brand.Spike{}, err
		}
	}
	reported, err := st.RecentSpikes(ctx, "", "", 100)
	if err != nil {
		return brand.Spike{}, err
	}
	for _, e := range reported { // newest first: the storm as it has grown
		if sp := e.Spike; sp.Kind != brand.Praise && sp.Level > brand.LightAir {
			return moved(sp, about.Name, now)
		}
	}
	return brand.Spike{}, errors.New("the exercise's storm was not recognised; this is a mistake in brandmelder")
}

// moved is the spike as if it were about the name, and reported now.
func moved(sp brand.Spike, name string, now time.Time) (out brand.Spike, err error) {
	doc, err := json.Marshal(sp)
	if err != nil {
		return out, err
	}
	inJSON, err := json.Marshal(name)
	if err != nil {
		return out, err
	}
	name = string(inJSON[1 : len(inJSON)-1])
	doc = []byte(strings.NewReplacer("Moccaria", name, "moccaria", strings.ToLower(name)).Replace(string(doc)))
	if err := json.Unmarshal(doc, &out); err != nil {
		return out, err
	}
	now = now.Truncate(time.Second)
	by := now.Sub(out.Updated)
	for _, t := range []*time.Time{&out.Began, &out.Detected, &out.Updated} {
		*t = t.Add(by)
	}
	for i := range out.Series {
		out.Series[i].At = out.Series[i].At.Add(by)
	}
	for i := range out.Evidence.Samples {
		out.Evidence.Samples[i].At = out.Evidence.Samples[i].At.Add(by)
	}
	if out.Evidence.First != nil {
		out.Evidence.First.At = out.Evidence.First.At.Add(by)
	}
	out.Drill, out.State, out.ID = true, brand.Opened, brand.Hash("drill", out.Topic, fmt.Sprint(now.UnixNano()))
	return out, nil
}
