package detect

import "math"

// season is the expected voices of the minutes [from, to), before the activity of the last hours is applied, and how
// many voices the estimate is based on. The variances of the hours' rates add up, so several uncertain hours together
// are known better than each.
func (s *state) season(from, to int64, slotOf func(int64) int) (mu, evidence float64) {
	variance := 0.0
	for at := from; at < to; {
		next := min(to, (at/60+1)*60)
		var part, rests float64
		if next-at == 60 && s.Ring.has(at) && next <= s.Ring.Head {
			h := s.full(at, slotOf)
			part, rests = float64(h.mu), float64(h.evidence)
		} else {
			part, rests = s.line(at, next, slotOf)
		}
		mu += part
		variance += part * part / rests
		at = next
	}
	return mu, mu * mu / variance
}

// line is season within one hour. An hour's rate holds at its middle; between two middles it is a straight line.
func (s *state) line(from, to int64, slotOf func(int64) int) (mu, evidence float64) {
	start := from / 60 * 60
	here, evidence := s.Base.rate(slotOf(start))
	for at := from; at < to; {
		next := min(to, (at/30+1)*30)
		middle := float64(at+next)/2 - float64(start) - 30 // from the middle of the hour
		other := start + 60
		if middle < 0 {
			other = start - 60
		}
		there, _ := s.Base.rate(slotOf(other))
		off := math.Abs(middle) / 60
		mu += (here*(1-off) + there*off) * float64(next-at) / 60
		at = next
	}
	return mu, evidence
}

// activity is how the hours until that minute compare with their season, the latest counting most: the mean of a gamma
// distribution (Harvey & Fernandes 1989), and the voices it is based on. Its half-life is the one that has forecast
// this topic's hours best. If the last moments show more, they are used instead; a lull is not. The first day of a
// spike and silences of the source do not count.
func (s *state) activity(until int64, slotOf func(int64) int) (factor, evidence float64) {
	const hours = 4 // after which a two hundredth of a moment is left
	start := until / 60 * 60
	part := float64(until-start) / 60
	x, mu := 0.0, 0.0
	if part > 0 {
		x, mu = s.observed(start, until, until, slotOf)
	}
	best := s.Base.bestMemory()
	seen, should := s.remembered(best, start, slotOf)
	factor, evidence = gamma(memory[best], part, seen, should, x, mu)
	seen, should = s.remember(moment, start, max(s.Start, start-hours*60), slotOf)
	if lately, rests := gamma(moment, part, seen, should, x, mu); lately > factor {
		return lately, rests
	}
	return factor, evidence
}

// gamma is the activity and its evidence, from the sums at the beginning of an hour and the hour's first part.
func gamma(halfLife, part, seen, should, x, mu float64) (factor, evidence float64) {
	const prior = 8 // voices
	fade := math.Exp2(-part / halfLife)
	weight := math.Sqrt(fade)
	seen, should = seen*fade+weight*x, should*fade+weight*mu
	return (seen + prior) / (should + prior), seen + prior
}

// remembered is the fading sums of one memory at the beginning of an hour.
func (s *state) remembered(m int, start int64, slotOf func(int64) int) (seen, should float64) {
	oldest := max(s.Start, s.Ring.Head/60*60-24*60) // the same for the whole hour
	if m != s.Base.bestMemory() || !s.Ring.has(start-60) {
		return s.remember(memory[m], start, oldest, slotOf)
	}
	h := s.full(start-60, slotOf)
	if h.should == 0 {
		seen, should = s.remember(memory[m], start, oldest, slotOf)
		h.seen, h.should = float32(seen), float32(should)
	}
	return float64(h.seen), float64(h.should)
}

// remember adds up observed and expected voices of the full hours from oldest to start, with fading weights.
func (s *state) remember(halfLife float64, start, oldest int64, slotOf func(int64) int) (seen, should float64) {
	weight := math.Exp2(-0.5 / halfLife)
	fade := weight * weight
	for from := start - 60; from >= oldest; from -= 60 {
		x, mu := s.observed(from, from+60, start, slotOf)
		seen, should = seen+weight*x, should+weight*mu
		weight *= fade
	}
	return seen, should
}

// observed is the voices of the minutes [from, to) of an hour that count for the activity, as known at until, and the
// expected voices.
func (s *state) observed(from, to, until int64, slotOf func(int64) int) (x, mu float64) {
	x = float64(s.sum(from, to, until).Voices)
	mu, _ = s.season(from, to, slotOf)
	if s.planned(from, to) != nil || s.Trouble.covers(from, to) || s.Praise.covers(from, to) || x == 0 && mu >= outage {
		return 0, 0
	}
	return min(x, 4*mu+3), mu
}

// sums are the counts of each of the spans that end at minute now.
func (s *state) sums(now int64) (out [len(spans)]bucket) {
	from := now
	for i, minutes := range spans {
		if i > 0 {
			out[i] = out[i-1]
		}
		more := s.sum(now-minutes, from, now)
		out[i].add(&more)
		from = now - minutes
	}
	return out
}

// hour is a cache: the counts of a full hour, its season, and the fading sums at its end.
type hour struct {
	from         int64 // minute; 0 means empty
	sum          bucket
	seasoned     bool // mu and evidence are set
	mu, evidence float32
	seen, should float32 // should is 0 if they are not set
}

// hourAt is the hour that begins at that minute, with its counts.
func (s *state) hourAt(from int64) *hour {
	h := &s.hours[from/60%int64(len(s.hours))]
	if h.from != from {
		*h = hour{from: from, sum: s.Ring.sum(from, from+60)}
	}
	return h
}

// full is the hour that begins at that minute, with its season.
func (s *state) full(from int64, slotOf func(int64) int) *hour {
	h := s.hourAt(from)
	if !h.seasoned {
		mu, evidence := s.line(from, from+60, slotOf)
		h.seasoned, h.mu, h.evidence = true, float32(mu), float32(evidence)
	}
	return h
}

// learned drops from the cache what depends on the baseline, which has changed.
func (s *state) learned() {
	for i := range s.hours {
		s.hours[i] = hour{from: s.hours[i].from, sum: s.hours[i].sum}
	}
}

// sum adds up the minutes [from, to) as they are at now.
func (s *state) sum(from, to, now int64) (b bucket) {
	for at := from; at < to; {
		if at%60 == 0 && at+60 <= to && at+60 <= now && s.Ring.has(at) {
			b.add(&s.hourAt(at).sum)
			at += 60
			continue
		}
		next := min(to, (at/60+1)*60)
		part := s.Ring.sum(at, next)
		b.add(&part)
		at = next
	}
	return b
}
