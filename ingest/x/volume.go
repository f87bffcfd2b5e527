package x

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"time"

	"brandmelder/brand"
)

const (
	countsPerVisit = 16               // X allows 300 requests for counts in 15 minutes; the rest is a reserve
	countDelay     = 15 * time.Second // age of a minute that is counted
	memory         = 7 * 24 * time.Hour
	risingFirst    = 2 * time.Minute // so much longer a rising topic seems to wait
	usualSpan      = 24 * time.Hour  // that the usual rate is the mean of
)

// count counts the topics that wait longest, and reads those that rise. It forgets the topics that are configured no
// more.
func (b *budget) count(ctx context.Context, p *plan, emit Emit) error {
	end := b.deps.Now().UTC().Add(-countDelay).Truncate(time.Minute)
	var due []topic
	known := map[string]*state{}
	for _, t := range b.topics {
		st := p.Topics[t.key]
		if st == nil {
			st = &state{Until: end.Add(-time.Hour)}
		}
		known[t.key], p.Topics[t.key] = st, st
		if st.Until.After(end.Add(clockSkew)) { // a clock was wrong
			st.Until = end.Add(-time.Hour)
		}
		if oldest := end.Add(time.Minute - memory); st.Until.Before(oldest) {
			st.Until = oldest
		}
		if !st.Until.Before(end) {
			continue
		}
		i := len(due)
		for i > 0 && b.before(p, t, due[i-1]) {
			i--
		}
		due = append(due[:i], append([]topic{t}, due[i:]...)...)
	}
	p.Topics = known
	for _, t := range due[:min(len(due), countsPerVisit)] {
		if err := b.countOne(ctx, p, t, end, emit); err != nil {
			return err
		}
	}
	return nil
}

// before reports whether topic x is counted before topic y: the longer it waits, the earlier.
func (b *budget) before(p *plan, x, y topic) bool {
	since := func(st *state) time.Time {
		if st.Rising > 0 {
			return st.Until.Add(-risingFirst)
		}
		return st.Until
	}
	return since(p.Topics[x.key]).Before(since(p.Topics[y.key]))
}

// countOne counts a topic up to end. If it rises, its posts are emitted with its counts.
func (b *budget) countOne(ctx context.Context, p *plan, t topic, end time.Time, emit Emit) error {
	st := p.Topics[t.key]
	from := st.Until
	counted, total, err := b.volumes(ctx, t, from, end)
	if err != nil {
		return err
	}
	minutes := end.Sub(from).Minutes()
	if st.rises(total, minutes) {
		texts, err := b.readRising(ctx, p, t, from, end, emit)
		if err != nil {
			return err
		}
		counted.Mentions = append(texts, counted.Mentions...)
	} else {
		st.Rising = 0
	}
	st.learn(total, minutes)
	st.Debt += math.Sqrt(total)
	st.Until = end
	counted.Cursor = p.encode()
	return emit(ctx, counted)
}

// volumes returns one tally for each minute with posts, and their sum.
func (b *budget) volumes(ctx context.Context, t topic, from, end time.Time) (out Batch, total float64, err error) {
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
		if err := b.get(ctx, "/2/tweets/counts/recent", v, &doc); err != nil {
			return out, total, err
		}
		for _, c := range doc.Data {
			if c.Count > brand.MaxCount {
				err := fmt.Errorf("read a count of X: %d posts in a minute are impossible", c.Count)
				out.Bad = append(out.Bad, Bad{[]byte(c.Start.String()), err})
				continue
			}
			if c.Count > 0 && !c.Start.Before(from) && c.Start.Before(end) {
				total += float64(c.Count)
				out.Mentions = append(out.Mentions, t.tally(c.Start, c.Count))
			}
		}
		if doc.Meta.Next == "" {
			break
		}
		v.Set("next_token", doc.Meta.Next)
	}
	return out, total, nil
}

// tally is the mention that stands for so many posts of a minute.
func (t *topic) tally(minute time.Time, count int64) brand.Mention {
	id := idPrefix + "count:" + brand.Hash(t.name, t.query) + ":" + strconv.FormatInt(minute.Unix()/60, 10)
	return brand.Mention{ID: id, Source: "x", At: minute.UTC(), Kind: brand.Tally, Topic: t.name, Count: count}
}

// rises reports whether n posts in so many minutes are clearly more than usual. A new topic has no usual rate yet.
func (st *state) rises(n, minutes float64) bool {
	if st.Known < 30 {
		return false
	}
	usual := st.Usual * minutes
	return n > 2.2*usual+4*math.Sqrt(usual)+6
}

// learn adds n posts in so many minutes to the usual rate. A rising topic changes it little.
func (st *state) learn(n, minutes float64) {
	rate := n / minutes
	if st.Known > 60 {
		rate = min(rate, 3*st.Usual+1)
	}
	st.Known = min(st.Known+minutes, usualSpan.Minutes())
	st.Usual += (rate - st.Usual) * min(1, minutes/st.Known)
}
