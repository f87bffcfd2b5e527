package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"brandmelder/alert"
	"brandmelder/alert/notify"
	"brandmelder/brand"
	"brandmelder/detect"
	"brandmelder/incident"
	"brandmelder/ingest"
	"brandmelder/store"
)

// player is the daemon under another clock: mentions go through the same preparation, stream, detector and desk as in
// run, minute by minute of their own time.
type player struct {
	conf     *config
	st       store.Store
	detect   []*detect.Loop // a shard of the topics each
	desk     *alert.Loop    // nil: nobody answers
	now      time.Time      // the story's, whole minutes; zero before the first mention
	batch    []brand.Mention
	reported int
	added    int

	// minute, if set, is called after each minute of the story.
	minute func(ctx context.Context, now time.Time) error
}

// recorder is the name of the channel of replays.
const recorder = "recorder"

func newPlayer(ctx context.Context, conf *config, st store.Store) (*player, error) {
	p := &player{conf: conf, st: st}
	const lease = 24 * time.Hour
	for _, opt := range conf.shards() {
		opt.Lease = lease
		l, err := detect.NewLoop(st, conf.rules(opt.topics), opt.Options)
		if err != nil {
			return nil, err
		}
		if ok, err := l.Acquire(ctx); err != nil {
			return nil, err
		} else if !ok {
			return nil, errors.New("the store is in use by another process")
		}
		p.detect = append(p.detect, l)
	}
	p.desk = alert.NewLoop(st, conf.desk(recorder), alert.Options{Holder: holder(), Lease: lease, Channels: map[string]notify.Channel{recorder: notify.Recorder{}}})
	return p, nil
}

// desk is the crisis desk of a configuration, with these channels.
func (c *config) desk(channels ...string) *alert.Desk {
	d := &alert.Desk{Shelf: c.shelf, People: c.people, Topics: c.topics, Lang: c.Language, Location: c.location, Channels: channels}
	for _, ch := range c.Channels {
		if notify.IsPager(ch.Kind) && slices.Contains(channels, ch.Name) {
			d.Pagers = append(d.Pagers, ch.Name)
		}
	}
	return d
}

// add takes the next mention; they come in the order of their time.
func (p *player) add(ctx context.Context, m brand.Mention) error {
	minute := m.At.Truncate(time.Minute)
	if p.now.IsZero() {
		p.now = minute
	}
	for p.now.Before(minute) {
		if err := p.tick(ctx); err != nil {
			return err
		}
	}
	p.batch = append(p.batch, m)
	return nil
}

// tick ends a minute: its mentions are counted and judged, and the desk does what is due.
func (p *player) tick(ctx context.Context) error {
	if len(p.batch) > 0 {
		n, err := p.st.Append(ctx, p.now.Add(time.Minute-time.Millisecond), p.batch)
		if err != nil {
			return err
		}
		p.added += n
		p.batch = p.batch[:0]
	}
	p.now = p.now.Add(time.Minute)
	reported := 0
	for _, l := range p.detect {
		if err := l.Step(ctx, p.now); err != nil {
			return err
		}
		reported += l.Reported()
	}
	if p.desk != nil && (reported != p.reported || p.desk.Open() > 0) {
		p.reported = reported
		if err := p.desk.Step(ctx, p.now); err != nil {
			return err
		}
		p.desk.Settle()
	}
	if p.minute != nil {
		return p.minute(ctx, p.now)
	}
	return ctx.Err()
}

// finish plays on for three hours after the last mention, so that what began also ends.
func (p *player) finish(ctx context.Context) error {
	if p.now.IsZero() {
		return nil
	}
	for end := p.now.Add(3 * time.Hour); p.now.Before(end); {
		if err := p.tick(ctx); err != nil {
			return err
		}
	}
	return p.saveTopics(ctx)
}

// saveTopics saves the statuses of the topics as they are now.
func (p *player) saveTopics(ctx context.Context) error {
	for _, l := range p.detect {
		if err := l.SaveTopics(ctx); err != nil {
			return err
		}
	}
	return nil
}

// release saves what was learned and leaves the topics to others.
func (p *player) release(ctx context.Context) error {
	for _, l := range p.detect {
		if err := l.Release(ctx); err != nil {
			return err
		}
	}
	return nil
}

// order returns what sorts recorded mentions within the lateness and plays them.
func (p *player) order(ctx context.Context, lateness time.Duration) *ingest.Recorded {
	return &ingest.Recorded{Lateness: lateness, Next: func(m brand.Mention) error { return p.add(ctx, m) }}
}

// outcome is what a replay prints.
type outcome struct {
	Mentions  int               `json:"mentions"`
	Spikes    []brand.Spike     `json:"spikes"`
	Incidents []incidentOutcome `json:"incidents"`
}

