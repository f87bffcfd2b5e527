package detect

import (
	"fmt"
	"math"
	"slices"
	"time"

	"brandmelder/brand"
	"brandmelder/detect/relevance"
	"brandmelder/detect/sentiment"
	"brandmelder/query"
)

// Scorer hears the tone of a text. It is used by one goroutine at a time.
type Scorer interface {
	Score(text string) sentiment.Tone
}

// aimer is a Scorer that also hears towards whom a text is meant.
type targetScorer interface {
	Towards(text string, brand ...string) sentiment.Tone
}

var (
	_ Scorer       = (*sentiment.Scorer)(nil)
	_ targetScorer = (*sentiment.Scorer)(nil)
)

// Rules is what a detector goes by.
type Rules struct {
	Topics       []brand.Topic
	Location     *time.Location           // of hours and weekdays; nil means UTC
	Holiday      func(day time.Time) bool // which days are like a Sunday; nil means none; see Holidays
	Planned      []brand.Planned
	OtherBudgets []float64 // alarms a week: what would be raised at these budgets is told too, by what is learned at the topic's own; for looking back
	Scorer       Scorer    // nil means the embedded model
}

// Detector judges topics. It is not safe for use by two goroutines at once.
type Detector struct {
	rules    Rules
	scan     *query.Scanner
	topics   []*state
	hits     []int
	now      int64                          // minutes; all before it are judged
	clusters clusters                       // of all topics: a wire story is one also where each paper fits another topic
	slots    [64]struct{ hour, slot int64 } // answers of slotOf
	matches  []Match
	reader   relevance.Reader
}

// state is what is known of one topic. Its exported fields are the snapshot.
type state struct {
	topic        brand.Topic
	beside       *beside
	plans        []brand.Planned
	others       []tracker // one for each of Rules.AlsoAt
	otherBudgets []float64
	Ring         ring
	Base         baseline
	Weights      weights
	Start        int64   // nothing before it is judged
	JudgedFrom   int64   // nothing before it is judged again: a spike ended there
	Changed      int64   // the first minute that changed since it was judged, or 0
	WarmUp       float64 // voices since the start, counted while nothing is learned yet
	Total        int64   // mentions counted
	TooLate      int64
	Extremes     [indicators]extremes
	NearMisses   [4]nearMiss // the last that were not raised, newest first
	Trouble      tracker
	Praise       tracker
	SampledTone  sampledTone

	hours [26]hour // by hours since 1970; what is known of them can always be found again
	rise  float64  // voices of the last hour over those expected, as judged last; 0 for too few to say
}

// beside is what goes with a topic and is not known from its past: no part of the snapshot.
type beside struct {
	names    []string          // by which the topic's query asks for it
	about    *relevance.Filter // nil holds nothing back
	novel    []brand.Term      // new words, as looked for last
	lookedAt int64             // in hours of the topic's own
}

// New makes a detector that has heard nothing. The error names the topic whose query is wrong.
func New(rules Rules) (*Detector, error) {
	if rules.Location == nil {
		rules.Location = time.UTC
	}
	if rules.Scorer == nil {
		rules.Scorer = sentiment.Default().Scorer()
	}
	d := &Detector{rules: rules}
	var qs []*query.Query
	for _, t := range rules.Topics {
		q, err := query.Parse(t.Query)
		if err != nil {
			return nil, fmt.Errorf("topic %s: %w", t.Name, err)
		}
		qs = append(qs, q)
		if t.AlarmsPerWeek <= 0 {
			t.AlarmsPerWeek = brand.DefaultAlarmsPerWeek
		}
		s := &state{topic: t, beside: &beside{names: q.Names()}, others: make([]tracker, len(rules.OtherBudgets)), otherBudgets: rules.OtherBudgets}
		for _, p := range rules.Planned {
			if len(p.Topics) == 0 || slices.Contains(p.Topics, t.Name) {
				s.plans = append(s.plans, p)
			}
		}
		d.topics = append(d.topics, s)
	}
	d.scan = query.Compile(qs).Scanner()
	return d, nil
}

// Heard is what a mention means for one topic.
type Match struct {
	Topic  string
	At     time.Time // at which it counts: of its publication, or of its receipt if that was before
	Tone   sentiment.Tone
	Weight float64
	Doubt  float64 // probability that it is not about the brand
}

