package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"brandmelder/brand"
	"brandmelder/query"
)

// xbudget listens to X when there are more posts than may be read. The counts endpoint, which is not billed by the post, tells each topic's volume minute by minute;
// reading is for what the counts cannot tell: how it is meant, and by whom. Topics that move are read first, the rest by samples that are fair to each post.
//
// What may be spent: a month's reads, of which the days that are left get equal parts. Of a day's part, routine may take the larger share as the day goes on, and
// storms what routine left and a part of the whole month's rest, so that the last day of a bad month still has something.
type xbudget struct {
	*x
	topics []xTopic
	roll   *rand.Rand
	rest   atomic.Int64
}

type xTopic struct{ name, query, key string }

const (
	xCounts     = 16               // requests for counts in a minute: 300 in 15 minutes are allowed, less a reserve
	xLag        = 15 * time.Second // how old a minute is when it is asked for
	xMemory     = 7 * 24 * time.Hour
	xMovesFirst = 2 * time.Minute // so much longer what moves counts as waiting
	xSample     = 10              // posts of a sample, the smallest page
	xRoutine    = 0.6             // of a day's part, for samples
	xStormShare = 0.25            // of what is left of the month, at most, for the storms of a day
	xBursts     = 3               // full pages of a topic that begins to move
	xStormPage  = 30              // posts of each later one
	xUsualHalf  = 24 * time.Hour
)

func newXBudget(s *x, topics []brand.Topic) (*xbudget, error) {
	b := &xbudget{x: s}
	var errs []error
	seed := fnv.New64a()
	for _, t := range topics {
		q, err := query.Parse(t.Query)
		if err != nil {
			return nil, fmt.Errorf("topic %s: %w", t.Name, err)
		}
		asked, err := q.ForX()
		if err != nil || len(asked) > xMaxQuery {
			errs = append(errs, fmt.Errorf("topic %s: it cannot be asked for on X in %d characters: %w", t.Name, xMaxQuery, err))
			continue
		}
		b.topics = append(b.topics, xTopic{t.Name, asked, t.Name + " " + asked})
		seed.Write([]byte(asked))
	}
	if len(b.topics) == 0 {
		return nil, errors.Join(errs...)
	}
	b.rest.Store(int64(s.budget))
	b.roll = rand.New(rand.NewPCG(seed.Sum64(), uint64(s.deps.Now().UnixNano())))
	return b, nil
}

// xPlan is the cursor: what was spent, and how far each topic was counted and read.
type xPlan struct {
	Month  string             `json:"month"`
	Day    string             `json:"day"`
	Reads  int                `json:"month_reads"` // with those under way
	Today  int                `json:"day_reads"`   // of them today
	Storms int                `json:"storm_reads"` // of today's
	Topics map[string]*xState `json:"topics"`      // by name and query
}

type xState struct {
	Until  time.Time `json:"until"`            // counted up to here
	Usual  float64   `json:"usual"`            // posts a minute, over a day or two
	Known  float64   `json:"known"`            // minutes behind Usual
	Moving int       `json:"moving,omitempty"` // pages read since it began to move; 0: it does not
	Read   time.Time `json:"read,omitzero"`    // the newest post that was read
	Debt   float64   `json:"debt"`             // what it is owed of the next samples
}

func (s *xbudget) Listen(ctx context.Context, cursor string, emit Emit) error {
	var p xPlan
	if json.Unmarshal([]byte(cursor), &p) != nil || p.Topics == nil { // also that of a search without budget
		var old struct {
			Month string `json:"month"`
			Reads int    `json:"reads"`
		}
		_ = json.Unmarshal([]byte(cursor), &old) // if it is none, nothing was read
		p = xPlan{Month: old.Month, Reads: old.Reads, Topics: map[string]*xState{}}
	}
	s.turn(&p)
	defer func() { s.rest.Store(int64(s.budget - p.Reads)) }()
	if err := s.count(ctx, &p, emit); err != nil {
		return err
	}
	if err := s.sample(ctx, &p, emit); err != nil {
		return err
	}
	return emit(ctx, Batch{Cursor: p.encode(), Note: s.note(&p)})
}

func (p *xPlan) encode() string {
	doc, _ := json.Marshal(p) // cannot fail
	return string(doc)
}

// turn begins a new month or day.
func (s *xbudget) turn(p *xPlan) {
	now := s.deps.Now().UTC()
	if month := now.Format("2006-01"); p.Month != month {
		p.Month, p.Reads = month, 0
	}
	if day := now.Format(time.DateOnly); p.Day != day {
		p.Day, p.Today, p.Storms = day, 0, 0
	}
}

