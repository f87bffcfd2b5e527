package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"time"

	"brandmelder/brand"
	"brandmelder/detect"
	"brandmelder/ingest"
	"brandmelder/query"
	"brandmelder/store"

	"golang.org/x/sync/errgroup"
)

// backtest plays past mentions through detectors that report what would be raised at each budget; the topics are spread
// over the processor's cores, in groups that are the same on every machine: whether nearly all topics rise at once is
// seen within a group.
type backtest struct {
	parts []*pastPart
	// langs is whether a topic asks for mentions' languages. Else only the languages of mentions that are shown are
	// identified, since that takes longer than all the judging.
	langs bool
	marks []mark

	next    played          // is gathered
	last    played          // was gathered before, and is being judged
	judging *errgroup.Group // nil when nothing is judged
}

// played are mentions, and when each was received.
type played struct {
	mentions []brand.Mention
	received []time.Time
}

// pastPart is some of the topics with their detector. It is used by one goroutine at a time.
type pastPart struct {
	conf   *config
	d      *detect.Detector
	marks  []mark
	now    time.Time // whole minutes; all before it is judged
	began  time.Time
	topics []*pastTopic
}

// pastTopic is what is gathered of one topic while its past is played.
type pastTopic struct {
	name    string
	own     float64 // alarms a week
	n       int
	hours   map[int64]*pastHour // by hours since 1970
	counts  []float64           // each five minutes, from the beginning of the past
	recent  []pastMention       // of the last week
	raised  [][]brand.Spike     // for each budget, as reported last
	already []map[string]int    // for each budget, where in raised
	reports []brand.Spike       // at its own budget, each report; of it what forecasts need
}

type pastHour struct{ voices, negative float64 }

type pastMention struct {
	store.Matched
	asked bool // its language was identified, or cannot be
}

const aWeek = 7 * 24 * time.Hour

func newBacktest(conf *config, marks []mark) (*backtest, error) {
	b := &backtest{marks: marks}
	for _, t := range conf.topics {
		q, err := query.Parse(t.Query)
		if err != nil {
			return nil, fmt.Errorf("topic %q: %w", t.Name, err)
		}
		b.langs = b.langs || q.AsksLanguage()
	}
	const group = 25 // topics
	n := (len(conf.topics) + group - 1) / group
	for i := range n {
		var topics []brand.Topic
		for j := i; j < len(conf.topics); j += n {
			topics = append(topics, conf.topics[j])
		}
		part, err := newPart(conf, topics, marks)
		if err != nil {
			return nil, err
		}
		b.parts = append(b.parts, part)
	}
	return b, nil
}

func newPart(conf *config, topics []brand.Topic, marks []mark) (*pastPart, error) {
	b := &pastPart{conf: conf, marks: marks}
	rules := conf.rules(topics)
	rules.OtherBudgets = budgets
	for _, t := range topics {
		b.topics = append(b.topics, &pastTopic{name: t.Name, own: cmp.Or(t.AlarmsPerWeek, brand.DefaultAlarmsPerWeek), hours: map[int64]*pastHour{}, raised: make([][]brand.Spike, len(budgets)), already: make([]map[string]int, len(budgets))})
	}
	var err error
	b.d, err = detect.New(rules)
	return b, err
}

// lines plays JSON lines that may be out of order by an hour.
func (b *backtest) lines(ctx context.Context, r io.Reader, name string) (bad []ingest.Bad, err error) {
	order := &ingest.Recorded{Lateness: time.Hour, Next: func(m brand.Mention) error { return b.add(ctx, m.At, m) }}
	err = ingest.Lines(ctx, r, name, 0, func(_ context.Context, batch ingest.Batch) error {
		prepare := ingest.Check
		if b.langs {
			prepare = ingest.Prepare
		}
		for _, m := range prepare("backtest", &batch) {
			if err := order.Add(m); err != nil {
				return err
			}
		}
		bad = append(bad, batch.Bad...)
		return nil
	})
	return bad, errors.Join(err, order.Flush(), b.finish(ctx))
}

// remembered plays what a store remembers, as it was received.
func (b *backtest) remembered(ctx context.Context, st store.Store) error {
	for pos := ""; ; {
		entries, err := st.After(ctx, pos, 500)
		if err != nil {
			return errors.Join(err, b.wait())
		}
		if len(entries) == 0 {
			return b.finish(ctx)
		}
		for i := range entries {
			pos = entries[i].Pos
			if err := b.add(ctx, entries[i].Heard, entries[i].Mention); err != nil {
				return err // nothing is judged any more
			}
		}
	}
}

