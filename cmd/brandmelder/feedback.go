package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"brandmelder/brand"
)

// mark is what people say of an alarm.
type mark struct {
	topic string
	at    time.Time
	right bool
}

// markOf is what people said of a spike, "" where they said nothing.
func (b *backtest) markOf(topic string, sp *brand.Spike) string {
	for _, m := range b.marks {
		if m.topic == topic && !m.at.Before(sp.Began.Add(-time.Hour)) && (sp.Ended.IsZero() || m.at.Before(sp.Ended.Add(time.Hour))) {
			if m.right {
				return "right"
			}
			return "wrong"
		}
	}
	return ""
}

// readMarks reads lines of topic, time, and right or wrong, separated by tabs. Lines that begin with # do not count.
func readMarks(name string, conf *config) (out []mark, err error) {
	if name == "" {
		return nil, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("marks: %w", err)
	}
	var problems []error
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		bad := func(format string, args ...any) {
			problems = append(problems, fmt.Errorf("%s:%d: "+format, append([]any{name, i + 1}, args...)...))
		}
		parts := strings.Split(line, "\t")
		if len(parts) != 3 {
			bad("want topic, time, and right or wrong, separated by tabs")
			continue
		}
		at, err := time.Parse(time.RFC3339, parts[1])
		switch {
		case !slices.ContainsFunc(conf.topics, func(t brand.Topic) bool { return t.Name == parts[0] }):
			bad("no topic is called %q", parts[0])
		case err != nil:
			bad("%q is not a time such as 2026-03-14T18:00:00Z", parts[1])
		case parts[2] != "right" && parts[2] != "wrong":
			bad("%q: want right or wrong", parts[2])
		default:
			out = append(out, mark{parts[0], at, parts[2] == "right"})
		}
	}
	return out, errors.Join(problems...)
}