// Held says whether the mention is held back from the topic: it is not counted.
func (h *Match) Held() bool { return h.Doubt > 0.5 }

// Hear takes in a mention that was heard at that time; Advance must have come so far already. It counts in the minute in which it
// was published, or, if that lies in the future, in which it was heard. The result is valid until the next call.
func (d *Detector) Add(received time.Time, m *brand.Mention) []Match {
	if m.Kind == brand.Tally {
		d.addTally(received, m)
		return nil
	}
	d.hits = d.scan.Match(m, d.hits[:0])
	d.matches = d.matches[:0]
	if len(d.hits) == 0 {
		return nil
	}
	at := m.At
	if at.After(received) {
		at = received // one time for all: what claims to be of the future counts when it was received
	}
	whole := d.rules.Scorer.Score(m.Body())
	aim, aims := d.rules.Scorer.(targetScorer)
	aims = aims && d.rivals()
	now := received.Unix() / 60
	minute := at.Unix() / 60
	copies, _ := d.clusters.insert(m.Text, minute)
	for _, i := range d.hits {
		s := d.topics[i]
		s.begin(now)
		tone := whole
		if aims {
			tone = aim.Towards(m.Body(), s.beside.names...)
		}
		doubt := 1 - d.reader.About(s.beside.about, m.Body())
		if h := (Match{Topic: s.topic.Name, At: at, Tone: tone, Weight: 1, Doubt: doubt}); h.Held() {
			d.matches = append(d.matches, h)
			continue
		}
		w := s.Weights.weigh(m, copies, minute)
		d.matches = append(d.matches, Match{s.topic.Name, at, tone, w, doubt})
		negative, positive := tone.Counts()
		if m.Counted {
			s.SampledTone.add(minute, negative, positive)
			continue
		}
		b := s.addVoices(minute, d.now, w)
		if b == nil {
			continue
		}
		b.Negative += float32(w) * negative
		b.Positive += float32(w) * positive
		b.Sources |= 1 << (hashString(m.Source) % 16)
		if m.Kind == brand.Article {
			b.Articles++
		}
	}
	return d.matches
}

// rivals says whether the mention that was matched last fits a competitor's topic and another's: of one brand alone the whole text tells more.
func (d *Detector) rivals() bool {
	theirs := 0
	for _, i := range d.hits {
		if d.topics[i].topic.Role == brand.Competitor {
			theirs++
		}
	}
	return theirs > 0 && theirs < len(d.hits)
}

// counted is how many mentions all topics counted, and how many of them came too late to be judged.
func (d *Detector) counted() (total, late int64) {
	for _, s := range d.topics {
		total, late = total+s.Total, late+s.TooLate
	}
	return total, late
}

// adopt takes over what is no part of a snapshot: the filters of other, which judges the same topics.
func (d *Detector) adopt(other *Detector) {
	for i, s := range d.topics {
		s.beside = other.topics[i].beside
	}
}

// Filter makes the topic hold back mentions that are hardly about the brand, from now on; nil holds nothing back. A topic that is not judged here is
// none of its matter.
func (d *Detector) Filter(topic string, f *relevance.Filter) {
	for _, s := range d.topics {
		if s.topic.Name == topic {
			s.beside.about = f
		}
	}
}

// begin starts a topic's time with the first thing known of it.
func (s *state) begin(now int64) {
	if s.Start == 0 {
		s.Start = now
		s.Ring = newRing(now)
		for i := range s.Extremes {
			s.Extremes[i] = priors[i].begin()
		}
	}
}

// Advance moves the time to the minute of to, judging each minute on the way, and returns the spikes to tell, in the order
// of their time, then of the topics. Time does not go back: an earlier to does nothing.
func (d *Detector) Advance(to time.Time) []brand.Spike {
	target := to.Unix() / 60
	if d.now == 0 {
		d.now = target
		for _, s := range d.topics {
			s.begin(target)
		}
	}
	var out []brand.Spike
	for d.now < target {
		d.now++
		before := len(out)
		for _, s := range d.topics {
			out = s.closeMinute(d.now, d.slotOf, out)
		}
		if len(out) > before && d.everywhere() {
			for i := before; i < len(out); i++ {
				if sp := &out[i]; sp.Kind != brand.Tone && sp.State != brand.Ended {
					sp.Everywhere, sp.Level = true, min(sp.Level, brand.LightAir)
				}
			}
		}
	}
	return out
}

