package x

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"brandmelder/brand"
)

const (
	samplePosts     = 10 // of a sample: X's smallest page
	samplesPerVisit = 4
	sampleSpan      = 6 * time.Hour // that samples are drawn from
	fullPages       = 3             // of a topic that begins to rise
	risingPosts     = 30            // of each page after these
	risingSpan      = 10 * time.Minute
)

// readRising reads the newest posts of a rising topic: full pages first, then smaller ones.
func (b *budget) readRising(ctx context.Context, p *plan, t topic, from, end time.Time, emit Emit) ([]brand.Mention, error) {
	st := p.Topics[t.key]
	size := maxPosts
	if st.Rising >= fullPages {
		size = risingPosts
	}
	_, _, allowed := b.allowance(p)
	if allowed < samplePosts {
		return nil, nil
	}
	if recent := end.Add(-risingSpan); from.Before(recent) { // after a time without visits only the newest count
		from = recent
	}
	st.Rising++
	return b.read(ctx, p, t, from, end, min(size, allowed), &p.Rising, emit)
}

// sample reads some posts of the topics with the largest debt, as far as today's part allows.
func (b *budget) sample(ctx context.Context, p *plan, emit Emit) error {
	for range samplesPerVisit {
		_, allowed, _ := b.allowance(p)
		if allowed < samplePosts {
			return nil
		}
		t, ok := b.largestDebt(p)
		if !ok {
			return nil
		}
		st := p.Topics[t.key]
		st.Debt = 0
		from, end := b.draw(st)
		unused := 0
		texts, err := b.read(ctx, p, t, from, end, samplePosts, &unused, emit)
		if err != nil {
			return err
		}
		if err := emit(ctx, Batch{Mentions: texts, Cursor: p.encode()}); err != nil {
			return err
		}
	}
	return nil
}

// largestDebt returns the topic that is due for a sample.
func (b *budget) largestDebt(p *plan) (most topic, ok bool) {
	debt := 0.0
	for _, t := range b.topics {
		if st := p.Topics[t.key]; st != nil && st.Debt > debt {
			most, debt, ok = t, st.Debt, true
		}
	}
	return most, ok
}

// draw returns a random span of the last hours that holds about one sample, so that each post has the same chance.
func (b *budget) draw(st *state) (from, end time.Time) {
	from, end = st.Until.Add(-sampleSpan), st.Until
	span := time.Duration(float64(samplePosts) / max(st.Usual, 1e-3) * float64(time.Minute))
	span = min(max(span, time.Second), sampleSpan)
	if span == sampleSpan {
		return from, end
	}
	from = from.Add(time.Duration(b.random.Int64N(int64(sampleSpan - span)))).Truncate(time.Second)
	return from, from.Add(span).Truncate(time.Second).Add(time.Second)
}

// read searches for at most n posts of the topic in [from, end), newest first. They are billed to the month, the day
// and the account before the request, so that no crash spends them twice. Posts that X did not return are credited.
func (b *budget) read(ctx context.Context, p *plan, t topic, from, end time.Time, n int, account *int, emit Emit) ([]brand.Mention, error) {
	n = max(samplePosts, min(n, maxPosts))
	p.Reads, p.Today, *account = p.Reads+n, p.Today+n, *account+n
	if err := emit(ctx, Batch{Cursor: p.encode()}); err != nil {
		return nil, err
	}
	v := url.Values{"query": {t.query}, "max_results": {strconv.Itoa(n)}, "start_time": {from.UTC().Format(time.RFC3339)}, "end_time": {end.UTC().Format(time.RFC3339)}}
	setFields(v)
	var found page
	err := b.get(ctx, "/2/tweets/search/recent", v, &found)
	if err != nil && !gaveNothing(err) {
		return nil, err // X may have sent posts that were lost: they stay billed
	}
	back := max(n-len(found.Data), 0)
	p.Reads, p.Today, *account = p.Reads-back, p.Today-back, *account-back
	if err != nil {
		return nil, errors.Join(err, emit(ctx, Batch{Cursor: p.encode()}))
	}
	texts := found.batch()
	for i := range texts.Mentions {
		texts.Mentions[i].Counted = true
	}
	return texts.Mentions, emit(ctx, Batch{Bad: texts.Bad, Cursor: p.encode()})
}