// left is what may still be read: of the month, and of today for samples and for storms.
func (s *xbudget) left(p *xPlan) (month, routine, storm int) {
	now := s.deps.Now().UTC()
	end := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	days := math.Ceil(end.Sub(now.Truncate(24*time.Hour)).Hours() / 24)
	month = s.budget - p.Reads
	morning := float64(month + p.Today) // when the day began
	part := morning / days
	gone := now.Sub(now.Truncate(24*time.Hour)).Hours() / 24
	routine = int(part*xRoutine*gone) - (p.Today - p.Storms)
	storm = int(max(part*(1-xRoutine), morning*xStormShare)) - p.Storms
	if s.perDay > 0 {
		routine, storm = min(routine, s.perDay-p.Today), min(storm, s.perDay-p.Today)
	}
	return month, min(routine, month), min(storm, month)
}

func (s *xbudget) note(p *xPlan) string {
	month, _, _ := s.left(p)
	now := s.deps.Now().UTC()
	end := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	if month < xSample {
		return fmt.Sprintf("all %d posts of %s are read; volumes are counted on, texts come again on %s", s.budget, p.Month, end.Format(time.DateOnly))
	}
	gone := now.Sub(time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC))
	until := "they last beyond the month"
	if p.Reads > 0 {
		if last := now.Add(time.Duration(float64(gone) / float64(p.Reads) * float64(month))); last.Before(end) {
			until = "at this pace they last until " + last.Format(time.DateOnly)
		}
	}
	return fmt.Sprintf("%d of %d posts may still be read in %s; %s", month, s.budget, p.Month, until)
}

// Left is how many of the month's posts may still be read, as known since the last visit.
func (s *xbudget) Left() int { return int(s.rest.Load()) }

// count asks for the volume of the topics that were not asked for longest, and reads those that move, before their tallies are told.
func (s *xbudget) count(ctx context.Context, p *xPlan, emit Emit) error {
	now := s.deps.Now().UTC()
	end := now.Add(-xLag).Truncate(time.Minute)
	var due []xTopic
	known := map[string]*xState{}
	for _, t := range s.topics {
		st := p.Topics[t.key]
		if st == nil {
			st = &xState{Until: end.Add(-time.Hour)}
		}
		known[t.key], p.Topics[t.key] = st, st
		if st.Until.After(end.Add(xAhead)) {
			st.Until = end.Add(-time.Hour) // a clock was wrong
		}
		if st.Until.Before(end.Add(time.Minute - xMemory)) {
			st.Until = end.Add(time.Minute - xMemory) // X remembers no more
		}
		if !st.Until.Before(end) {
			continue
		}
		i := len(due)
		for i > 0 && s.before(p, t, due[i-1]) {
			i--
		}
		due = append(due[:i], append([]xTopic{t}, due[i:]...)...)
	}
	p.Topics = known // those of topics that are gone are forgotten
	for _, t := range due[:min(len(due), xCounts)] {
		if err := s.countOne(ctx, p, t, end, emit); err != nil {
			return err
		}
	}
	return nil
}

// before says which of two topics is asked for first: what waits longest; what moves counts as waiting longer.
func (s *xbudget) before(p *xPlan, a, b xTopic) bool {
	x, y := p.Topics[a.key], p.Topics[b.key]
	waits := func(st *xState) time.Time {
		if st.Moving > 0 {
			return st.Until.Add(-xMovesFirst)
		}
		return st.Until
	}
	return waits(x).Before(waits(y))
}

func (s *xbudget) countOne(ctx context.Context, p *xPlan, t xTopic, end time.Time, emit Emit) error {
	st := p.Topics[t.key]
	var b Batch
	total, from := 0.0, st.Until
	v := url.Values{"query": {t.query}, "granularity": {"minute"}, "start_time": {from.Format(time.RFC3339)}, "end_time": {end.Format(time.RFC3339)}}
	for range maxPages {
		var doc struct {
			Data []struct {
				Start time.Time `json:"start"`
				Count int64     `json:"tweet_count"`
			} `json:"data"`
			Meta struct {
				Next string `json:"next_token"`
			} `json:"meta"`
		}
		if err := s.get(ctx, "/2/tweets/counts/recent?"+v.Encode(), &doc); err != nil {
			return err
		}
		for _, c := range doc.Data {
			if c.Count > brand.MaxCount {
				b.Bad = append(b.Bad, unread([]byte(c.Start.String()), fmt.Errorf("read a count of X: %d posts in a minute cannot be", c.Count)))
				continue
			}
			if c.Count > 0 && !c.Start.Before(from) && c.Start.Before(end) {
				total += float64(c.Count)
				b.Mentions = append(b.Mentions, brand.Mention{
					ID: "x:count:" + brand.Hash(t.name, t.query) + ":" + strconv.FormatInt(c.Start.Unix()/60, 10), Source: "x", At: c.Start.UTC(), Kind: brand.Tally, Topic: t.name, Count: c.Count,
				})
			}
		}
		if doc.Meta.Next == "" {
			break
		}
		v.Set("next_token", doc.Meta.Next)
	}
	minutes := end.Sub(from).Minutes()
	if s.moves(st, total, minutes) {
		texts, err := s.storm(ctx, p, t, from, end, emit)
		if err != nil {
			return err
		}
		b.Mentions = append(texts, b.Mentions...)
	} else {
		st.Moving = 0
	}
	// What is usual: a mean over the last day or two, in which a storm counts little.
	rate := total / minutes
	if st.Known > 60 {
		rate = min(rate, 3*st.Usual+1)
	}
	st.Known = min(st.Known+minutes, xUsualHalf.Minutes())
	st.Usual += (rate - st.Usual) * min(1, minutes/st.Known)
	st.Debt += math.Sqrt(total)
	st.Until = end
	b.Cursor = p.encode()
	return emit(ctx, b)
}

