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

// Scorer scores the tone of a text. One goroutine uses it at a time.
type Scorer interface {
	Score(text string) sentiment.Tone
}

// targetScorer is a Scorer that also scores the tone towards a brand.
type targetScorer interface {
	Towards(text string, brand ...string) sentiment.Tone
}

var (
	_ Scorer       = (*sentiment.Scorer)(nil)
	_ targetScorer = (*sentiment.Scorer)(nil)
)

// Rules are the settings of a detector.
type Rules struct {
	Topics       []brand.Topic
	Location     *time.Location           // of hours and weekdays; nil means UTC
	Holiday      func(day time.Time) bool // which days count as a Sunday; nil means none; see Holidays
	Planned      []brand.Planned
	OtherBudgets []float64 // alarms a week: for backtests, the spikes that open at these budgets are reported too
	Scorer       Scorer    // nil means the embedded model
}

// Detector judges topics. It is not safe for use by two goroutines at once.
type Detector struct {
	rules    Rules
	scan     *query.Scanner
	topics   []*state
	hits     []int
	now      int64                          // minutes; all before it are judged
	clusters clusters                       // of all topics: the copies of a wire report may match different ones
	slots    [64]struct{ hour, slot int64 } // cache of slotOf
	matches  []Match
	reader   relevance.Reader
}

// state is the state of one topic. Its exported fields are the snapshot.
type state struct {
	topic        brand.Topic
	beside       *beside
	plans        []brand.Planned
	others       []tracker // one for each of Rules.OtherBudgets
	otherBudgets []float64
	Ring         ring
	Base         baseline
	Weights      weights
	Start        int64   // nothing before it is judged
	JudgedFrom   int64   // nothing before it is judged again: a spike ended there
	Changed      int64   // the first minute that changed since it was judged, or 0
	WarmUp       float64 // voices since the start, while nothing is learned yet
	Total        int64   // mentions counted
	TooLate      int64
	Extremes     [indicators]extremes
	NearMisses   [4]nearMiss // newest first
	Trouble      tracker
	Praise       tracker
	SampledTone  sampledTone

	hours [26]hour // cache, by hours since 1970
	rise  float64  // observed over expected voices of the last hour; 0 where too few were expected
}

// beside is what belongs to a topic and is not part of its snapshot.
type beside struct {
	names    []string          // that the topic's query asks for
	about    *relevance.Filter // nil holds nothing back
	novel    []brand.Term      // terms that are new in the last hours
	lookedAt int64             // when new terms were looked for, in hours
}

// New makes a detector without any data. The error names the topic with a wrong query.
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

// Match is a mention judged for one topic.
type Match struct {
	Topic  string
	At     time.Time // the time at which it counts: its publication, or its receipt if that was earlier
	Tone   sentiment.Tone
	Weight float64
	Doubt  float64 // probability that it is not about the brand
}

// Held reports whether the mention is held back from the topic. Such a mention is not counted.
func (h *Match) Held() bool { return h.Doubt > 0.5 }

// Add counts a mention that was received at that time. Call Advance with that time first. The mention counts in the
// minute of its publication, or of its receipt if the publication lies in the future. The result is valid until the
// next call.
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
		at = received // one time for all topics
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

// rivals reports whether the last mention matches a competitor's topic and another one. Only then is the tone towards
// each brand scored: for a single brand the tone of the whole text is more accurate.
func (d *Detector) rivals() bool {
	theirs := 0
	for _, i := range d.hits {
		if d.topics[i].topic.Role == brand.Competitor {
			theirs++
		}
	}
	return theirs > 0 && theirs < len(d.hits)
}

// counted is how many mentions all topics counted, and how many of them came too late.
func (d *Detector) counted() (total, late int64) {
	for _, s := range d.topics {
		total, late = total+s.Total, late+s.TooLate
	}
	return total, late
}

// adopt takes over from other what is not part of a snapshot. Both have the same topics.
func (d *Detector) adopt(other *Detector) {
	for i, s := range d.topics {
		s.beside = other.topics[i].beside
	}
}

// Filter sets the filter that holds back mentions which are probably not about the brand. nil holds nothing back. Other
// topics than the detector's are ignored.
func (d *Detector) Filter(topic string, f *relevance.Filter) {
	for _, s := range d.topics {
		if s.topic.Name == topic {
			s.beside.about = f
		}
	}
}

// begin starts the topic's time, when the first mention or minute comes.
func (s *state) begin(now int64) {
	if s.Start == 0 {
		s.Start = now
		s.Ring = newRing(now)
		for i := range s.Extremes {
			s.Extremes[i] = priors[i].begin()
		}
	}
}

// Advance judges each minute up to that of to, and returns reports of spikes, ordered by time and topic. An earlier to
// does nothing.
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

// advance moves the topic to the minute now. At full hours it learns.
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

// disperse learns from the last hour how far counts scatter around their expectation.
func (s *state) disperse(now int64, slotOf func(int64) int) {
	if s.Base.Hours < warmHours || s.Ring.sum(now-60, now).Voices == 0 || s.planned(now-60, now) != nil {
		return // nothing to compare with, or perhaps a silence of the source
	}
	observed := float64(s.Ring.sum(now-60, now).Voices)
	usual, _ := s.season(now-60, now, slotOf)
	var levels [memories]float64
	for i := range levels {
		seen, should := s.remembered(i, now-60, slotOf)
		levels[i], _ = gamma(memory[i], 0, seen, should, 0, 0)
	}
	s.Base.learnMemory(levels, observed, usual)
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

// closeMinute judges the minute before now.
func (s *state) closeMinute(now int64, slotOf func(int64) int, out []brand.Spike) []brand.Spike {
	if s.Start == 0 {
		s.begin(now)
	}
	s.advance(now, slotOf)
	if s.Changed != 0 {
		// Late mentions: the minutes that they changed are judged again. An open spike is judged anyway.
		if !s.Trouble.Open && !s.Praise.Open {
			for at := max(s.Changed+1, now-lateMinutes); at < now; at++ {
				out = s.judgeMinute(at, now, slotOf, out)
			}
		}
		s.Changed = 0
	}
	const quiet = 15 // minutes
	if s.Ring.at(now-1).Voices == 0 && now%quiet != 0 && s.Trouble.idle() && s.Praise.idle() {
		// No voice in this minute: no window holds more than a minute ago.
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

// Now is the time up to which the detector has judged; zero before its first minute.
func (d *Detector) Now() time.Time {
	if d.now == 0 {
		return time.Time{}
	}
	return time.Unix(d.now*60, 0).UTC()
}

// Feedback sets whether calls between two times were right. A right one no longer counts as the topic's usual noise, a
// wrong one counts in full. Repeating it changes nothing. It works from the end of the block of six hours on, for a
// month.
func (d *Detector) Feedback(topic string, from, to time.Time, right bool) {
	for _, s := range d.topics {
		if s.topic.Name != topic {
			continue
		}
		// a block is closed when the next one begins
		for block := from.Unix()/60/blockMinutes + 1; block <= to.Unix()/60/blockMinutes+1; block++ {
			for i := range s.Extremes {
				s.Extremes[i].feedback(block, right)
			}
		}
		return
	}
}