type incidentOutcome struct {
	ID          string             `json:"id"`
	Topic       string             `json:"topic"`
	Topics      []string           `json:"topics"`
	Kind        incident.Kind      `json:"kind"`
	Status      incident.Status    `json:"status"`
	Level       brand.Level        `json:"level"`
	Began       time.Time          `json:"began"`
	Detected    time.Time          `json:"detected"`
	Title       string             `json:"title"` // in English, as why and playbook_why
	Why         string             `json:"why"`
	Playbook    string             `json:"playbook"`
	PlaybookWhy string             `json:"playbook_why"`
	Owner       string             `json:"owner"`
	Deputy      string             `json:"deputy,omitempty"`
	Experts     []expertOutcome    `json:"experts"`
	Statements  []statementOutcome `json:"statements"`
	Calls       []callOutcome      `json:"calls"`
	Evidence    brand.Evidence     `json:"evidence"`
	Events      []incident.Record  `json:"events"`
}

type expertOutcome struct {
	Name string   `json:"name"`
	Why  []string `json:"why"`
}

type statementOutcome struct {
	Kind     incident.StatementKind `json:"kind"`
	Question string                 `json:"question,omitempty"`
	Lang     string                 `json:"lang"`
	Text     string                 `json:"text"`
}

type callOutcome struct {
	At      time.Time       `json:"at"`
	To      string          `json:"to"`
	Role    incident.Role   `json:"role"`
	Reason  incident.Reason `json:"reason"`
	Channel string          `json:"channel"`
	Sent    time.Time       `json:"sent,omitzero"`
	Message notify.Message  `json:"message"`
}

// outcome reads from the store what came of it, in the order of time.
func (p *player) outcome(ctx context.Context) (outcome, error) {
	out := outcome{Mentions: p.added, Spikes: []brand.Spike{}, Incidents: []incidentOutcome{}}
	index := map[string]int{}
	for pos := ""; ; {
		entries, err := p.st.SpikesAfter(ctx, pos, 500)
		if err != nil {
			return out, err
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			pos = e.Pos
			e.Spike.Series = nil // the charts' matter
			if i, ok := index[e.Spike.ID]; ok {
				out.Spikes[i] = e.Spike
				continue
			}
			index[e.Spike.ID] = len(out.Spikes)
			out.Spikes = append(out.Spikes, e.Spike)
		}
	}
	for after := ""; ; {
		page, next, err := p.st.ListIncidents(ctx, store.IncidentQuery{After: after, Limit: 100})
		if err != nil {
			return out, err
		}
		for i := range page {
			in, err := p.incident(ctx, page[i].ID)
			if err != nil {
				return out, err
			}
			out.Incidents = append(out.Incidents, in)
		}
		if after = next; next == "" {
			break
		}
	}
	slices.SortFunc(out.Incidents, func(a, b incidentOutcome) int {
		return cmp.Or(a.Detected.Compare(b.Detected), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

func (p *player) incident(ctx context.Context, id string) (o incidentOutcome, err error) {
	in, err := p.st.Incident(ctx, id)
	if err != nil {
		return o, err
	}
	evidence, err := p.st.Evidence(ctx, id)
	if err != nil {
		return o, err
	}
	worst := *in.Worst()
	if i := slices.IndexFunc(evidence, func(sp brand.Spike) bool { return sp.ID == worst.ID }); i >= 0 {
		worst = evidence[i]
	}
	desk := p.conf.desk(recorder)
	words := desk.In("en")
	o = incidentOutcome{
		ID: in.ID, Topic: in.Topics[0], Topics: in.Topics, Kind: in.Kind, Status: in.Status, Level: in.Level, Began: in.Began, Detected: in.Detected,
		Title: words.Title(&in.Summary), Why: words.Why(&worst), Playbook: in.Playbook, PlaybookWhy: words.Facts(in.Plan.Why),
		Owner: desk.Name(in.Owner), Deputy: desk.Name(in.Deputy), Evidence: worst.Evidence,
		Experts: []expertOutcome{}, Statements: []statementOutcome{}, Calls: []callOutcome{},
	}
	for _, x := range in.Experts {
		e := expertOutcome{Name: desk.Name(x.Person), Why: []string{}}
		for _, f := range x.Why {
			e.Why = append(e.Why, words.Fact(f, p.conf.location))
		}
		o.Experts = append(o.Experts, e)
	}
	for _, st := range in.Statements {
		o.Statements = append(o.Statements, statementOutcome{st.Kind, st.Question, st.Lang, st.Latest().Text})
	}
	if o.Events, err = p.st.Events(ctx, id); err != nil {
		return o, err
	}
	calls, err := p.st.CallsOf(ctx, id)
	for i := range calls {
		c := &calls[i]
		o.Calls = append(o.Calls, callOutcome{c.Created, desk.Name(c.To), c.Role, c.Reason, c.Channel, c.Sent, desk.Message(c, "")})
	}
	return o, err
}
