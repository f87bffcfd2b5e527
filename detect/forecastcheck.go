package detect

import (
	"time"

	"brandmelder/brand"
)

// ForecastCheck compares forecasts with the ends of their spikes. Each band should hold in eight of ten cases.
type ForecastCheck struct {
	Forecasts int `json:"told"`
	Voices    int `json:"voices"` // forecasts whose band held the voices at the end
	More      int `json:"more"`   // forecasts with too few voices
	Ends      int `json:"ends"`   // forecasts whose band held the end
	Later     int `json:"later"`  // forecasts with too early an end
}

// known is how long after its end a spike's end is known. Until then a report may come after the end.
const known = quietMinutes * time.Minute

// CheckForecasts checks the forecasts of reports, given in their order. It counts reports at ages of at least from and
// less than to, of spikes that ended.
func CheckForecasts(reports []brand.Spike, from, to time.Duration) (f ForecastCheck) {
	ended := map[string]*brand.Spike{}
	for i := range reports {
		if reports[i].State == brand.Ended {
			ended[reports[i].ID] = &reports[i]
		}
	}
	for i := range reports {
		sp := &reports[i]
		end, age := ended[sp.ID], sp.Updated.Sub(sp.Began)
		if end == nil || sp.Forecast == nil || age < from || age >= to {
			continue
		}
		f.Forecasts++
		switch {
		case end.Total > sp.Forecast.TotalHigh:
			f.More++
		case end.Total >= sp.Forecast.TotalLow:
			f.Voices++
		}
		switch {
		case end.Ended.After(sp.Forecast.EndsHigh):
			f.Later++
		case !end.Ended.Before(sp.Forecast.EndsLow.Add(-known)):
			f.Ends++
		}
	}
	return f
}
