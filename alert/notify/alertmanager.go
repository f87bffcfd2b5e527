package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/people"
)

// alertmanager posts alerts to Prometheus' Alertmanager (its API v2, POST /api/v2/alerts). An incident that is over is
// resolved.
type alertmanager struct{ url string }

func newAlertmanager(c Config) (Channel, error) {
	u, err := address(c)
	return &alertmanager{strings.TrimSuffix(u, "/") + "/api/v2/alerts"}, err
}

// stillFiring is how long an alert lives without being sent again. The end of an incident resolves it before.
const stillFiring = 72 * time.Hour

func (a *alertmanager) Send(ctx context.Context, m Message, _ *people.Person) error {
	now := time.Now()
	ends := now.Add(stillFiring)
	if !m.Ended.IsZero() {
		ends = now
	}
	name, severity := "BrandmelderIncident", "warning"
	switch {
	case m.Kind == Operations:
		name, severity = "BrandmelderDetectionNotice", "critical"
	case m.Kind == incident.Opportunity:
		severity = "info"
	case m.Level >= brand.ModerateBreeze:
		severity = "critical"
	}
	labels := map[string]string{"alertname": name, "incident": m.Incident, "topic": m.Topic, "severity": severity, "kind": string(m.Kind)}
	if m.Drill {
		labels["drill"] = "true"
	}
	// The level is no label: a growing incident is the same alert.
	_, text := Text(m)
	body, err := json.Marshal([]map[string]any{{
		"labels":       labels,
		"annotations":  map[string]string{"summary": m.Title, "description": text, "level": strconv.Itoa(int(m.Level))},
		"startsAt":     m.Began.Format(time.RFC3339),
		"endsAt":       ends.UTC().Format(time.RFC3339),
		"generatorURL": m.Link,
	}})
	if err != nil {
		return err
	}
	// Its API answers 200 without a body (api/v2/openapi.yaml). Anything else was answered by something else.
	answer, err := post(ctx, a.url, body, "")
	if err == nil && answer != "" {
		return fmt.Errorf("the other side does not answer as Alertmanager does; is this its address? %w", ErrGiveUp)
	}
	return err
}
