package brand

import (
	"slices"
	"time"
)

// SpikeKind says what stands out.
type SpikeKind string

// The kinds of a spike.
const (
	Volume SpikeKind = "volume" // more voices than expected
	Tone   SpikeKind = "tone"   // usual volume, but worse meant than usual
	Praise SpikeKind = "praise" // more voices than expected, and kind ones
)

// SpikeState says where a spike is in its life.
type SpikeState string

// A spike opens, may grow, and ends.
const (
	Opened  SpikeState = "opened"
	Growing SpikeState = "growing" // the level rose
	Lasting SpikeState = "lasting" // still there; numbers and evidence are fresh
	Ended   SpikeState = "ended"
)

// Spike is a judgement of the detector: a topic has more, or angrier, voices than its past explains. The same spike is
// told several times under one ID while it lasts; the last telling replaces the ones before.
type Spike struct {
	ID       string     `json:"id"`
	Topic    string     `json:"topic"`
	Kind     SpikeKind  `json:"kind"`
	State    SpikeState `json:"state"`
	Level    Level      `json:"level"`
	Began    time.Time  `json:"began"`    // when the excess began, by likelihood
	Detected time.Time  `json:"detected"` // when the detector could first know
	Updated  time.Time  `json:"updated"`
	Ended    time.Time  `json:"ended,omitzero"`

	Window           string  `json:"window"`                      // the window that speaks loudest, as a Go duration
	Observed         float64 `json:"observed"`                    // voices in that window
	Expected         float64 `json:"expected"`                    // voices expected in it
	Low              float64 `json:"low"`                         // expected range, 5th percentile
	High             float64 `json:"high"`                        // expected range, 95th percentile
	NegativeShare    float64 `json:"negative_share"`              // of the voices in the window
	ExpectedNegative float64 `json:"expected_negative"`           // the topic's usual share
	Score            float64 `json:"score"`                       // -log10 of how many times a week such a thing comes by chance, by the topic's own past
	Threshold        float64 `json:"threshold"`                   // the score that the alarm budget asks for: -log10 of alarms a week
	Confidence       float64 `json:"confidence"`                  // 0.5 to 1: how far the score is beyond the threshold
	Learning         bool    `json:"learning,omitempty"`          // the topic's past is still short
	Late             bool    `json:"late,omitempty"`              // told after an outage: it is over or long begun
	Budget           float64 `json:"budget,omitempty"`            // when looking back: alarms a week at which it would have been raised; 0: the topic's own
	Drill            bool    `json:"drill,omitempty"`             // an exercise, nobody said any of it
	PeakPerHour      float64 `json:"peak_negative_excess_hourly"` // negative voices beyond the usual in its worst hour
	Total            float64 `json:"total"`                       // voices since it began, of the last day at most
	Planned          string  `json:"planned,omitempty"`           // why the topic was expected to be loud
	Everywhere       bool    `json:"everywhere,omitempty"`        // nearly all topics rose at once: rather the source than the world

	Forecast *Forecast `json:"forecast,omitempty"` // nil where nothing can be said

	Series   []Point  `json:"series,omitempty"` // the last day, for the chart
	Evidence Evidence `json:"evidence"`
}

const (
	LeastRise    = 1.6 // observed over expected voices, below which a rise is not worth a call
	SmallAccount = 50  // followers: an account with fewer is small
)

// Nearly is something that was judged and not raised.
type Nearly struct {
	At        time.Time `json:"at"`
	Window    string    `json:"window"` // as a Go duration
	Observed  float64   `json:"observed"`
	Expected  float64   `json:"expected"`
	Score     float64   `json:"score"`     // as a spike's
	Threshold float64   `json:"threshold"` // that it stayed below
}

// Forecast is how a spike will go on, from how spikes of its age went on. Each band holds the outcome in 80 of 100 cases.
type Forecast struct {
	TotalLow  float64   `json:"total_low"` // voices from its beginning to its end
	TotalHigh float64   `json:"total_high"`
	EndsLow   time.Time `json:"ends_low"`
	EndsHigh  time.Time `json:"ends_high"`
}

// Point is one step of a topic's curve: the voices of the quarter of an hour from At on, beside what was expected.
type Point struct {
	At       time.Time `json:"at"`
	Voices   float64   `json:"voices"`
	Negative float64   `json:"negative"`
	Expected float64   `json:"expected"`
	Low      float64   `json:"low"`  // 5th percentile
	High     float64   `json:"high"` // 95th percentile
}

// Evidence is what people say in a spike, and who.
type Evidence struct {
	Mentions   int            `json:"mentions"` // how many mentions it was drawn from
	Voices     float64        `json:"voices"`   // what they weigh: copies and reposts count less
	Authors    int            `json:"authors"`
	Small      int            `json:"small"`              // of the authors: have fewer than SmallAccount followers
	Campaign   bool           `json:"campaign,omitempty"` // mostly copies, by many small accounts: looks coordinated
	Terms      []Term         `json:"terms"`              // said now far more than before, strongest first
	Samples    []Mention      `json:"samples"`            // representative, no near-copies
	Clusters   []Cluster      `json:"stories,omitempty"`  // texts that were told three times or more, most often told first
	Amplifiers []Amplifier    `json:"amplifiers"`
	Sources    map[string]int `json:"sources"`
	Languages  map[string]int `json:"languages"`
	Articles   int            `json:"articles"` // news among the mentions
	First      *Mention       `json:"first,omitempty"`
	Sketch     []uint32       `json:"sketch,omitempty"` // of the mentions: the 64 least hashes of their IDs, to see what two spikes share
}

// Story is one text, whoever told it how often: reposts, copies, the papers that print what an agency wrote.
type Cluster struct {
	First   Mention        `json:"first"` // as it was heard first
	Copies  int            `json:"told"`
	Reach   int64          `json:"reach"` // followers of all who told it
	Sources map[string]int `json:"sources"`
}

// Term is a word or pair of words with its distinctness (z-score of log odds).
type Term struct {
	Text  string  `json:"text"`
	Score float64 `json:"score"`
	Count int     `json:"count"`
}

// Amplifier is an account or a medium that carries the matter on.
type Amplifier struct {
	Author   string `json:"author"`
	Name     string `json:"name,omitempty"`
	Source   string `json:"source"`
	Mentions int    `json:"mentions"`
	Reach    int64  `json:"reach"` // followers and reposts
}

// Forget takes out what the spike quotes of people, and says whether there was anything.
func (sp *Spike) Forget(who func(*Mention) bool) (changed bool) {
	ev := &sp.Evidence
	n := len(ev.Samples) + len(ev.Clusters) + len(ev.Amplifiers)
	ev.Samples = slices.DeleteFunc(ev.Samples, func(m Mention) bool { return who(&m) })
	ev.Clusters = slices.DeleteFunc(ev.Clusters, func(c Cluster) bool { return who(&c.First) })
	ev.Amplifiers = slices.DeleteFunc(ev.Amplifiers, func(a Amplifier) bool { return who(&Mention{Source: a.Source, Author: a.Author, AuthorName: a.Name}) })
	changed = n != len(ev.Samples)+len(ev.Clusters)+len(ev.Amplifiers)
	if ev.First != nil && who(ev.First) {
		ev.First, changed = nil, true
	}
	return changed
}
