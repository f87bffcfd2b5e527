package alert

import (
	"time"

	"brandmelder/alert/notify"
	"brandmelder/brand"
	"brandmelder/incident"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics is what operations sees of the desk. The zero value's methods do nothing.
type Metrics struct {
	open   *prometheus.GaugeVec
	level  *prometheus.GaugeVec
	opened *prometheus.CounterVec
	calls  *prometheus.CounterVec
	oldest prometheus.Gauge
}

// NewMetrics registers the package's metrics; nil means none.
func NewMetrics(r prometheus.Registerer) *Metrics {
	if r == nil {
		return &Metrics{}
	}
	m := &Metrics{
		open:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "brandmelder_incidents_open", Help: "Incidents that need people, by kind and whether somebody took them."}, []string{"kind", "taken"}),
		level:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "brandmelder_topic_incident_level", Help: "Highest level, 0 to 6, of a topic's open crises."}, []string{"topic"}),
		opened: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "brandmelder_incidents_opened_total", Help: "Incidents opened, by kind."}, []string{"kind"}),
		calls:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "brandmelder_calls_total", Help: "Tries to call somebody, by channel and outcome: sent, failed or given_up."}, []string{"channel", "outcome"}),
		oldest: prometheus.NewGauge(prometheus.GaugeOpts{Name: "brandmelder_outbox_oldest_seconds", Help: "How long the call that waits longest is overdue; 0 when none is."}),
	}
	r.MustRegister(m.open, m.level, m.opened, m.calls, m.oldest)
	for _, kind := range []incident.Kind{incident.Crisis, incident.Opportunity} {
		m.opened.WithLabelValues(string(kind)).Add(0)
	}
	return m
}

func (m *Metrics) incidents(topics []brand.Topic, open map[string]*Known) {
	if m.open == nil {
		return
	}
	m.open.Reset()
	for _, kind := range []incident.Kind{incident.Crisis, incident.Opportunity} {
		for _, taken := range []string{"yes", "no"} {
			m.open.WithLabelValues(string(kind), taken).Set(0)
		}
	}
	levels := map[string]brand.Level{}
	for _, in := range open {
		if in.Drill {
			continue // an exercise wakes no other alarm
		}
		taken := "no"
		if in.TakenBy != "" {
			taken = "yes"
		}
		m.open.WithLabelValues(string(in.Kind), taken).Inc()
		if in.Kind == incident.Crisis {
			for _, t := range in.Topics {
				levels[t] = max(levels[t], in.Level)
			}
		}
	}
	for _, t := range topics {
		m.level.WithLabelValues(t.Name).Set(float64(levels[t.Name]))
	}
}

// begin shows the channels before the first call.
func (m *Metrics) begin(channels map[string]notify.Channel) {
	if m.calls == nil {
		return
	}
	for name := range channels {
		for _, outcome := range []string{"sent", "failed", "given_up"} {
			m.calls.WithLabelValues(name, outcome).Add(0)
		}
	}
}

// drop takes away what another process shows now.
func (m *Metrics) drop() {
	if m.open != nil {
		m.open.Reset()
		m.level.Reset()
		m.oldest.Set(0)
	}
}

func (m *Metrics) openedOne(kind incident.Kind) {
	if m.opened != nil {
		m.opened.WithLabelValues(string(kind)).Inc()
	}
}

func (m *Metrics) called(channel, outcome string) {
	if m.calls != nil {
		m.calls.WithLabelValues(channel, outcome).Inc()
	}
}

func (m *Metrics) waiting(due []incident.Call, now time.Time) {
	if m.oldest == nil {
		return
	}
	m.oldest.Set(0)
	if len(due) > 0 {
		m.oldest.Set(max(0, now.Sub(due[0].Due).Seconds()))
	}
}
