package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"brandmelder/brand"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

// budgets are the alarms a week that people think in.
var budgets = []float64{0.1, 0.25, 0.5, 1, 5}

func backtestCommand() *cobra.Command {
	var opt backtestOptions
	cmd := &cobra.Command{
		Use:   "backtest",
		Short: "See what a past would have raised, before going live",
		Long: "Runs the past through the detector, with the same code and defaults as run, at several alarm budgets at once (each by what is\nlearned at the topic's own), beside the rules that " +
			"commercial tools publish. The past is recorded mentions (JSON lines), or what the configuration's store remembers, or a series of counts.\n\n" +
			"--html writes one self-contained page with charts. --marks is a file of what people say of earlier alarms (topic, time and right or wrong,\n" +
			"separated by tabs): right ones no longer count as the topic's usual noise.\n\n" +
			"With --counts FILE (CSV with the columns timestamp,value, evenly spaced) the volume detector alone judges; with --format nab it writes\ntimestamp,value,anomaly_score, where 0.5 and more is an alarm at the budget.",
		Example: "  brandmelder backtest --config config.yaml --mentions past.jsonl --html past.html\n  brandmelder backtest --config config.yaml --json\n  brandmelder backtest --counts mentions.csv\n  brandmelder backtest --counts mentions.csv --format nab --out scores.csv",
		Args:    exactly(0, "no arguments, but --config or --counts"),
		RunE: func(c *cobra.Command, _ []string) error {
			if (opt.counts == "") == (opt.config == "") {
				return usage("backtest wants --config FILE with --mentions FILE, or --counts FILE")
			}
			if opt.counts != "" {
				return backtestCounts(c, &opt)
			}
			return backtestMentions(c, &opt)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.config, "config", "", "configuration; topics with name and query are enough")
	f.StringVar(&opt.mentions, "mentions", "", "recorded mentions, JSON lines; left out: what the configuration's store remembers")
	f.StringVar(&opt.marks, "marks", "", "what people say of alarms: topic, time (RFC 3339) and right or wrong, separated by tabs")
	f.StringVar(&opt.html, "html", "", "write a page with charts to this file")
	f.BoolVar(&opt.json, "json", false, "print one JSON value")
	f.StringVar(&opt.counts, "counts", "", "CSV with the columns timestamp (2006-01-02 15:04:05, UTC, or RFC 3339) and value")
	f.StringVar(&opt.format, "format", "", "with --counts: nab, one score a line")
	f.StringVar(&opt.out, "out", "", "with --format nab: write to this file")
	f.Float64Var(&opt.budget, "alarms-per-week", brand.DefaultAlarmsPerWeek, "with --format nab: the budget whose line is 0.5")
	return cmd
}

type backtestOptions struct {
	config, mentions, marks, html string
	counts, format, out           string
	json                          bool
	budget                        float64
}

func backtestCounts(c *cobra.Command, opt *backtestOptions) error {
	if opt.format != "" && opt.format != "nab" {
		return usage("--format %q: want nab, or nothing for a report", opt.format)
	}
	if opt.budget <= 0 || opt.budget > 100 {
		return usage("--alarms-per-week: want a number above 0, at most 100")
	}
	f, err := os.Open(opt.counts)
	if err != nil {
		return fmt.Errorf("counts: %w", err)
	}
	defer f.Close()
	series, stamps, step, err := readCounts(opt.counts, f)
	if err != nil {
		return err
	}
	if opt.format == "" {
		return reportCounts(c.OutOrStdout(), series, step)
	}
	if opt.out == "" {
		return writeScores(c.OutOrStdout(), series, stamps, step, opt.budget)
	}
	return writeFile(opt.out, func(w io.Writer) error { return writeScores(w, series, stamps, step, opt.budget) })
}

func backtestMentions(c *cobra.Command, opt *backtestOptions) error {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // a past is played once: memory for a tenth of the time
	conf, err := loadConfig(opt.config)
	if err != nil {
		return err
	}
	marks, err := readMarks(opt.marks, conf)
	if err != nil {
		return err
	}
	b, err := newBacktest(conf, marks)
	if err != nil {
		return err
	}
	if opt.mentions == "" {
		if name, ok := strings.CutPrefix(conf.Store, "file:"); ok {
			if _, err := os.Stat(name); err != nil {
				return fmt.Errorf("the configuration's store remembers nothing yet; give a past with --mentions: %w", err)
			}
		}
		st, err := openBeside(c.Context(), conf.Store)
		if err != nil {
			return err
		}
		defer st.Close()
		if err := b.remembered(c.Context(), st); err != nil {
			return err
		}
	} else {
		f, err := os.Open(opt.mentions)
		if err != nil {
			return fmt.Errorf("mentions: %w", err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		bar := progress(c.ErrOrStderr(), info.Size(), "judging", opt.json)
		r := progressbar.NewReader(f, bar)
		bad, err := b.lines(c.Context(), &r, opt.mentions)
		_ = bar.Finish() // a bar that cannot be drawn is no reason to fail
		if err != nil {
			return err
		}
		for _, x := range bad {
			fmt.Fprintln(c.ErrOrStderr(), "left out:", x.Err)
		}
	}
	report := b.report()
	if report.Mentions == 0 {
		return errors.New("no mention in this past matches a topic")
	}
	if opt.html != "" {
		if err := writeFile(opt.html, func(w io.Writer) error { return reportHTML(w, report, conf) }); err != nil {
			return err
		}
	}
	if opt.json {
		return printJSON(c.OutOrStdout(), report)
	}
	return reportText(c.OutOrStdout(), report, conf.Language)
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