// pass moves on to the minute now, learning on the way.
func (s *state) advance(now int64, slotOf func(int64) int) {
	for s.Ring.Head < now {
		s.Ring.advance()
	}
	if now%60 == 0 {
		if from := now - lateMinutes - 60; from >= s.Start && s.planned(from, from+60) == nil {
			s.Base.learn(&s.Ring, from, slotOf(from))
		}
		s.learned()
		s.disperse(now, slotOf)
	}
	if now%blockMinutes == 0 {
		for i := range s.Extremes {
			if s.planned(now-blockMinutes, now) != nil && indicator(i).countsVoices() {
				s.Extremes[i].Most = 0
			}
			s.Extremes[i].close(&priors[i], now/blockMinutes, s.Extremes[i].height(threshold(s.topic.AlarmsPerWeek)-math.Log10(shares[i])))
		}
	}
}

// disperse learns from the hour before now how far counts scatter around what was expected of them.
func (s *state) disperse(now int64, slotOf func(int64) int) {
	if s.Base.Hours < warmHours || s.Ring.sum(now-60, now).Voices == 0 || s.planned(now-60, now) != nil {
		return // nothing to compare with, or perhaps a silence of the source
	}
	heard := float64(s.Ring.sum(now-60, now).Voices)
	usual, _ := s.season(now-60, now, slotOf)
	var levels [memories]float64
	for i := range levels {
		seen, should := s.remembered(i, now-60, slotOf)
		levels[i], _ = gamma(memory[i], 0, seen, should, 0, 0)
	}
	s.Base.learnMemory(levels, heard, usual)
	s.learned()
	for w, minutes := range windows {
		for at := now; at > now-60; at -= minutes {
			x := float64(s.Ring.sum(at-minutes, at).Voices)
			mu, evidence := s.season(at-minutes, at, slotOf)
			if minutes < 1440 {
				factor, rests := s.activity(at-minutes, slotOf)
				stays := s.Base.persistence(w)
				s.Base.learnPersistence(w, x, mu, factor)
				mu, evidence = mu*math.Pow(factor, stays), min(evidence, rests)
			}
			s.Base.disperse(w, x, mu, evidence+0.5)
		}
	}
}

// beat closes the minute before now.
func (s *state) closeMinute(now int64, slotOf func(int64) int, out []brand.Spike) []brand.Spike {
	if s.Start == 0 {
		s.begin(now)
	}
	s.advance(now, slotOf)
	if s.Changed != 0 {
		// Late mentions: what they changed is judged again, as of then, told as of now. A spike that is open is being
		// judged anyway.
		if !s.Trouble.Open && !s.Praise.Open {
			for at := max(s.Changed+1, now-lateMinutes); at < now; at++ {
				out = s.judgeMinute(at, now, slotOf, out)
			}
		}
		s.Changed = 0
	}
	const quiet = 15 // minutes
	if s.Ring.at(now-1).Voices == 0 && now%quiet != 0 && s.Trouble.idle() && s.Praise.idle() {
		// Nobody said anything: no window holds more than it did a minute ago, and nothing is learned from it.
		for i := range s.others {
			if !s.others[i].idle() {
				j := s.judge(now, slotOf)
				return s.trackOthers(&j, now, now, slotOf, out)
			}
		}
		return out
	}
	return s.judgeMinute(now, now, slotOf, out)
}

// Now is how far the detector has judged; zero before its first minute.
func (d *Detector) Now() time.Time {
	if d.now == 0 {
		return time.Time{}
	}
	return time.Unix(d.now*60, 0).UTC()
}

// Mark takes in what people say of what was raised from one time to another: what was right no longer counts as the topic's usual noise, and what was
// wrong counts in full. Said twice it is the same. It can be said from when the six hours of the day are over, for a month.
func (d *Detector) Feedback(topic string, from, to time.Time, right bool) {
	for _, s := range d.topics {
		if s.topic.Name != topic {
			continue
		}
		for block := from.Unix()/60/blockMinutes + 1; block <= to.Unix()/60/blockMinutes+1; block++ { // it is closed when the next one begins
			for i := range s.Extremes {
				s.Extremes[i].feedback(block, right)
			}
		}
		return
	}
}
