package ingest

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the metrics of ingest. The methods of the zero value do nothing.
type Metrics struct {
	mentions, errors  *prometheus.CounterVec
	refused           *prometheus.CounterVec
	last, left, quiet *prometheus.GaugeVec
}

// NewMetrics registers the metrics; nil means none.
func NewMetrics(r prometheus.Registerer) *Metrics {
	if r == nil {
		return &Metrics{}
	}
	m := &Metrics{
		mentions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "brandmelder_ingest_mentions_total", Help: "Mentions of a source, by result: new, known or bad."}, []string{"source", "fate"}),
		errors:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "brandmelder_ingest_errors_total", Help: "Visits of a source that failed."}, []string{"source"}),
		last:     prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "brandmelder_ingest_last_success_timestamp_seconds", Help: "Time of the last visit of a source without an error, or of the takeover by this process."}, []string{"source"}),
	}
	m.left = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "brandmelder_ingest_reads_left", Help: "Posts that a source may still read this month."}, []string{"source"})
	m.quiet = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "brandmelder_ingest_quiet", Help: "1 if a source is silent for longer than in the last days, else 0."}, []string{"source"})
	m.refused = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "brandmelder_ingest_pushes_refused_total", Help: "Pushes to a webhook that were refused: not signed, too large, too many at once, or not stored."}, []string{"source"})
	r.MustRegister(m.mentions, m.errors, m.last, m.left, m.quiet, m.refused)
	return m
}

// begin shows a source that this process reads from now on. drop removes it when another process reads it.
func (m *Metrics) begin(source string, at float64) {
	if m.mentions == nil {
		return
	}
	m.batch(source, 0, 0, 0)
	m.errors.WithLabelValues(source).Add(0)
	m.last.WithLabelValues(source).Set(at)
}

func (m *Metrics) drop(source string) {
	if m.mentions != nil {
		m.last.DeleteLabelValues(source)
		m.left.DeleteLabelValues(source)
		m.quiet.DeleteLabelValues(source)
	}
}

func (m *Metrics) refuse(source string) {
	if m.refused != nil {
		m.refused.WithLabelValues(source).Inc()
	}
}

func (m *Metrics) budget(source string, left int) {
	if m.mentions != nil {
		m.left.WithLabelValues(source).Set(float64(left))
	}
}

func (m *Metrics) silence(source string, quiet bool) {
	if m.mentions == nil {
		return
	}
	n := 0.0
	if quiet {
		n = 1
	}
	m.quiet.WithLabelValues(source).Set(n)
}

func (m *Metrics) batch(source string, fresh, known, bad int) {
	if m.mentions != nil {
		m.mentions.WithLabelValues(source, "new").Add(float64(fresh))
		m.mentions.WithLabelValues(source, "known").Add(float64(known))
		m.mentions.WithLabelValues(source, "bad").Add(float64(bad))
	}
}

func (m *Metrics) visit(source string, at float64, err error) {
	switch {
	case m.mentions == nil:
	case err != nil:
		m.errors.WithLabelValues(source).Inc()
	default:
		m.last.WithLabelValues(source).Set(at)
	}
}
