package x

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"brandmelder/brand"
	"brandmelder/query"
)

// budget reads X where there are more posts than may be read. The counts endpoint, which is not billed by the post,
// gives the volume of each topic by the minute. Posts are read for what counts cannot show: their tone and their
// authors. Topics that rise are read first, the others in samples in which each post has the same chance.
//
// The days that are left share the rest of the month equally. Of a day's part, samples may use most, more as the day
// goes on. Rising topics may use the remainder, or a part of the month's rest if that is more, so that the last day of
// a bad month still has some.
type budget struct {
	client
	topics   []topic
	perMonth int
	perDay   int // 0 is no limit of its own
	random   *rand.Rand
	left     atomic.Int64
}

// topic is what is asked for. Its key is its name in the cursor.
type topic struct{ name, query, key string }

const (
	sampleShare = 0.6  // of a day's part, for samples
	risingShare = 0.25 // of the month's rest, at most, for the rising topics of a day
)

func newBudget(api client, topics []brand.Topic, perMonth, perDay int) (*budget, error) {
	b := &budget{client: api, perMonth: perMonth, perDay: perDay}
	var errs []error
	seed := fnv.New64a()
	for _, t := range topics {
		q, err := query.Parse(t.Query)
		if err != nil {
			return nil, fmt.Errorf("topic %s: %w", t.Name, err)
		}
		asked, err := q.ForX()
		if err != nil {
			errs = append(errs, fmt.Errorf("topic %s: %w", t.Name, err))
			continue
		}
		if len(asked) > maxQuery {
			errs = append(errs, fmt.Errorf("topic %s: its query for X has %d characters, X takes %d: shorten it", t.Name, len(asked), maxQuery))
			continue
		}
		b.topics = append(b.topics, topic{t.Name, asked, t.Name + " " + asked})
		seed.Write([]byte(asked))
	}
	if len(b.topics) == 0 {
		return nil, errors.Join(errs...)
	}
	b.left.Store(int64(perMonth))
	b.random = rand.New(rand.NewPCG(seed.Sum64(), uint64(api.deps.Now().UnixNano())))
	return b, nil
}

// plan is the cursor: what was read this month, and the position of each topic.
type plan struct {
	Month  string            `json:"month"`
	Day    string            `json:"day"`
	Reads  int               `json:"month_reads"` // with those of requests that are under way
	Today  int               `json:"day_reads"`   // of them today
	Rising int               `json:"storm_reads"` // of today's, for rising topics
	Topics map[string]*state `json:"topics"`      // by topic.key
}

// state is the position of a topic.
type state struct {
	Until  time.Time `json:"until"`            // the end of what was counted
	Usual  float64   `json:"usual"`            // posts a minute, over a day or two
	Known  float64   `json:"known"`            // minutes that Usual is the mean of
	Rising int       `json:"moving,omitempty"` // pages read since it rises; 0: it does not
	Debt   float64   `json:"debt"`             // grows with its volume; the largest gets the next sample
}

// decodePlan reads a cursor, also that of a search without a budget: its reads count.
func decodePlan(position string) *plan {
	var p plan
	if json.Unmarshal([]byte(position), &p) == nil && p.Topics != nil {
		return &p
	}
	var old struct {
		Month string `json:"month"`
		Reads int    `json:"reads"`
	}
	_ = json.Unmarshal([]byte(position), &old) // another form has no reads
	return &plan{Month: old.Month, Reads: old.Reads, Topics: map[string]*state{}}
}

func (p *plan) encode() string {
	doc, _ := json.Marshal(p) // cannot fail
	return string(doc)
}

// Listen counts the topics that are due, reads those that rise, and reads samples.
func (b *budget) Listen(ctx context.Context, position string, emit Emit) error {
	p := decodePlan(position)
	b.turn(p)
	defer func() { b.left.Store(int64(b.perMonth - p.Reads)) }()
	if err := b.count(ctx, p, emit); err != nil {
		return err
	}
	if err := b.sample(ctx, p, emit); err != nil {
		return err
	}
	return emit(ctx, Batch{Cursor: p.encode(), Note: b.note(p)})
}

// Left returns how many posts may still be read this month, as of the last visit.
func (b *budget) Left() int { return int(b.left.Load()) }

// turn begins a new month or day.
func (b *budget) turn(p *plan) {
	now := b.deps.Now().UTC()
	if month := now.Format("2006-01"); p.Month != month {
		p.Month, p.Reads = month, 0
	}
	if day := now.Format(time.DateOnly); p.Day != day {
		p.Day, p.Today, p.Rising = day, 0, 0
	}
}

// allowance returns how many posts may be read now: of the month, for samples and for rising topics.
func (b *budget) allowance(p *plan) (month, samples, rising int) {
	now := b.deps.Now().UTC()
	today := now.Truncate(24 * time.Hour)
	month = b.perMonth - p.Reads
	morning := float64(month + p.Today) // at the beginning of the day
	part := morning / math.Ceil(endOfMonth(now).Sub(today).Hours()/24)
	elapsed := now.Sub(today).Hours() / 24
	samples = int(part*sampleShare*elapsed) - (p.Today - p.Rising)
	rising = int(max(part*(1-sampleShare), morning*risingShare)) - p.Rising
	if b.perDay > 0 {
		samples, rising = min(samples, b.perDay-p.Today), min(rising, b.perDay-p.Today)
	}
	return month, min(samples, month), min(rising, month)
}

func endOfMonth(now time.Time) time.Time {
	return time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
}

// note tells the operator how many posts are left, and until when.
func (b *budget) note(p *plan) string {
	month, _, _ := b.allowance(p)
	now := b.deps.Now().UTC()
	end := endOfMonth(now)
	if month < samplePosts {
		return fmt.Sprintf("all %d posts of %s are read; volumes are still counted, texts are read again from %s", b.perMonth, p.Month, end.Format(time.DateOnly))
	}
	elapsed := now.Sub(end.AddDate(0, -1, 0))
	until := "they last beyond the month"
	if p.Reads > 0 {
		if last := now.Add(time.Duration(float64(elapsed) / float64(p.Reads) * float64(month))); last.Before(end) {
			until = "at this pace they last until " + last.Format(time.DateOnly)
		}
	}
	return fmt.Sprintf("%d of %d posts may still be read in %s; %s", month, b.perMonth, p.Month, until)
}
