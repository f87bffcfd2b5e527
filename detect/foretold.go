package detect

import (
	"time"

	"brandmelder/brand"
)

// Foretold is how forecasts held, of spikes whose end is known. Their bands should hold in eight of ten.
type Foretold struct {
	Told   int `json:"told"`
	Voices int `json:"voices"` // in whose band the voices at the end lay
	More   int `json:"more"`   // that told of fewer voices than came
	Ends   int `json:"ends"`   // in whose band the end lay
	Later  int `json:"later"`  // that told of an earlier end
}

// known is how long after its end a spike's end is known; until then the end may lie before the telling.
const known = quietMinutes * time.Minute

// HowForetold compares what was told of spikes, in the order of the tellings, with how these ended; of tellings at ages of at least from and below to.
func HowForetold(told []brand.Spike, from, to time.Duration) (f Foretold) {
	ended := map[string]*brand.Spike{}
	for i := range told {
		if told[i].State == brand.Ended {
			ended[told[i].ID] = &told[i]
		}
	}
	for i := range told {
		sp := &told[i]
		end, age := ended[sp.ID], sp.Updated.Sub(sp.Began)
		if end == nil || sp.Forecast == nil || age < from || age >= to {
			continue
		}
		f.Told++
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
