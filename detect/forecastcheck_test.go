package detect

import (
	"testing"
	"time"

	"brandmelder/brand"
)

// A forecast is compared with the end of its spike. Spikes that have not ended and reports at another age are not
// counted.
func TestForecastsAreHeldAgainstTheEnd(t *testing.T) {
	at := func(minutes int) time.Time {
		return time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
	}
	told := func(id string, minute int, low, high float64, from, to int) brand.Spike {
		return brand.Spike{ID: id, State: brand.Lasting, Began: at(0), Updated: at(minute), Forecast: &brand.Forecast{TotalLow: low, TotalHigh: high, EndsLow: at(from), EndsHigh: at(to)}}
	}
	ended := func(id string, minute int, total float64) brand.Spike {
		return brand.Spike{ID: id, State: brand.Ended, Began: at(0), Updated: at(minute + quietMinutes), Ended: at(minute), Total: total}
	}
	spikes := []brand.Spike{
		told("a", 10, 20, 60, 40, 90),                                  // right
		told("a", 20, 60, 90, 20, 59),                                  // too many voices, too early an end
		told("a", 30, 20, 49, 120, 200),                                // too few voices, too late an end
		told("a", 40, 20, 60, 100, 130),                                // the end is only known at 105
		told("a", 300, 20, 60, 100, 130),                               // of another age
		{ID: "a", State: brand.Lasting, Began: at(0), Updated: at(50)}, // without a forecast
		ended("a", 30, 40),                                             // which was not the end: it went on
		ended("a", 60, 50),
		told("b", 10, 20, 60, 40, 90), // goes on
	}
	got := CheckForecasts(spikes, 0, 5*time.Hour)
	if want := (ForecastCheck{Forecasts: 4, Voices: 2, More: 1, Ends: 2, Later: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