func (b *backtest) add(ctx context.Context, received time.Time, m brand.Mention) error {
	const most = 2000
	b.next.mentions, b.next.received = append(b.next.mentions, m), append(b.next.received, received)
	if len(b.next.mentions) < most {
		return nil
	}
	return b.flush(ctx)
}

// flush lets all parts judge what was gathered, at once, while more is gathered.
func (b *backtest) flush(ctx context.Context) error {
	if err := b.wait(); err != nil {
		return err
	}
	b.last, b.next = b.next, played{b.last.mentions[:0], b.last.received[:0]}
	b.judging, ctx = errgroup.WithContext(ctx)
	b.judging.SetLimit(runtime.GOMAXPROCS(0))
	for _, part := range b.parts {
		b.judging.Go(func() error {
			for i := range b.last.mentions {
				if err := part.add(ctx, b.last.received[i], &b.last.mentions[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return nil
}

// wait until all parts have judged.
func (b *backtest) wait() error {
	if b.judging == nil {
		return nil
	}
	err := b.judging.Wait()
	b.judging = nil
	return err
}

// finish plays on for three hours after the last mention, so that what began also ends.
func (b *backtest) finish(ctx context.Context) error {
	if err := errors.Join(b.flush(ctx), b.wait()); err != nil {
		return err
	}
	for _, part := range b.parts {
		if err := part.judge(ctx, part.now.Add(3*time.Hour)); err != nil {
			return err
		}
	}
	return nil
}

func (b *pastPart) add(ctx context.Context, received time.Time, m *brand.Mention) error {
	minute := received.Truncate(time.Minute)
	if b.began.IsZero() {
		b.began = minute
	}
	if err := b.judge(ctx, minute); err != nil {
		return err
	}
	hits := b.d.Add(minute.Add(time.Minute-time.Millisecond), m)
	for _, h := range hits {
		i := slices.IndexFunc(b.topics, func(t *pastTopic) bool { return t.name == h.Topic })
		b.topics[i].add(b.began, h, m)
	}
	return nil
}

func (t *pastTopic) add(began time.Time, h detect.Match, m *brand.Mention) {
	t.n++
	hour := t.hours[m.At.Unix()/3600]
	if hour == nil {
		hour = &pastHour{}
		t.hours[m.At.Unix()/3600] = hour
	}
	hour.voices += h.Weight
	hour.negative += h.Weight * float64(h.Tone[0])
	if at := int(m.At.Sub(began) / (5 * time.Minute)); at >= 0 {
		for len(t.counts) <= at {
			t.counts = append(t.counts, 0)
		}
		t.counts[at]++
	}
	t.recent = append(t.recent, pastMention{Matched: store.Matched{Match: store.Match{At: m.At, Negative: float64(h.Tone[0]), Positive: float64(h.Tone[2]), Weight: h.Weight}, Mention: *m}})
}

// judge moves the time on, minute by minute, and gathers what is raised.
func (b *pastPart) judge(ctx context.Context, to time.Time) error {
	if b.now.IsZero() {
		b.now = to
		b.d.Advance(to)
	}
	for b.now.Before(to) {
		b.now = b.now.Add(time.Minute)
		b.gather(b.d.Advance(b.now))
		for i := range b.marks {
			m := &b.marks[i]
			if after := b.now.Sub(m.at) - 6*time.Hour; after >= 0 && after < time.Minute { // its six hours are over
				b.d.Feedback(m.topic, m.at, m.at, m.right)
			}
		}
		if b.now.Minute() == 0 && b.now.Hour() == 0 {
			for _, t := range b.topics {
				t.recent = slices.DeleteFunc(t.recent, func(m pastMention) bool { return b.now.Sub(m.At) > aWeek })
			}
		}
	}
	return ctx.Err()
}

func (b *pastPart) gather(reported []brand.Spike) {
	for _, sp := range reported {
		t := b.topics[slices.IndexFunc(b.topics, func(t *pastTopic) bool { return t.name == sp.Topic })]
		budget := sp.Budget
		switch budget {
		case 0:
			t.reports = append(t.reports, brand.Spike{ID: sp.ID, State: sp.State, Began: sp.Began, Updated: sp.Updated, Ended: sp.Ended, Total: sp.Total, Forecast: sp.Forecast})
			budget = t.own // as run would have reported it
		case t.own:
			continue
		}
		i := slices.Index(budgets, budget)
		if i < 0 {
			continue
		}
		at, known := t.already[i][sp.ID]
		sp.Series = nil
		if !known {
			// What was reported when it opened is what people would have been woken with.
			during, before := t.since(sp.Began)
			sp.Evidence = detect.Evidence(sp.Kind, during, before)
			if t.already[i] == nil {
				t.already[i] = map[string]int{}
			}
			t.already[i][sp.ID] = len(t.raised[i])
			t.raised[i] = append(t.raised[i], sp)
			continue
		}
		first := &t.raised[i][at]
		first.Level, first.Ended, first.Total, first.State = max(first.Level, sp.Level), sp.Ended, sp.Total, sp.State
	}
}

// since are the mentions of the last week from that time on, with their languages, and those before it.
func (t *pastTopic) since(began time.Time) (during, before []store.Matched) {
	var untold []*brand.Mention
	for i := range t.recent {
		if m := &t.recent[i]; !m.asked && !m.At.Before(began) {
			m.asked = true
			untold = append(untold, &m.Mention)
		}
	}
	ingest.SetLanguages(untold)
	for i := range t.recent {
		if m := &t.recent[i]; m.At.Before(began) {
			before = append(before, m.Matched)
		} else {
			during = append(during, m.Matched)
		}
	}
	return during, before
}

// pastReport is what a backtest prints.
type pastReport struct {
	From     time.Time     `json:"from"`
	To       time.Time     `json:"to"`
	Mentions int           `json:"mentions"` // that match, counted once for each topic
	Topics   []topicReport `json:"topics"`
}

type topicReport struct {
	Name     string         `json:"name"`
	Mentions int            `json:"mentions"`
	Budgets  []budgetReport `json:"budgets"`
	Rules    []ruleReport   `json:"published_rules"`
	Hours    []brand.Point  `json:"-"`

	Forecasts detect.ForecastCheck `json:"forecasts"` // made at the topic's own budget
}

// anyAge is longer than any spike lasts.
const anyAge = math.MaxInt64

type budgetReport struct {
	AlarmsPerWeek float64     `json:"alarms_per_week"`
	PerWeek       float64     `json:"raised_per_week"`
	Calls         int         `json:"calls"` // raised at a level that calls somebody
	Raised        []pastAlarm `json:"raised"`
}

type pastAlarm struct {
	brand.Spike
	Mark string `json:"mark,omitempty"` // right or wrong, as people said
}

type ruleReport struct {
	Rule    string  `json:"rule"`
	Alarms  int     `json:"alarms"`
	PerWeek float64 `json:"per_week"`
}

func (b *backtest) report() *pastReport {
	first := b.parts[0] // all have the same times
	r := &pastReport{From: first.began, To: first.now, Topics: []topicReport{}}
	weeks := max(r.To.Sub(r.From).Hours()/aWeek.Hours(), 1e-9)
	var topics []*pastTopic
	for i := range len(first.topics) * len(b.parts) { // in the order of the configuration
		if part := b.parts[i%len(b.parts)]; i/len(b.parts) < len(part.topics) {
			topics = append(topics, part.topics[i/len(b.parts)])
		}
	}
	for _, t := range topics {
		r.Mentions += t.n
		tr := topicReport{Name: t.name, Mentions: t.n, Forecasts: detect.CheckForecasts(t.reports, 0, anyAge)}
		for i, budget := range budgets {
			br := budgetReport{AlarmsPerWeek: budget, Raised: []pastAlarm{}}
			for _, sp := range t.raised[i] {
				if sp.Kind == brand.Praise {
					continue
				}
				if sp.Level >= brand.LightBreeze {
					br.Calls++
				}
				br.Raised = append(br.Raised, pastAlarm{sp, b.markOf(t.name, &sp)})
			}
			br.PerWeek = math.Round(100*float64(len(br.Raised))/weeks) / 100
			tr.Budgets = append(tr.Budgets, br)
		}
		for _, rule := range detect.PublishedRules {
			n := len(rule.Alarms(t.counts))
			tr.Rules = append(tr.Rules, ruleReport{rule.Name, n, math.Round(100*float64(n)/weeks) / 100})
		}
		for at := r.From.Truncate(time.Hour); at.Before(r.To); at = at.Add(time.Hour) {
			p := brand.Point{At: at}
			if h := t.hours[at.Unix()/3600]; h != nil {
				p.Voices, p.Negative = h.voices, h.negative
			}
			tr.Hours = append(tr.Hours, p)
		}
		r.Topics = append(r.Topics, tr)
	}
	return r
}
