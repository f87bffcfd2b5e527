package detect

import (
	"slices"

	"brandmelder/brand"
)

// everywhere reports whether nearly all topics rise at the same time. Then the reason is probably the source, which
// sends duplicates or catches up after an outage. Topics with the same query count as one.
func (d *Detector) everywhere() bool {
	const least, nearlyAll = 5, 0.8 // topics, and the share of them
	rising, all := 0, 0
	var queries []string
	for _, s := range d.topics {
		if s.rise == 0 || slices.Contains(queries, s.topic.Query) {
			continue
		}
		queries = append(queries, s.topic.Query)
		all++
		if s.rise >= brand.LeastRise {
			rising++
		}
	}
	return all >= least && float64(rising) >= nearlyAll*float64(all)
}
