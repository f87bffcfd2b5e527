package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/i18n"
	"brandmelder/incident"
	"brandmelder/ingest"
	"brandmelder/store"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

func replayCommand() *cobra.Command {
	var confPath, mentions, storeAt string
	var asJSON, learn bool
	var lateness time.Duration
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Play recorded mentions through match, tone, detector and desk, at full speed and by their own clock",
		Long: "Play recorded mentions (JSON lines, see docs/sources.md) through match, tone, detector and desk. Nobody is called: the calls\nare in the result. The store of the configuration is not touched; replay has its own in memory, unless --store names one.\n\n" +
			"With --learn it is the other way round: what the detector learns from the recording is kept in the configuration's store, which must be\nnew, and run begins with it instead of learning for weeks. Nobody is called for what is past.",
		Example: "  brandmelder replay --config config.yaml --mentions march.jsonl\n  brandmelder replay --config config.yaml --mentions march.jsonl --json\n  brandmelder replay --config config.yaml --mentions past.jsonl --learn",
		Args:    exactly(0, "no arguments, but --config and --mentions"),
		RunE: func(c *cobra.Command, _ []string) error {
			if confPath == "" || mentions == "" {
				return usage("replay wants --config FILE and --mentions FILE")
			}
			conf, err := loadConfig(confPath)
			if err != nil {
				return err
			}
			f, err := os.Open(mentions)
			if err != nil {
				return fmt.Errorf("mentions: %w", err)
			}
			defer f.Close()
			info, err := f.Stat()
			if err != nil {
				return err
			}
			bar := progress(c.ErrOrStderr(), info.Size(), "replaying", asJSON)
			r := progressbar.NewReader(f, bar)
			var out outcome
			var bad []ingest.Bad
			if learn {
				out.Mentions, bad, err = learnPast(c.Context(), conf, &r, mentions, lateness)
			} else {
				out, bad, err = replay(c.Context(), conf, storeAt, &r, mentions, lateness)
			}
			_ = bar.Finish() // a bar that cannot be drawn is no reason to fail
			if err != nil {
				return err
			}
			for _, b := range bad {
				fmt.Fprintln(c.ErrOrStderr(), "left out:", b.Err)
			}
			if learn && !asJSON {
				fmt.Fprintf(c.OutOrStdout(), "learned from %d mentions; run begins with it\n", out.Mentions)
				return nil
			}
			return printOutcome(c.OutOrStdout(), out, asJSON)
		},
	}
	cmd.Flags().StringVar(&confPath, "config", "", "configuration; topics with name and query are enough")
	cmd.Flags().StringVar(&mentions, "mentions", "", "recorded mentions, JSON lines")
	cmd.Flags().StringVar(&storeAt, "store", "file::memory:", "an empty store to use, file:NAME or redis://…")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value")
	cmd.Flags().BoolVar(&learn, "learn", false, "keep what is learned in the configuration's store, for run")
	cmd.Flags().DurationVar(&lateness, "lateness", time.Hour, "how far lines may be out of order")
	return cmd
}

// replay plays JSON lines and returns what came of them, and the lines that could not be read.
func replay(ctx context.Context, conf *config, storeAt string, r io.Reader, name string, lateness time.Duration) (outcome, []ingest.Bad, error) {
	st, err := openStore(ctx, storeAt)
	if err != nil {
		return outcome{}, nil, err
	}
	defer st.Close()
	p, err := newPlayer(ctx, conf, st)
	if err != nil {
		return outcome{}, nil, err
	}
	bad, err := p.lines(ctx, r, name, lateness)
	if err != nil {
		return outcome{}, bad, err
	}
	if err := p.finish(ctx); err != nil {
		return outcome{}, bad, err
	}
	out, err := p.outcome(ctx)
	return out, bad, err
}

