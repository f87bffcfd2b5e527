package web

import (
	"regexp"
	"strconv"
	"testing"
	"time"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/i18n"
)

// An hour that the curve ends just behind is written whole within the picture, also in the large letters of a phone.
func TestTheLastHourOfAChartIsNotCutOff(t *testing.T) {
	p := &words{Wording: alert.Wording{Printer: i18n.In("en")}}
	end := time.Date(2026, 3, 14, 18, 5, 0, 0, time.UTC)
	var points []brand.Point
	for at := end.Add(-24 * time.Hour); !at.After(end); at = at.Add(5 * time.Minute) {
		points = append(points, brand.Point{At: at, Voices: 3, High: 5})
	}
	hours := regexp.MustCompile(`<text x="([\d.]+)" y="[\d.]+" text-anchor="middle">(\d\d:\d\d)</text>`).FindAllStringSubmatch(string(p.chart(points, time.Time{})), -1)
	if len(hours) != 4 || hours[3][2] != "18:00" {
		t.Fatalf("the hours are %v", hours)
	}
	const phone = 19.0 // font size in style.css: four digits of 0.6, a colon of 0.3
	for _, hour := range hours {
		x, err := strconv.ParseFloat(hour[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if half := 2.7 * phone / 2; x+half > 640 || x-half < 0 {
			t.Errorf("%s at %v is cut off", hour[2], x)
		}
	}
}
