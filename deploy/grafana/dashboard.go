// Command grafana writes the Grafana dashboard of brandmelder: go generate ./deploy/grafana. Grafana reads the JSON;
// people change this.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

//go:generate go run . brandmelder.json

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: grafana FILE")
		os.Exit(2)
	}
	doc, err := render()
	if err == nil {
		err = os.WriteFile(os.Args[1], doc, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "grafana:", err)
		os.Exit(1)
	}
}

// render builds the dashboard as the JSON that Grafana imports.
func render() ([]byte, error) {
	d, err := build().Build()
	if err != nil {
		return nil, err
	}
	doc, err := json.MarshalIndent(d, "", "  ")
	return append(doc, '\n'), err
}

// Each panel says in its description what a reader can do with it.
func build() *dashboard.DashboardBuilder {
	return dashboard.NewDashboardBuilder("Brand mentions").
		Uid("brandmelder").Tags([]string{"brandmelder"}).Description("What brandmelder hears, judges and tells. Volume and tone are those of the last full hour.").
		Time("now-24h", "now").Refresh("1m").Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Prometheus").Type("prometheus")).
		WithVariable(dashboard.NewQueryVariableBuilder("topic").Label("Topic").Datasource(source).
			Query(dashboard.StringOrMap{String: cog.ToPtr("label_values(brandmelder_topic_voices, topic)")}).
			Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc).Multi(true).IncludeAll(true)).
		Annotation(dashboard.NewAnnotationQueryBuilder().Name("Incidents").Datasource(source).Enable(true).IconColor("red").
			Expr(`increase(brandmelder_incidents_opened_total[2m]) > 0`).TitleFormat("{{kind}} opened").Step("1m")).
		WithRow(dashboard.NewRowBuilder("Now")).
		WithPanel(number("Open crises", "Incidents that need people. The pages of brandmelder tell them.", `sum(brandmelder_incidents_open{kind="crisis"})`, "short", 1)).
		WithPanel(number("Not taken", "Crises whose one-voice owner has not answered yet.", `sum(brandmelder_incidents_open{kind="crisis",taken="no"})`, "short", 1)).
		WithPanel(number("Highest level", "0 calm to 6 hurricane, on the scale of Graf and Schwede.", `max(brandmelder_topic_incident_level)`, "short", 2)).
		WithPanel(number("Overdue call", "How long the call that waits longest is overdue. Above a minute a channel is in trouble.", `max(brandmelder_outbox_oldest_seconds)`, "s", 60)).
		WithPanel(number("Detection lags", "How far detection is behind. It grows while detection is down: then nobody is called for a new crisis.", `max(brandmelder_detect_lag_seconds)`, "s", 60)).
		WithPanel(number("Silent source", "Time since the source that is silent longest answered without an error.", `max(time() - (brandmelder_ingest_last_success_timestamp_seconds > 0))`, "s", 3600)).
		WithRow(dashboard.NewRowBuilder("Brands")).
		WithPanel(timeseries.NewPanelBuilder().Title("Volume against what was expected: $topic").Description("Voices of the last full hour: mentions, with reposts and copies weighed down. The band is what 9 of 10 hours like it bring.").
			Datasource(source).Repeat("topic").RepeatDirection(dashboard.PanelRepeatDirectionH).MaxPerRow(3).Height(8).Span(24).Min(0).
			WithTarget(line("low", `brandmelder_topic_expected_voices{topic=~"$topic",edge="low"}`, "low")).
			WithTarget(line("high", `brandmelder_topic_expected_voices{topic=~"$topic",edge="high"}`, "high")).
			WithTarget(line("mean", `brandmelder_topic_expected_voices{topic=~"$topic",edge="mean"}`, "expected")).
			WithTarget(line("voices", `brandmelder_topic_voices{topic=~"$topic"}`, "voices")).
			WithTarget(line("negative", `brandmelder_topic_negative_voices{topic=~"$topic"}`, "negative")).
			OverrideByName("high", properties("custom.fillBelowTo", "low", "custom.lineWidth", 0, "custom.fillOpacity", 15, "color", fixed("blue"))).
			OverrideByName("low", properties("custom.lineWidth", 0, "color", fixed("blue"))).
			OverrideByName("expected", properties("custom.lineStyle", map[string]any{"fill": "dash", "dash": []int{6, 6}}, "color", fixed("blue"))).
			OverrideByName("voices", properties("custom.lineWidth", 2, "color", fixed("text"))).
			OverrideByName("negative", properties("color", fixed("red")))).
		WithPanel(timeseries.NewPanelBuilder().Title("Tone").Description("Share of the voices that are meant negatively.").Datasource(source).Height(8).Span(12).Unit("percentunit").Min(0).Max(1).
			WithTarget(line("tone", `brandmelder_topic_negative_voices{topic=~"$topic"} / (brandmelder_topic_voices{topic=~"$topic"} > 0)`, "{{topic}}"))).
		WithPanel(bargauge.NewPanelBuilder().Title("Share of voice").Description("How much of what is said belongs to each topic, over the range shown.").Datasource(source).Height(8).Span(12).Unit("percentunit").Min(0).Max(1).
			Orientation(common.VizOrientationHorizontal).
			WithTarget(line("share", `sum by (topic) (increase(brandmelder_detect_mentions_total[$__range])) / scalar(sum(increase(brandmelder_detect_mentions_total[$__range])) > 0)`, "{{topic}}").Instant())).
		WithPanel(statetimeline.NewPanelBuilder().Title("Level").Description("Highest level of a topic's open crises, and whether the topic still learns.").Datasource(source).Height(7).Span(24).Min(0).Max(6).
			Thresholds(steps("green", 1, "yellow", 3, "orange", 5, "red")).
			WithTarget(line("level", `brandmelder_topic_incident_level`, "{{topic}}"))).
		WithRow(dashboard.NewRowBuilder("Desk")).
		WithPanel(lines("Incidents opened", "By kind, an hour.", "short", line("opened", `increase(brandmelder_incidents_opened_total[1h])`, "{{kind}}"))).
		WithPanel(lines("Spikes", "What stood out, an hour; few of them become incidents.", "short", line("spikes", `sum by (topic, kind) (increase(brandmelder_detect_spikes_total[1h]))`, "{{topic}} {{kind}}"))).
		WithPanel(lines("Calls", "Tries to call somebody, an hour. What is given up stands among the dead letters.", "short", line("calls", `sum by (channel, outcome) (increase(brandmelder_calls_total[1h]))`, "{{channel}} {{outcome}}"))).
		WithRow(dashboard.NewRowBuilder("Listening")).
		WithPanel(lines("Heard", "New mentions, a minute.", "short", line("heard", `60 * sum by (source) (rate(brandmelder_ingest_mentions_total{fate="new"}[5m]))`, "{{source}}"))).
		WithPanel(lines("Errors and broken items", "An hour. The page Sources says why.", "short",
			line("errors", `increase(brandmelder_ingest_errors_total[1h])`, "{{source}} errors"),
			line("bad", `sum by (source) (increase(brandmelder_ingest_mentions_total{fate="bad"}[1h]))`, "{{source}} broken"))).
		WithPanel(lines("Silence", "Time since a source answered without an error.", "s", line("silence", `time() - (brandmelder_ingest_last_success_timestamp_seconds > 0)`, "{{source}}"))).
		WithPanel(lines("Learning", "1 while a topic's past is too short to judge boldly.", "short", line("learning", `brandmelder_topic_learning`, "{{topic}}"))).
		WithPanel(lines("Faults", "What detection had to go on after, an hour. docs/operation.md says what each means.", "short", line("faults", `sum by (kind) (increase(brandmelder_detect_faults_total[1h]))`, "{{kind}}"))).
		WithPanel(lines("Memory", "Of the process.", "bytes", line("memory", `process_resident_memory_bytes{job="brandmelder"}`, "{{instance}}"))).
		WithPanel(lines("Processor", "Cores in use.", "short", line("cpu", `rate(process_cpu_seconds_total{job="brandmelder"}[5m])`, "{{instance}}")))
}

