package detect

import (
	"math/bits"
	"time"

	"brandmelder/brand"
)

// curve is the topic's last day in quarters of an hour, for charts.
func (s *state) curve(now int64, slotOf func(int64) int) []brand.Point {
	const step = 15
	var out []brand.Point
	lastHour, low, high, mu := int64(-1), 0.0, 0.0, 0.0
	for at := (now/step)*step - 24*60; at < now; at += step {
		if at < s.Start || !s.Ring.has(at) {
			continue
		}
		if at/60 != lastHour {
			lastHour = at / 60
			var alpha float64
			mu, alpha = s.expect(at, at+step, 0, float64(s.Ring.sum(at, at+step).Voices), slotOf)
			low, high = quantile(0.05, mu, alpha), quantile(0.95, mu, alpha)
		}
		b := s.Ring.sum(at, min(at+step, now))
		out = append(out, brand.Point{
			At: time.Unix(at*60, 0).UTC(), Voices: round(float64(b.Voices)), Negative: round(float64(b.Negative)),
			Expected: round(mu), Low: round(low), High: round(high),
		})
	}
	return out
}

func networks(b bucket) int { return bits.OnesCount16(b.Sources) }

// hourly is a topic's last full hour.
type hourly struct {
	voices, negative, mean, low, high float64
	learning                          bool
}

func (s *state) hourly(now int64, slotOf func(int64) int) hourly {
	b := s.Ring.sum(now-60, now)
	mu, alpha := s.expect(now-60, now, hourWindow, float64(b.Voices), slotOf)
	return hourly{float64(b.Voices), float64(b.Negative), mu, quantile(0.05, mu, alpha), quantile(0.95, mu, alpha), s.Base.learning()}
}
