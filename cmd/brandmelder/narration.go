package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"brandmelder/access"
	"brandmelder/brand"
	"brandmelder/cmd/brandmelder/story"
	"brandmelder/incident"
	"brandmelder/ingest"
	"brandmelder/store"
	"brandmelder/web"

	"golang.org/x/sync/errgroup"
)

// narrateDemo plays the demo in about opt.seconds, prints what happens, and leaves the page up until the context ends.
func narrateDemo(ctx context.Context, w io.Writer, opt demoOptions) error {
	conf, err := demoConfig()
	if err != nil {
		return err
	}
	st, err := openStore(ctx, opt.store)
	if err != nil {
		return err
	}
	defer st.Close()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", opt.listen)
	if err != nil {
		if l, err = lc.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return fmt.Errorf("page: %w", err)
		}
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	address := "http://" + l.Addr().String()
	links := access.Links{Key: key, URL: address}
	var clock atomic.Int64 // the story's, seconds since 1970
	clock.Store(story.Begins.Unix())
	now := func() time.Time { return time.Unix(clock.Load(), 0).UTC() }
	pages, err := web.New(web.Options{
		Store: st, Intake: ingest.NewIntake(st, ingest.Options{Now: now}), Desk: conf.desk(recorder), Topics: conf.topics, Links: links, PublicURL: address, Now: now,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), Demo: true,
		Visitor: access.Principal{Roles: []access.Role{access.Viewer, access.Responder}, By: access.ByLocal},
	})
	if err != nil {
		return err
	}
	words := conf.desk(recorder).In("en")
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serveHTTP(ctx, l, pages) })
	group.Go(func() error {
		fmt.Fprintf(w, "Moccaria makes coffee machines. Three weeks begin. Look on: %s\n\n", address)
		p, err := newPlayer(ctx, conf, st)
		if err != nil {
			return err
		}
		began, from, shown := time.Now(), story.Begins, map[string]int{}
		day, counted := 0, 0
		p.minute = func(ctx context.Context, at time.Time) error {
			clock.Store(at.Unix())
			if at.Minute()%30 != 0 && p.desk.Open() == 0 {
				return ctx.Err()
			}
			open, _, err := st.ListIncidents(ctx, store.IncidentQuery{Open: true, Limit: 20})
			if err != nil {
				return err
			}
			for _, sum := range open {
				in, err := st.Incident(ctx, sum.ID)
				if err != nil {
					return err
				}
				events, err := st.Events(ctx, sum.ID)
				if err != nil {
					return err
				}
				for _, r := range events[min(shown[in.ID], len(events)):] {
					if _, quiet := r.Event.(incident.SpikeChanged); !quiet {
						fmt.Fprintf(w, "  %s  %s: %s\n", r.At.In(conf.location).Format("2 Jan 15:04"), in.Kind, oneLine(words.Event(&in, r), 140))
					}
				}
				if shown[in.ID] == 0 {
					evidence, err := st.Evidence(ctx, in.ID)
					if err != nil || len(evidence) == 0 {
						return err
					}
					sp := evidence[0]
					fmt.Fprintf(w, "      voices %s  in the last six hours\n      usual  %s\n", spark(voices(sp.Series), 24, peak(sp.Series)), spark(expected(sp.Series), 24, peak(sp.Series)))
					if in.Owner != "" {
						fmt.Fprintf(w, "      %s is called: %s\n", words.Person(in.Owner), links.Make(in.Owner, in.ID, access.Owner, time.Now()))
					}
				}
				shown[in.ID] = len(events)
			}
			if at.Minute()%30 != 0 {
				return ctx.Err()
			}
			if err := p.saveTopics(ctx); err != nil {
				return err
			}
			if d := int(at.Sub(from).Hours() / 24); d != day {
				curve, err := curveOf(ctx, st, conf.topics[0].Name)
				if err != nil {
					return err
				}
				fmt.Fprintf(w, "%s  %s  %5d mentions\n", at.Add(-time.Hour).Format("Mon 02 Jan"), spark(voices(curve), 48, peak(curve)), p.added-counted)
				day, counted = d, p.added
			}
			due := time.Duration(opt.seconds * float64(time.Second) * float64(at.Sub(from)) / float64(story.Ends.Sub(from)))
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(due - time.Since(began)):
				return nil
			}
		}
		b := ingest.Batch{Mentions: story.Tell(opt.events...)}
		for _, m := range ingest.Prepare("demo", &b) {
			if err := p.add(ctx, m); err != nil {
				return err
			}
		}
		if err := p.finish(ctx); err != nil {
			return err
		}
		fmt.Fprintf(w, "\nThe demo has ended. The page stays up: %s (Ctrl-C ends it)\n", address)
		return nil
	})
	return group.Wait()
}

// curveOf is the last day of a topic.
func curveOf(ctx context.Context, st store.Statuses, topic string) ([]brand.Point, error) {
	topics, err := st.TopicStatuses(ctx, topic)
	if err != nil || len(topics) == 0 {
		return nil, err
	}
	return topics[0].Curve, nil
}

func voices(ps []brand.Point) (out []float64) {
	for _, p := range ps {
		out = append(out, p.Voices)
	}
	return out
}

func expected(ps []brand.Point) (out []float64) {
	for _, p := range ps {
		out = append(out, p.Expected)
	}
	return out
}

// peak is what a chart must reach: the most that was counted or is usual.
func peak(ps []brand.Point) (most float64) {
	for _, p := range ps {
		most = max(most, p.Voices, p.High)
	}
	return most
}

// spark draws the last n values as bars of one line, full height at most.
func spark(values []float64, n int, most float64) string {
	bars := []rune(" ▁▂▃▄▅▆▇█")
	if len(values) > n && n == 48 { // a day of quarters: two make a bar
		var halves []float64
		for i := 0; i+1 < len(values); i += 2 {
			halves = append(halves, (values[i]+values[i+1])/2)
		}
		values = halves
	}
	values = values[max(0, len(values)-n):]
	out := []rune(strings.Repeat(" ", n-len(values)))
	for _, v := range values {
		out = append(out, bars[min(int(math.Ceil(v/max(most, 1)*8)), 8)])
	}
	return string(out)
}
