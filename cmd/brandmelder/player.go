package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/detect"
	"brandmelder/i18n"
	"brandmelder/ingest"
	"brandmelder/store"
)

// player is the daemon under another clock: mentions go through the same preparation, stream, detector and desk as in run, minute by minute
// of their own time.
type player struct {
	conf   *config
	st     store.Store
	detect []*detect.Loop // a shard of the topics each
	desk   *alert.Loop    // nil: nobody answers
	now    time.Time      // the story's, whole minutes; zero before the first mention
	batch  []brand.Mention
	told   int
	added  int

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
	p.desk = alert.NewLoop(st, conf.desk(recorder), alert.Options{Holder: holder(), Lease: lease, Channels: map[string]alert.Channel{recorder: alert.Recorder{}}})
	return p, nil
}

// desk is the crisis desk of a configuration, with these channels.
func (c *config) desk(channels ...string) *alert.Desk {
	d := &alert.Desk{Shelf: c.shelf, People: c.people, Topics: c.topics, Lang: c.Language, Location: c.location, Channels: channels}
	for _, ch := range c.Channels {
		if alert.IsPager(ch.Kind) && slices.Contains(channels, ch.Name) {
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

// tick ends a minute: its mentions are heard and judged, and the desk does what is due.
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
	told := 0
	for _, l := range p.detect {
		if err := l.Step(ctx, p.now); err != nil {
			return err
		}
		told += l.Reported()
	}
	if p.desk != nil && (told != p.told || p.desk.Open() > 0) {
		p.told = told
		if err := p.desk.Step(ctx, p.now); err != nil {
			return err
		}
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
	return p.pin(ctx)
}

// pin pins the topics as they are now to the board.
func (p *player) pin(ctx context.Context) error {
	for _, l := range p.detect {
		if err := l.PinTopics(ctx); err != nil {
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
	Kind        brand.IncidentKind `json:"kind"`
	Level       brand.Level        `json:"level"`
	Began       time.Time          `json:"began"`
	Detected    time.Time          `json:"detected"`
	Title       string             `json:"title"`
	Why         map[string]string  `json:"why"`
	Playbook    string             `json:"playbook"`
	PlaybookWhy string             `json:"playbook_why"`
	Owner       string             `json:"owner"`
	Deputy      string             `json:"deputy,omitempty"`
	Experts     []expertOutcome    `json:"experts"`
	Drafts      []draftOutcome     `json:"drafts"`
	Calls       []callOutcome      `json:"calls"`
	Evidence    brand.Evidence     `json:"evidence"`
	Timeline    []brand.Event      `json:"timeline"`
}

type expertOutcome struct {
	Name string   `json:"name"`
	Why  []string `json:"why"`
}

type draftOutcome struct {
	Kind string `json:"kind"`
	Lang string `json:"lang"`
	Text string `json:"text"`
}

type callOutcome struct {
	At      time.Time     `json:"at"`
	To      string        `json:"to"`
	Role    string        `json:"role"`
	Reason  string        `json:"reason"`
	Channel string        `json:"channel"`
	Sent    time.Time     `json:"sent,omitzero"`
	Message brand.Message `json:"message"`
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
	ins, err := p.st.ListIncidents(ctx, false, 1000)
	if err != nil {
		return out, err
	}
	slices.SortFunc(ins, func(a, b brand.Incident) int {
		return cmp.Or(a.Detected.Compare(b.Detected), cmp.Compare(a.ID, b.ID))
	})
	for i := range ins {
		in, err := p.incident(ctx, &ins[i])
		if err != nil {
			return out, err
		}
		out.Incidents = append(out.Incidents, in)
	}
	return out, nil
}

func (p *player) incident(ctx context.Context, in *brand.Incident) (incidentOutcome, error) {
	worst := &in.Spikes[0]
	for i := range in.Spikes {
		if in.Spikes[i].Level > worst.Level {
			worst = &in.Spikes[i]
		}
	}
	o := incidentOutcome{
		ID: in.ID, Topic: in.Topics[0], Topics: in.Topics, Kind: in.Kind, Level: in.Level, Began: in.Began, Detected: in.Detected,
		Title: in.Title, Why: map[string]string{}, Playbook: in.Playbook, PlaybookWhy: in.PlaybookWhy, Owner: p.name(in.Owner), Deputy: p.name(in.Deputy),
		Evidence: worst.Evidence, Timeline: in.Timeline, Experts: []expertOutcome{}, Drafts: []draftOutcome{}, Calls: []callOutcome{},
	}
	for _, lang := range i18n.Languages() {
		o.Why[lang] = i18n.In(lang).Why(worst)
	}
	for _, s := range in.Experts {
		o.Experts = append(o.Experts, expertOutcome{s.Name, s.Why})
	}
	for _, d := range in.Drafts {
		o.Drafts = append(o.Drafts, draftOutcome{d.Kind, d.Lang, d.Text})
	}
	calls, err := p.st.CallsOf(ctx, in.ID)
	for _, c := range calls {
		o.Calls = append(o.Calls, callOutcome{c.At, p.name(c.To), c.Role, c.Reason, c.Channel, c.Sent, c.Message})
	}
	return o, err
}

func (p *player) name(id string) string {
	if q := p.conf.people.Person(id); q != nil {
		return q.Name
	}
	return id
}
