package detect

import (
	"sync"
	"time"

	"brandmelder/brand"
	"brandmelder/store"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the metrics of detection. The methods of the zero value do nothing.
type Metrics struct {
	matched  *prometheus.CounterVec
	held     *prometheus.CounterVec
	spikes   *prometheus.CounterVec
	voices   *prometheus.GaugeVec
	negative *prometheus.GaugeVec
	band     *prometheus.GaugeVec
	learning *prometheus.GaugeVec
	last     *prometheus.GaugeVec
	faults   *prometheus.CounterVec

	mu     sync.Mutex
	shards map[string]run // that this process runs, or waits for
}

// run is a shard's last successful run.
type run struct {
	at     time.Time
	behind time.Duration
}

// NewMetrics registers the metrics; nil means none.
func NewMetrics(r prometheus.Registerer) *Metrics {
	if r == nil {
		return &Metrics{}
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		r.MustRegister(g)
		return g
	}
	m := &Metrics{
		matched:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "brandmelder_detect_mentions_total", Help: "Mentions counted for a topic."}, []string{"topic"}),
		held:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "brandmelder_detect_held_back_total", Help: "Mentions held back as hardly about the brand."}, []string{"topic"}),
		spikes:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "brandmelder_detect_spikes_total", Help: "Spikes opened, by topic and kind."}, []string{"topic", "kind"}),
		voices:   gauge("brandmelder_topic_voices", "Voices of the last full hour: mentions, with reposts and copies weighed down.", "topic"),
		negative: gauge("brandmelder_topic_negative_voices", "Of these, meant negatively.", "topic"),
		band:     gauge("brandmelder_topic_expected_voices", "Voices expected in that hour: edge is low (5th percentile), mean or high (95th).", "topic", "edge"),
		learning: gauge("brandmelder_topic_learning", "1 while the topic's past is too short to judge boldly.", "topic"),
		last:     gauge("brandmelder_detect_last_success_timestamp_seconds", "When detection last ran successfully, or began to try, by shard of the topics.", "shard"),
		faults:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "brandmelder_detect_faults_total", Help: "What went wrong and was dealt with: a damaged snapshot, a jump of the clock and the like."}, []string{"kind"}),
		shards:   map[string]run{},
	}
	for _, k := range []store.FaultKind{store.SnapshotDamaged, store.LearnsAfresh, store.ClockJumped, store.ClockAhead, store.StoreLost, store.EntrySetAside} {
		m.faults.WithLabelValues(string(k)).Add(0)
	}
	r.MustRegister(m.matched, m.held, m.spikes, m.faults, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "brandmelder_detect_lag_seconds", Help: "How far detection is behind: seconds since its last successful run, and from receiving to counting.",
	}, m.lag))
	return m
}

// lag is the lag of the shard that is furthest behind. It grows while detection fails.
func (m *Metrics) lag() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	most := time.Duration(0)
	for _, r := range m.shards {
		lag := r.behind
		if idle := time.Since(r.at); idle > showEvery {
			lag += idle
		}
		most = max(most, lag)
	}
	return most.Seconds()
}

// expect starts the metrics of a shard before its first run, so that a shard which never runs is visible. ran records a
// run.
func (m *Metrics) expect(shard string) { m.ran(shard, time.Now(), 0) }

func (m *Metrics) ran(shard string, at time.Time, behind time.Duration) {
	if m.matched == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shards[shard] = run{at, behind}
	m.last.WithLabelValues(shard).Set(float64(at.UnixMilli()) / 1000)
}

func (m *Metrics) fault(kind store.FaultKind) {
	if m.matched != nil {
		m.faults.WithLabelValues(string(kind)).Inc()
	}
}

// begin shows the topics that this process judges from now on; drop removes them when another process takes over.
func (m *Metrics) begin(topics []brand.Topic) {
	if m.matched == nil {
		return
	}
	for _, t := range topics {
		m.matched.WithLabelValues(t.Name).Add(0)
		m.held.WithLabelValues(t.Name).Add(0)
		for _, k := range []brand.SpikeKind{brand.Volume, brand.Tone, brand.Praise} {
			m.spikes.WithLabelValues(t.Name, string(k)).Add(0)
		}
	}
}

func (m *Metrics) drop(shard string, topics []brand.Topic) {
	if m.matched == nil {
		return
	}
	m.mu.Lock()
	delete(m.shards, shard)
	m.mu.Unlock()
	m.last.DeleteLabelValues(shard)
	for _, t := range topics {
		of := prometheus.Labels{"topic": t.Name}
		m.voices.DeletePartialMatch(of)
		m.negative.DeletePartialMatch(of)
		m.band.DeletePartialMatch(of)
		m.learning.DeletePartialMatch(of)
	}
}

func (m *Metrics) match(h *Match) {
	switch {
	case m.matched == nil:
	case h.Held():
		m.held.WithLabelValues(h.Topic).Inc()
	default:
		m.matched.WithLabelValues(h.Topic).Inc()
	}
}

func (m *Metrics) spike(sp *brand.Spike) {
	if m.spikes != nil && sp.State == brand.Opened {
		m.spikes.WithLabelValues(sp.Topic, string(sp.Kind)).Inc()
	}
}

func (m *Metrics) topic(name string, h hourly) {
	if m.voices == nil {
		return
	}
	m.voices.WithLabelValues(name).Set(h.voices)
	m.negative.WithLabelValues(name).Set(h.negative)
	m.band.WithLabelValues(name, "low").Set(h.low)
	m.band.WithLabelValues(name, "mean").Set(h.mean)
	m.band.WithLabelValues(name, "high").Set(h.high)
	learning := 0.0
	if h.learning {
		learning = 1
	}
	m.learning.WithLabelValues(name).Set(learning)
}
