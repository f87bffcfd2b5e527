package web

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"brandmelder/brand"
)

// chart draws a topic's curve as SVG: the expected band, the voices, the negative among them, and where the spike
// began. It is made of numbers and fixed words alone. A zero began draws none.
func (p *words) chart(points []brand.Point, began time.Time) template.HTML {
	const w, h, left, bottom, top, half = 640.0, 200.0, 44.0, 24.0, 12.0, 26.0 // half is of an hour's words, on a phone
	points = points[max(0, len(points)-maxPoints):]
	if len(points) < 2 || !points[len(points)-1].At.After(points[0].At) {
		return template.HTML(`<p class="muted">` + template.HTMLEscapeString(p.T("chart.none")) + `</p>`)
	}
	most := 4.0
	for _, p := range points {
		most = max(most, p.Voices, p.High)
	}
	from, to := points[0].At, points[len(points)-1].At
	x := func(t time.Time) float64 { return left + (w-left-4)*float64(t.Sub(from))/float64(to.Sub(from)) }
	y := func(v float64) float64 { return h - bottom - (h-bottom-top)*v/most }
	line := func(class string, v func(brand.Point) float64) string {
		var at []byte
		for _, p := range points {
			at = corner(at, x(p.At), y(v(p)))
		}
		return fmt.Sprintf(`<polyline class="%s" points="%s"/>`, class, at)
	}
	var band []byte
	for _, p := range points {
		band = corner(band, x(p.At), y(p.High))
	}
	for i := len(points) - 1; i >= 0; i-- {
		band = corner(band, x(points[i].At), y(points[i].Low))
	}
	var sb strings.Builder
	last := points[len(points)-1]
	fmt.Fprintf(&sb, `<svg class="chart" viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`, w, h, template.HTMLEscapeString(p.T(
		"chart.summary", "Last", p.Number(math.Round(last.Voices)), "Low", p.Number(math.Round(last.Low)), "High", p.Number(math.Round(last.High)))))
	fmt.Fprintf(&sb, `<polygon class="band" points="%s"/>`, band)
	for _, v := range []float64{0, most / 2, most} {
		fmt.Fprintf(&sb, `<line class="grid" x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f"/><text x="%.0f" y="%.1f" text-anchor="end">%.0f</text>`, left, w-4, y(v), y(v), left-5, y(v)+4, v)
	}
	every := 6 * time.Hour
	for to.Sub(from)/maxAxisTexts > every { // a curve of a day has four; one of years must not have thousands
		every *= 2
	}
	for t := from.Truncate(every).Add(every); t.Before(to); t = t.Add(every) {
		at := min(x(t), w-half) // the last one is not cut off
		fmt.Fprintf(&sb, `<text x="%.1f" y="%.0f" text-anchor="middle">%s</text>`, at, h-6, p.Hour(t, p.loc))
	}
	if !began.IsZero() && began.After(from) && began.Before(to) {
		fmt.Fprintf(&sb, `<line class="began" x1="%.1f" x2="%.1f" y1="%.0f" y2="%.0f"/>`, x(began), x(began), top, h-bottom)
	}
	sb.WriteString(line("voices", func(p brand.Point) float64 { return p.Voices }))
	sb.WriteString(line("negative", func(p brand.Point) float64 { return p.Negative }))
	sb.WriteString(`</svg>`)
	return template.HTML(sb.String())
}

// corner adds a corner of a line, to a tenth. The start page has some thousands.
func corner(to []byte, x, y float64) []byte {
	to = append(strconv.AppendFloat(to, x, 'f', 1, 64), ',')
	return append(strconv.AppendFloat(to, y, 'f', 1, 64), ' ')
}
