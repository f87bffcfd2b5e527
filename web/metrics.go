package web

import "github.com/prometheus/client_golang/prometheus"

// outcomes of a failed login.
const (
	outcomeWrong   = "wrong"   // the password was checked and is not right
	outcomeRefused = "refused" // it was not checked: the address is over its limit
)

// newLoginFailures registers the counter of failed logins; a nil registry counts for nobody.
func newLoginFailures(r prometheus.Registerer) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "brandmelder_web_login_failures_total",
		Help: "Failed logins by form or bearer token, by outcome: wrong, or refused because the address is over its limit.",
	}, []string{"outcome"})
	for _, outcome := range []string{outcomeWrong, outcomeRefused} {
		c.WithLabelValues(outcome).Add(0)
	}
	if r != nil {
		r.MustRegister(c)
	}
	return c
}
