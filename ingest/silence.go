package ingest

import "time"

// rhythm is how long a source's silences are: the longest of each of the last days, which knows its nights and weekends. What is far longer is news: a token that was
// withdrawn with a friendly answer, a feed that moved, a hashtag that the instance no longer shows.
type rhythm struct {
	Longest [rhythmDays]float64 `json:"longest"` // seconds, by day since 1970
	Days    int                 `json:"days"`    // known
	Day     int64               `json:"day"`
	Last    time.Time           `json:"last,omitzero"` // something was heard, or listening began
}

const (
	rhythmDays  = 8
	rhythmLeast = 3   // days that must be known
	quietFactor = 1.5 // times the longest silence
	quietYoung  = 3   // the same while no whole week is known
	quietMargin = 30 * time.Minute
)

// begin says that nothing is known of the silence before.
func (r *rhythm) begin(now time.Time) { r.Last = now }

// hear takes in that something new was heard.
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

// quiet says whether the silence is longer than any of the last days'. A source that says nothing for days together has no rhythm.
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
