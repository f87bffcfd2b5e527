package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"brandmelder/brand"
	"brandmelder/detect"
)

// readCounts reads the series, its timestamps as they were written, and its step: the smallest difference that is
// common.
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

// reportCounts reports what would have been raised at several alarm budgets.
func reportCounts(w io.Writer, series []detect.Count, step time.Duration) error {
	weeks := series[len(series)-1].At.Sub(series[0].At).Hours() / (7 * 24)
	fmt.Fprintf(w, "%d counts over %.1f weeks, one every %s\n", len(series), weeks, step)
	for _, budget := range budgets {
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
		if f := detect.CheckForecasts(spikes, 0, anyAge); f.Forecasts > 0 {
			fmt.Fprintf(w, "  %s\n", foretold(&f))
		}
	}
	return nil
}
