package detect

import (
	"slices"

	"brandmelder/brand"
)

// everywhere says whether nearly all topics rise at once: it is the source then, which doubles or catches up, not the world.
func (d *Detector) everywhere() bool {
	const least, nearly = 5, 0.8 // topics, and the share of them
	rise, all := 0, 0
	var queries []string // two topics that ask for the same are one
	for _, s := range d.topics {
		if s.rise == 0 || slices.Contains(queries, s.topic.Query) {
			continue
		}
		queries = append(queries, s.topic.Query)
		all++
		if s.rise >= brand.LeastRise {
			rise++
		}
	}
	return all >= least && float64(rise) >= nearly*float64(all)
}

// slotOf is the hour of the week of a minute. The answers for some days are remembered.
func (d *Detector) slotOf(minute int64) int {
	hour := minute / 60
	known := &d.slots[hour%int64(len(d.slots))]
	if known.hour != hour {
		known.hour, known.slot = hour, int64(d.rules.hourOfWeek(minute))
	}
	return int(known.slot)
}
