package ingest

import "time"

// rhythm is the longest silence of a source on each of the last days. It covers nights and weekends. A much longer
// silence is a fault: a token that was withdrawn with a friendly answer, a feed that moved, a hashtag that the
// instance no longer shows.
type rhythm struct {
	Longest [rhythmDays]float64 `json:"longest"` // seconds, by day since 1970
	Days    int                 `json:"days"`    // known
	Day     int64               `json:"day"`
	Last    time.Time           `json:"last,omitzero"` // time of the last new mention, or of the begin
}

const (
	rhythmDays  = 8
	rhythmLeast = 3   // days that are needed
	quietFactor = 1.5 // times the longest silence
	quietYoung  = 3   // the same during the first week
	quietMargin = 30 * time.Minute
)

// begin starts without knowledge of the silence before.
func (r *rhythm) begin(now time.Time) { r.Last = now }

// record adds a new mention at the time now.
func (r *rhythm) record(now time.Time) {
	r.turn(now)
	if !r.Last.IsZero() {
		i := r.Day % rhythmDays
		r.Longest[i] = max(r.Longest[i], now.Sub(r.Last).Seconds())
	}
	r.Last = now
}

func (r *rhythm) turn(now time.Time) {
	today := now.Unix() / (24 * 3600)
	if r.Day == 0 || today-r.Day > rhythmDays {
		*r = rhythm{Day: today, Last: r.Last}
	}
	for r.Day < today {
		r.Day++
		r.Days = min(r.Days+1, rhythmDays-1)
		r.Longest[r.Day%rhythmDays] = 0
	}
}

// quiet reports whether the silence is longer than any of the last days. A source that is silent for whole days has
// no rhythm.
func (r *rhythm) quiet(now time.Time) bool {
	if r.Days < rhythmLeast || r.Last.IsZero() {
		return false
	}
	most := 0.0
	for _, s := range r.Longest {
		most = max(most, s)
	}
	factor := quietFactor
	if r.Days < rhythmDays-1 {
		factor = quietYoung
	}
	return most > 0 && now.Sub(r.Last) > time.Duration(most*factor*float64(time.Second))+quietMargin
}