// moves says whether so many posts in so many minutes are more than usual; of a topic that is new, or of a long absence, it is said when it is clear.
func (s *xbudget) moves(st *xState, n, minutes float64) bool {
	if st.Known < 30 {
		return false
	}
	usual := st.Usual * minutes
	return n > 2.2*usual+4*math.Sqrt(usual)+6
}

// storm reads what a moving topic says now: the newest, in full pages first, then in small ones.
func (s *xbudget) storm(ctx context.Context, p *xPlan, t xTopic, from, end time.Time, emit Emit) ([]brand.Mention, error) {
	st := p.Topics[t.key]
	size := xPage
	if st.Moving >= xBursts {
		size = xStormPage
	}
	_, _, may := s.left(p)
	if may < xSample {
		return nil, nil
	}
	if from.Before(end.Add(-10 * time.Minute)) {
		from = end.Add(-10 * time.Minute) // after an absence, what is said now
	}
	st.Moving++
	return s.read(ctx, p, t, from, end, min(size, may), &p.Storms, emit)
}

// sample reads some posts of the topics that are owed most, as far as today's part goes.
func (s *xbudget) sample(ctx context.Context, p *xPlan, emit Emit) error {
	for range 4 { // in one visit
		_, may, _ := s.left(p)
		if may < xSample {
			return nil
		}
		var most xTopic
		for _, t := range s.topics {
			if st := p.Topics[t.key]; st != nil && st.Debt > 0 && (most.query == "" || st.Debt > p.Topics[most.key].Debt) {
				most = t
			}
		}
		if most.query == "" {
			return nil
		}
		st := p.Topics[most.key]
		st.Debt = 0
		// A moment of the last hours by chance, and so long that it holds about a sample: each post has the same chance.
		span := time.Duration(float64(xSample) / max(st.Usual, 1e-3) * float64(time.Minute))
		from, end := st.Until.Add(-6*time.Hour), st.Until
		if span = min(max(span, time.Second), end.Sub(from)); span < end.Sub(from) {
			from = from.Add(time.Duration(s.roll.Int64N(int64(end.Sub(from) - span)))).Truncate(time.Second)
			end = from.Add(span).Truncate(time.Second).Add(time.Second)
		}
		unused := 0
		ms, err := s.read(ctx, p, most, from, end, xSample, &unused, emit)
		if err != nil {
			return err
		}
		if err := emit(ctx, Batch{Mentions: ms, Cursor: p.encode()}); err != nil {
			return err
		}
	}
	return nil
}

// read searches for at most n posts of the topic in [from, end), newest first. They are billed before they are asked for, so that no crash spends them twice; what was
// not given is paid back.
func (s *xbudget) read(ctx context.Context, p *xPlan, t xTopic, from, end time.Time, n int, account *int, emit Emit) ([]brand.Mention, error) {
	n = max(xSample, min(n, xPage))
	p.Reads, p.Today, *account = p.Reads+n, p.Today+n, *account+n
	if err := emit(ctx, Batch{Cursor: p.encode()}); err != nil {
		return nil, err
	}
	v := url.Values{"query": {t.query}, "max_results": {strconv.Itoa(n)}, "start_time": {from.UTC().Format(time.RFC3339)}, "end_time": {end.UTC().Format(time.RFC3339)}}
	xFields(v)
	var page xPageDoc
	err := s.get(ctx, "/2/tweets/search/recent?"+v.Encode(), &page)
	if err != nil && !refusedWhole(err) {
		return nil, err // it may have been given and lost: it stays billed
	}
	back := n - len(page.Data)
	back = max(back, 0)
	p.Reads, p.Today, *account = p.Reads-back, p.Today-back, *account-back
	if err != nil {
		return nil, errors.Join(err, emit(ctx, Batch{Cursor: p.encode()}))
	}
	b := page.batch()
	for i := range b.Mentions {
		b.Mentions[i].Counted = true
	}
	return b.Mentions, emit(ctx, Batch{Bad: b.Bad, Cursor: p.encode()})
}

// refusedWhole says that X gave nothing, and so bills nothing.
func refusedWhole(err error) bool {
	var slow *SlowDown
	var no *RefusedError
	return errors.As(err, &slow) || errors.As(err, &no) || errors.Is(err, errXTooOld)
}
