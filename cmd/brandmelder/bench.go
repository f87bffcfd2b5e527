package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/cmd/brandmelder/story"
	"brandmelder/detect"

	"github.com/spf13/cobra"
)

// benchResult is what bench measures: mentions a second on one core, and how often as long as encoding/json takes for
// the same lines.
type benchResult struct {
	Mentions int         `json:"mentions"`
	Topics   int         `json:"topics"`
	Store    string      `json:"store"`
	Steps    []benchStep `json:"steps"`
}

type benchStep struct {
	Step      string  `json:"step"`
	PerSecond float64 `json:"mentions_per_second"`
	Ratio     float64 `json:"times_encoding_json"`
}

func benchCommand() *cobra.Command {
	var storeAt string
	var topics, mentions int
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "bench",
		Short:   "Measure what this machine and store can do",
		Long:    "Decodes, judges and stores invented mentions. Each figure is given also as a ratio to encoding/json decoding the same lines in the same\nrun, which says more than the figure on a machine that has other things to do.",
		Example: "  brandmelder bench\n  brandmelder bench --topics 10000 --mentions 200000 --json\n  brandmelder bench --store redis://localhost:6379/9      an empty database; it is left full",
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			if topics < 1 || mentions < 100 {
				return usage("--topics: want at least 1; --mentions: want at least 100")
			}
			if storeAt == "" {
				dir, err := os.MkdirTemp("", "brandmelder-bench")
				if err != nil {
					return err
				}
				defer func() { _ = os.RemoveAll(dir) }() // what is left lies among the temporary files
				storeAt = "file:" + filepath.Join(dir, "bench.db")
			}
			r, err := bench(c.Context(), storeAt, topics, mentions)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), r)
			}
			fmt.Fprintf(c.OutOrStdout(), "%d mentions, %d topics\n", r.Mentions, r.Topics)
			for _, s := range r.Steps {
				fmt.Fprintf(c.OutOrStdout(), "%-34s %10.0f a second   %5.2f × encoding/json\n", s.Step, s.PerSecond, s.Ratio)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&storeAt, "store", "", "an empty store, file:NAME or redis://…; default a file that is removed again")
	cmd.Flags().IntVar(&topics, "topics", 100, "how many topics")
	cmd.Flags().IntVar(&mentions, "mentions", 20000, "how many mentions")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value")
	return cmd
}

func bench(ctx context.Context, storeAt string, topics, mentions int) (benchResult, error) {
	r := benchResult{Mentions: mentions, Topics: topics, Store: "file"}
	if !strings.HasPrefix(storeAt, "file:") {
		r.Store = "redis"
	}
	sample := story.Tell(story.Events...)
	lines := make([][]byte, mentions)
	for i := range lines {
		m := sample[i%len(sample)]
		m.ID = fmt.Sprintf("bench-%d", i)
		m.At = story.Begins.Add(time.Duration(i) * time.Millisecond) // a storm: a thousand a second
		line, err := json.Marshal(m)
		if err != nil {
			return r, err
		}
		lines[i] = line
	}
	rules := detect.Rules{Topics: []brand.Topic{{Name: "moccaria", Query: "moccaria* OR @moccaria"}}}
	for i := 1; i < topics; i++ {
		rules.Topics = append(rules.Topics, brand.Topic{Name: fmt.Sprint("brand", i), Query: fmt.Sprintf(`brand%d OR @brand%d OR "brand %d kaffee" OR *brand%drückruf*`, i, i, i, i)})
	}
	st, err := openStore(ctx, storeAt)
	if err != nil {
		return r, err
	}
	defer st.Close()
	if old, err := st.After(ctx, "", 1); err != nil {
		return r, err
	} else if len(old) > 0 {
		return r, fmt.Errorf("the store %s is not empty; bench fills it with invented mentions", r.Store)
	}
	d, err := detect.New(rules)
	if err != nil {
		return r, err
	}
	var reference time.Duration
	measure := func(step string, f func() error) error {
		began := time.Now()
		if err := f(); err != nil {
			return err
		}
		took := time.Since(began)
		if reference == 0 {
			reference = took
		}
		r.Steps = append(r.Steps, benchStep{step, float64(mentions) / took.Seconds(), took.Seconds() / reference.Seconds()})
		return ctx.Err()
	}
	ms := make([]brand.Mention, 0, mentions)
	const batch = 500
	steps := []struct {
		name string
		do   func() error
	}{
		{"encoding/json alone", func() error {
			for _, l := range lines {
				var m brand.Mention
				if err := json.Unmarshal(l, &m); err != nil {
					return err
				}
			}
			return nil
		}},
		{"decode", func() error {
			for _, l := range lines {
				m, err := brand.DecodeMention(l)
				if err != nil {
					return err
				}
				ms = append(ms, m)
			}
			return nil
		}},
		{"match, tone, windows", func() error {
			for i := range ms {
				d.Advance(ms[i].At)
				d.Add(ms[i].At, &ms[i])
			}
			return nil
		}},
		{"onto the stream, 500 at once", func() error {
			for i := 0; i < len(ms); i += batch {
				if _, err := st.Append(ctx, time.Now(), ms[i:min(i+batch, len(ms))]); err != nil {
					return err
				}
			}
			return nil
		}},
		{"from the stream, 500 at once", func() error {
			for pos, n := "", 0; n < len(ms); {
				es, err := st.After(ctx, pos, batch)
				if err != nil || len(es) == 0 {
					return fmt.Errorf("read back %d of %d: %w", n, len(ms), err)
				}
				pos, n = es[len(es)-1].Pos, n+len(es)
			}
			return nil
		}},
	}
	for _, s := range steps {
		if err := measure(s.name, s.do); err != nil {
			return r, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return r, nil
}