// learnPast plays JSON lines into the configuration's store, which must not have judged anything yet, and calls nobody.
func learnPast(ctx context.Context, conf *config, r io.Reader, name string, lateness time.Duration) (mentions int, bad []ingest.Bad, err error) {
	st, err := openStore(ctx, conf.Store)
	if err != nil {
		return 0, nil, err
	}
	defer st.Close()
	for _, sh := range conf.shards() {
		if _, err := st.Snapshot(ctx, sh.Name); err == nil {
			return 0, nil, errors.New("the configuration's store has judged mentions already; --learn wants a new store")
		} else if !errors.Is(err, store.ErrNotFound) {
			return 0, nil, err
		}
	}
	p, err := newPlayer(ctx, conf, st)
	if err != nil {
		return 0, nil, err
	}
	p.desk = nil
	bad, err = p.lines(ctx, r, name, lateness)
	if err == nil && !p.now.IsZero() {
		err = p.tick(ctx)
	}
	if err = errors.Join(err, p.release(context.WithoutCancel(ctx))); err != nil {
		return 0, bad, err
	}
	return p.added, bad, alert.PassOver(ctx, st)
}

// lines plays JSON lines that may be out of order by the lateness, and returns those that could not be read.
func (p *player) lines(ctx context.Context, r io.Reader, name string, lateness time.Duration) (bad []ingest.Bad, err error) {
	order := p.order(ctx, lateness)
	err = ingest.Lines(ctx, r, name, 0, func(_ context.Context, b ingest.Batch) error {
		for _, m := range ingest.Prepare("replay", &b) {
			if err := order.Add(m); err != nil {
				return err
			}
		}
		bad = append(bad, b.Bad...)
		return nil
	})
	return bad, errors.Join(err, order.Flush())
}

// progress is a bar on a terminal, and nothing elsewhere or beside JSON.
func progress(w io.Writer, total int64, what string, quiet bool) *progressbar.ProgressBar {
	if f, ok := w.(*os.File); !ok || quiet || !isTerminal(f) {
		w = io.Discard
	}
	return progressbar.NewOptions64(total, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(w), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func printOutcome(w io.Writer, out outcome, asJSON bool) error {
	if asJSON {
		return printJSON(w, out)
	}
	var sb strings.Builder
	fmt.Fprintf(&sb, "%d mentions, %d spikes, %d incidents\n", out.Mentions, len(out.Spikes), len(out.Incidents))
	for _, in := range out.Incidents {
		fmt.Fprintf(&sb, "\n%s  %s\n  %s\n  began %s, recognised %s\n", strings.ToUpper(string(in.Kind)), in.Title, in.Level, stamp(in.Began), stamp(in.Detected))
		fmt.Fprintf(&sb, "  why: %s\n  playbook: %s, because %s\n", in.Why, in.Playbook, in.PlaybookWhy)
		if in.Owner != "" {
			fmt.Fprintf(&sb, "  one voice: %s\n", in.Owner)
		}
		for _, e := range in.Experts {
			fmt.Fprintf(&sb, "  could help: %s (%s)\n", e.Name, strings.Join(e.Why, ", "))
		}
		for _, c := range in.Calls {
			fmt.Fprintf(&sb, "  call: %s %s, %s (%s)\n", stamp(c.At), orTeam(c.To), c.Reason.Kind, c.Role)
		}
		for _, m := range in.Evidence.Samples {
			fmt.Fprintf(&sb, "  > %s\n", oneLine(m.Body(), 150))
		}
	}
	quiet := 0
	for _, sp := range out.Spikes {
		if !raised(out, sp) {
			quiet++
		}
	}
	fmt.Fprintf(&sb, "\n%d spikes were seen and nobody was called for them:\n", quiet)
	for _, sp := range out.Spikes {
		if !raised(out, sp) {
			fmt.Fprintf(&sb, "  %s  %s, %s, level %d: %s\n", stamp(sp.Detected), sp.Topic, sp.Kind, sp.Level, i18n.In("en").Why(&sp))
		}
	}
	_, err := io.WriteString(w, sb.String())
	return err
}

func orTeam(name string) string {
	if name == "" {
		return "the team"
	}
	return name
}

// raised says whether an incident holds the spike.
func raised(out outcome, sp brand.Spike) bool {
	for _, in := range out.Incidents {
		for _, t := range in.Topics {
			if t == sp.Topic && !sp.Began.Before(in.Began) && (sp.Kind == brand.Praise) == (in.Kind == incident.Opportunity) {
				return true
			}
		}
	}
	return false
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// oneLine makes a text from outside fit a terminal: one line, no control characters.
func oneLine(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
