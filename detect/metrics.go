package detect

import (
	"time"

	"brandmelder/brand"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics is what operations sees of the judging. The zero value's methods do nothing.
type Metrics struct {
	matched  *prometheus.CounterVec
	held     *prometheus.CounterVec
	spikes   *prometheus.CounterVec
	voices   *prometheus.GaugeVec
	negative *prometheus.GaugeVec
	band     *prometheus.GaugeVec
	learning *prometheus.GaugeVec
	lag      prometheus.Gauge
}

// NewMetrics registers the room's metrics; nil means none.
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
		lag:      prometheus.NewGauge(prometheus.GaugeOpts{Name: "brandmelder_detect_lag_seconds", Help: "How far judging is behind hearing; 0 when all that was heard is judged."}),
	}
	r.MustRegister(m.matched, m.held, m.spikes, m.lag)
	return m
}

// begin shows topics that this process judges from now on; drop takes them away when another process does.
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

func (m *Metrics) drop(topics []brand.Topic) {
	if m.matched == nil {
		return
	}
	m.lag.Set(0)
	for _, t := range topics {
		of := prometheus.Labels{"topic": t.Name}
		m.voices.DeletePartialMatch(of)
		m.negative.DeletePartialMatch(of)
		m.band.DeletePartialMatch(of)
		m.learning.DeletePartialMatch(of)
	}
}

func (m *Metrics) hear(h *Heard) {
	switch {
	case m.matched == nil:
	case h.Held():
		m.held.WithLabelValues(h.Topic).Inc()
	default:
		m.matched.WithLabelValues(h.Topic).Inc()
	}
}

func (m *Metrics) tell(sp *brand.Spike) {
	if m.spikes != nil && sp.State == brand.Opened {
		m.spikes.WithLabelValues(sp.Topic, string(sp.Kind)).Inc()
	}
}

func (m *Metrics) lagged(d time.Duration) {
	if m.lag != nil {
		m.lag.Set(d.Seconds())
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
