package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"brandmelder/brand"
	"brandmelder/detect"

	"github.com/spf13/cobra"
)

func backtestCommand() *cobra.Command {
	var counts, format, outPath string
	var budget float64
	cmd := &cobra.Command{
		Use:   "backtest",
		Short: "See what a past would have raised, before going live",
		Long: "Runs a series of counts (CSV with the columns timestamp,value, evenly spaced) through the volume detector, with the same code and\n" +
			"defaults as run. With --format nab it writes timestamp,value,anomaly_score, where 0.5 and more is an alarm at the budget; otherwise it tells\nwhat it would have raised at several budgets. A past with texts is tried with replay.",
		Example: "  brandmelder backtest --counts mentions.csv\n  brandmelder backtest --counts mentions.csv --format nab --out scores.csv",
		Args:    exactly(0, "no arguments, but --counts"),
		RunE: func(c *cobra.Command, _ []string) error {
			if counts == "" {
				return usage("backtest wants --counts FILE")
			}
			if format != "" && format != "nab" {
				return usage("--format %q: want nab, or nothing for a report", format)
			}
			if budget <= 0 || budget > 100 {
				return usage("--alarms-per-week: want a number above 0, at most 100")
			}
			f, err := os.Open(counts)
			if err != nil {
				return fmt.Errorf("counts: %w", err)
			}
			defer f.Close()
			series, stamps, step, err := readCounts(counts, f)
			if err != nil {
				return err
			}
			if format == "" {
				return reportCounts(c.OutOrStdout(), series, step)
			}
			w := c.OutOrStdout()
			if outPath != "" {
				to, err := os.Create(outPath)
				if err != nil {
					return err
				}
				if err := writeScores(to, series, stamps, step, budget); err != nil {
					return errors.Join(err, to.Close())
				}
				return to.Close()
			}
			return writeScores(w, series, stamps, step, budget)
		},
	}
	cmd.Flags().StringVar(&counts, "counts", "", "CSV with the columns timestamp (2006-01-02 15:04:05, UTC, or RFC 3339) and value")
	cmd.Flags().StringVar(&format, "format", "", "nab: one score a line")
	cmd.Flags().StringVar(&outPath, "out", "", "with --format nab: write to this file")
	cmd.Flags().Float64Var(&budget, "alarms-per-week", brand.DefaultAlarmsPerWeek, "with --format nab: the budget whose line is 0.5")
	return cmd
}

// readCounts reads the series, its timestamps as they were written, and its step: the smallest difference that is common.
func readCounts(name string, r io.Reader) (series []detect.Count, stamps []string, step time.Duration, err error) {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = -1
	seen := map[time.Duration]int{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, 0, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := rows.FieldPos(0)
		if len(row) < 2 {
			return nil, nil, 0, fmt.Errorf("%s:%d:1: want timestamp,value", name, line)
		}
		at, err := time.Parse(time.DateTime, row[0])
		if err != nil {
			if at, err = time.Parse(time.RFC3339, row[0]); err != nil {
				if len(series) == 0 && line == 1 {
					continue // names of columns
				}
				return nil, nil, 0, fmt.Errorf("%s:%d:1: %q is not a time such as 2026-03-14 18:00:00", name, line, row[0])
			}
		}
		v, err := strconv.ParseFloat(row[1], 64)
		if err != nil || v < 0 || v > 1e9 {
			return nil, nil, 0, fmt.Errorf("%s:%d:%d: %q is not a count", name, line, len(row[0])+2, row[1])
		}
		if n := len(series); n > 0 {
			d := at.Sub(series[n-1].At)
			if d <= 0 {
				return nil, nil, 0, fmt.Errorf("%s:%d:1: %s does not come after the line before", name, line, row[0])
			}
			if seen[d]++; seen[d] > seen[step] {
				step = d
			}
		}
		series, stamps = append(series, detect.Count{At: at, Value: v}), append(stamps, row[0])
	}
	if len(series) < 2 || step < time.Minute || step > time.Hour {
		return nil, nil, 0, fmt.Errorf("%s: want at least two lines, one minute to one hour apart", name)
	}
	return series, stamps, step, nil
}

func writeScores(w io.Writer, series []detect.Count, stamps []string, step time.Duration, budget float64) error {
	judged, _ := detect.Counts(series, step, detect.Rules{Topics: []brand.Topic{{AlarmsPerWeek: budget}}})
	out := csv.NewWriter(w)
	if err := out.Write([]string{"timestamp", "value", "anomaly_score"}); err != nil {
		return err
	}
	for i, j := range judged {
		if err := out.Write([]string{stamps[i], strconv.FormatFloat(series[i].Value, 'f', -1, 64), strconv.FormatFloat(j.Anomaly(), 'f', 6, 64)}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// reportCounts tells what would have been raised at the budgets that people think in.
func reportCounts(w io.Writer, series []detect.Count, step time.Duration) error {
	weeks := series[len(series)-1].At.Sub(series[0].At).Hours() / (7 * 24)
	fmt.Fprintf(w, "%d counts over %.1f weeks, one every %s\n", len(series), weeks, step)
	for _, budget := range []float64{0.1, 0.25, 0.5, 1, 5} {
		_, spikes := detect.Counts(series, step, detect.Rules{Topics: []brand.Topic{{AlarmsPerWeek: budget}}})
		var opened []brand.Spike
		for _, sp := range spikes {
			if sp.State == brand.Opened {
				opened = append(opened, sp)
			}
		}
		fmt.Fprintf(w, "\nat %.4g a week for nothing: %d raised\n", budget, len(opened))
		for _, sp := range opened {
			fmt.Fprintf(w, "  %s  %.0f in %s, where %.0f to %.0f are usual\n", stamp(sp.Detected), sp.Observed, sp.Window, sp.Low, sp.High)
		}
	}
	return nil
}