var source = common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${datasource}")}

func line(id, expr, legend string) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().RefId(id).Expr(expr).LegendFormat(legend).Range()
}

// number is one figure that turns red at the limit.
func number(title, description, expr, unit string, limit float64) *stat.PanelBuilder {
	return stat.NewPanelBuilder().Title(title).Description(description).Datasource(source).Unit(unit).Height(4).Span(4).
		ColorMode(common.BigValueColorModeBackground).GraphMode(common.BigValueGraphModeNone).
		Thresholds(steps("green", limit, "red")).WithTarget(line("value", expr, title).Instant())
}

func lines(title, description, unit string, targets ...*prometheus.DataqueryBuilder) *timeseries.PanelBuilder {
	p := timeseries.NewPanelBuilder().Title(title).Description(description).Datasource(source).Unit(unit).Min(0).Height(7).Span(8)
	for _, t := range targets {
		p = p.WithTarget(t)
	}
	return p
}

// steps is a base colour, then limits each with the colour from there on.
func steps(base string, limits ...any) *dashboard.ThresholdsConfigBuilder {
	out := []dashboard.Threshold{{Color: base}}
	for i := 0; i+1 < len(limits); i += 2 {
		var value float64
		switch v := limits[i].(type) {
		case int:
			value = float64(v)
		case float64:
			value = v
		}
		out = append(out, dashboard.Threshold{Value: &value, Color: limits[i+1].(string)})
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(out)
}

func properties(pairs ...any) (out []dashboard.DynamicConfigValue) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, dashboard.DynamicConfigValue{Id: pairs[i].(string), Value: pairs[i+1]})
	}
	return out
}

func fixed(color string) map[string]any { return map[string]any{"mode": "fixed", "fixedColor": color} }
