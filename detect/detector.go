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
type aimer interface {
	Towards(text string, brand ...string) sentiment.Tone
}

var (
	_ Scorer = (*sentiment.Ear)(nil)
	_ aimer  = (*sentiment.Ear)(nil)
)

// Rules is what a detector goes by.
type Rules struct {
	Topics   []brand.Topic
	Location *time.Location           // of hours and weekdays; nil means UTC
	Holiday  func(day time.Time) bool // which days are like a Sunday; nil means none; see Holidays
	Planned  []brand.Planned
	AlsoAt   []float64 // alarms a week: what would be raised at these budgets is told too, by what is learned at the topic's own; for looking back
	Scorer   Scorer    // nil means the embedded model
}

// Detector judges topics. It is not safe for use by two goroutines at once.
type Detector struct {
	rules   Rules
	scan    *query.Scanner
	topics  []*state
	hits    []int
	now     int64                          // minutes; all before it are judged
	stories stories                        // of all topics: a wire story is one also where each paper fits another topic
	slots   [64]struct{ hour, slot int64 } // answers of slotOf
	heard   []Heard
	reader  relevance.Reader
}

// state is what is known of one topic. Its exported fields are the snapshot.
type state struct {
	topic   brand.Topic
	beside  *beside
	plans   []brand.Planned
	also    []watch // one for each of Rules.AlsoAt
	alsoAt  []float64
	Ring    ring
	Base    baseline
	Crowd   crowd
	Start   int64   // nothing before it is judged
	Deaf    int64   // nothing before it is judged again: a spike ended there
	Dirty   int64   // the first minute that changed since it was judged, or 0
	Warm    float64 // voices since the start, counted while nothing is learned yet
	Total   int64   // mentions counted
	TooLate int64
	Past    [senses]past
	Nearly  [4]nearly // the last that were not raised, newest first
	Trouble watch
	Praise  watch
	Manner  manner

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
		rules.Scorer = sentiment.Default().Ear()
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
		s := &state{topic: t, beside: &beside{names: q.Names()}, also: make([]watch, len(rules.AlsoAt)), alsoAt: rules.AlsoAt}
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
type Heard struct {
	Topic  string
	At     time.Time // at which it counts: of its publication, or of its receipt if that was before
	Tone   sentiment.Tone
	Weight float64
	Doubt  float64 // probability that it is not about the brand
}

// Held says whether the mention is held back from the topic: it is not counted.
func (h *Heard) Held() bool { return h.Doubt > 0.5 }

// Hear takes in a mention that was heard at that time; Advance must have come so far already. It counts in the minute in which it
// was published, or, if that lies in the future, in which it was heard. The result is valid until the next call.
func (d *Detector) Hear(heard time.Time, m *brand.Mention) []Heard {
	if m.Kind == brand.Tally {
		d.tally(heard, m)
		return nil
	}
	d.hits = d.scan.Match(m, d.hits[:0])
	d.heard = d.heard[:0]
	if len(d.hits) == 0 {
		return nil
	}
	at := m.At
	if at.After(heard) {
		at = heard // one time for all: what claims to be of the future counts when it was received
	}
	whole := d.rules.Scorer.Score(m.Body())
	aim, aims := d.rules.Scorer.(aimer)
	aims = aims && d.rivals()
	now := heard.Unix() / 60
	minute := at.Unix() / 60
	told, _ := d.stories.tell(m.Text, minute)
	for _, i := range d.hits {
		s := d.topics[i]
		s.begin(now)
		tone := whole
		if aims {
			tone = aim.Towards(m.Body(), s.beside.names...)
		}
		doubt := 1 - d.reader.About(s.beside.about, m.Body())
		if h := (Heard{Topic: s.topic.Name, At: at, Tone: tone, Weight: 1, Doubt: doubt}); h.Held() {
			d.heard = append(d.heard, h)
			continue
		}
		w := s.Crowd.weigh(m, told, minute)
		d.heard = append(d.heard, Heard{s.topic.Name, at, tone, w, doubt})
		negative, positive := tone.Counts()
		if m.Counted {
			s.Manner.hear(minute, negative, positive)
			continue
		}
		b := s.count(minute, d.now, w)
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
	return d.heard
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
		for i := range s.Past {
			s.Past[i] = priors[i].begin()
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
			out = s.beat(d.now, d.slotOf, out)
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
func (s *state) pass(now int64, slotOf func(int64) int) {
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
		for i := range s.Past {
			if s.planned(now-blockMinutes, now) != nil && sense(i).counts() {
				s.Past[i].Most = 0
			}
			s.Past[i].close(&priors[i], now/blockMinutes, s.Past[i].height(threshold(s.topic.AlarmsPerWeek)-math.Log10(shares[i])))
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
	s.Base.compare(levels, heard, usual)
	s.learned()
	for w, minutes := range windows {
		for at := now; at > now-60; at -= minutes {
			x := float64(s.Ring.sum(at-minutes, at).Voices)
			mu, evidence := s.season(at-minutes, at, slotOf)
			if minutes < 1440 {
				factor, rests := s.level(at-minutes, slotOf)
				stays := s.Base.stays(w)
				s.Base.stayed(w, x, mu, factor)
				mu, evidence = mu*math.Pow(factor, stays), min(evidence, rests)
			}
			s.Base.disperse(w, x, mu, evidence+0.5)
		}
	}
}

// beat closes the minute before now.
func (s *state) beat(now int64, slotOf func(int64) int, out []brand.Spike) []brand.Spike {
	if s.Start == 0 {
		s.begin(now)
	}
	s.pass(now, slotOf)
	if s.Dirty != 0 {
		// Late mentions: what they changed is judged again, as of then, told as of now. A spike that is open is being
		// judged anyway.
		if !s.Trouble.Open && !s.Praise.Open {
			for at := max(s.Dirty+1, now-lateMinutes); at < now; at++ {
				out = s.watch(at, now, slotOf, out)
			}
		}
		s.Dirty = 0
	}
	const quiet = 15 // minutes
	if s.Ring.at(now-1).Voices == 0 && now%quiet != 0 && s.Trouble.idle() && s.Praise.idle() {
		// Nobody said anything: no window holds more than it did a minute ago, and nothing is learned from it.
		for i := range s.also {
			if !s.also[i].idle() {
				j := s.judge(now, slotOf)
				return s.heedAlso(&j, now, now, slotOf, out)
			}
		}
		return out
	}
	return s.watch(now, now, slotOf, out)
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
func (d *Detector) Mark(topic string, from, to time.Time, right bool) {
	for _, s := range d.topics {
		if s.topic.Name != topic {
			continue
		}
		for block := from.Unix()/60/blockMinutes + 1; block <= to.Unix()/60/blockMinutes+1; block++ { // it is closed when the next one begins
			for i := range s.Past {
				s.Past[i].mark(block, right)
			}
		}
		return
	}
}
