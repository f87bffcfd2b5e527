package brand

import (
	"slices"
	"time"
)

// SpikeKind says what is unusual.
type SpikeKind string

// The kinds of a spike.
const (
	Volume SpikeKind = "volume" // more voices than expected
	Tone   SpikeKind = "tone"   // usual volume, but a worse tone than usual
	Praise SpikeKind = "praise" // more voices than expected, and positive ones
)

// SpikeState is the state of a spike.
type SpikeState string

// A spike opens, may grow, and ends.
const (
	Opened  SpikeState = "opened"
	Growing SpikeState = "growing" // the level rose
	Lasting SpikeState = "lasting" // it goes on; numbers and evidence are fresh
	Ended   SpikeState = "ended"
)

// Spike is a finding of the detector: a topic has more voices, or more negative ones, than its baseline explains. While
// a spike lasts it is reported several times under one ID; the last report replaces the earlier ones. It holds numbers;
// package i18n explains them in the reader's language.
type Spike struct {
	ID       string     `json:"id"`
	Topic    string     `json:"topic"`
	Kind     SpikeKind  `json:"kind"`
	State    SpikeState `json:"state"`
	Level    Level      `json:"level"`
	Began    time.Time  `json:"began"`    // when the excess began, by likelihood
	Detected time.Time  `json:"detected"` // when the detector could first know it
	Updated  time.Time  `json:"updated"`
	Ended    time.Time  `json:"ended,omitzero"`

	Window           string  `json:"window"`             // the window with the highest score, as a Go duration
	Observed         float64 `json:"observed"`           // voices in that window
	Expected         float64 `json:"expected"`           // voices expected in it
	Low              float64 `json:"low"`                // expected range, 5th percentile
	High             float64 `json:"high"`               // expected range, 95th percentile
	NegativeShare    float64 `json:"negative_share"`     // of the voices in the window
	ExpectedNegative float64 `json:"expected_negative"`  // the topic's usual share
	Score            float64 `json:"score"`              // -log10 of how many times a week this happens by chance
	Threshold        float64 `json:"threshold"`          // of the alarm budget: -log10 of alarms a week
	Confidence       float64 `json:"confidence"`         // 0.5 to 1: how far the score is beyond the threshold
	Learning         bool    `json:"learning,omitempty"` // less than a week of the topic is known
	Late             bool    `json:"late,omitempty"`     // reported after an outage: it is over or began long ago
	// in a backtest: alarms a week at which it opens; 0: the topic's own budget
	Budget      float64 `json:"budget,omitempty"`
	Drill       bool    `json:"drill,omitempty"`             // an exercise; no mention is real
	PeakPerHour float64 `json:"peak_negative_excess_hourly"` // negative voices beyond the usual in its worst hour
	Total       float64 `json:"total"`                       // voices since it began, of the last day at most
	Planned     string  `json:"planned,omitempty"`           // why more voices were expected
	// nearly all topics rose at once: probably because of the source
	Everywhere bool `json:"everywhere,omitempty"`

	Forecast *Forecast `json:"forecast,omitempty"` // nil if there is no forecast

	Series   []Point  `json:"series,omitempty"` // the last day, for the chart
	Evidence Evidence `json:"evidence"`
}

// Limits by which spikes are judged and explained.
const (
	LeastRise    = 1.6 // observed over expected voices, below which a rise is not worth a call
	SmallAccount = 50  // followers: an account with fewer is small
)

// Nearly is a near miss: something unusual that stayed below the threshold.
type Nearly struct {
	At        time.Time `json:"at"`
	Window    string    `json:"window"` // as a Go duration
	Observed  float64   `json:"observed"`
	Expected  float64   `json:"expected"`
	Score     float64   `json:"score"`     // as a spike's
	Threshold float64   `json:"threshold"` // that was not reached
}

// Forecast is how a spike will go on, by how spikes of its age went on. Each band holds the outcome in 80 of 100 cases.
type Forecast struct {
	TotalLow  float64   `json:"total_low"` // voices from its beginning to its end
	TotalHigh float64   `json:"total_high"`
	EndsLow   time.Time `json:"ends_low"`
	EndsHigh  time.Time `json:"ends_high"`
}

// Point is one step of a topic's curve: the observed and the expected voices of the quarter of an hour that begins at
// At.
type Point struct {
	At       time.Time `json:"at"`
	Voices   float64   `json:"voices"`
	Negative float64   `json:"negative"`
	Expected float64   `json:"expected"`
	Low      float64   `json:"low"`  // 5th percentile
	High     float64   `json:"high"` // 95th percentile
}

// Evidence is what the mentions of a spike say, and who wrote them.
type Evidence struct {
	Mentions   int            `json:"mentions"` // how many mentions were read for it
	Voices     float64        `json:"voices"`   // what they weigh: copies and reposts count less
	Authors    int            `json:"authors"`
	Small      int            `json:"small"`              // authors with fewer than SmallAccount followers
	Campaign   bool           `json:"campaign,omitempty"` // mostly copies, by many small accounts: looks coordinated
	Terms      []Term         `json:"terms"`              // used far more now than before, strongest first
	Samples    []Mention      `json:"samples"`            // representative, without near-duplicates
	Clusters   []Cluster      `json:"stories,omitempty"`  // three copies or more, most first
	Amplifiers []Amplifier    `json:"amplifiers"`
	Sources    map[string]int `json:"sources"`
	Languages  map[string]int `json:"languages"`
	Articles   int            `json:"articles"` // news articles among the mentions
	First      *Mention       `json:"first,omitempty"`
	// the 64 smallest hashes of the mentions' IDs, to compare spikes
	Sketch []uint32 `json:"sketch,omitempty"`
}

// Cluster is a near-duplicate cluster: one text and its copies, such as reposts, copied posts, or a wire report in many
// papers.
type Cluster struct {
	First   Mention        `json:"first"` // the text that was published first
	Copies  int            `json:"told"`
	Reach   int64          `json:"reach"` // followers of all authors
	Sources map[string]int `json:"sources"`
}

// Term is a word or a pair of words, with how distinctive it is (z-score of log odds).
type Term struct {
	Text  string  `json:"text"`
	Score float64 `json:"score"`
	Count int     `json:"count"`
}

// Amplifier is an account or a medium that spreads the issue.
type Amplifier struct {
	Author   string `json:"author"`
	Name     string `json:"name,omitempty"`
	Source   string `json:"source"`
	Mentions int    `json:"mentions"`
	Reach    int64  `json:"reach"` // followers and reposts
}

// Forget deletes what the spike quotes of the people that who matches. It reports whether there was anything.
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
