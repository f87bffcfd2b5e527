package web

import (
	"slices"

	"brandmelder/incident"
)

// timeline are the events that people read, the newest first. Those of an older version stand before the event by which
// the incident was taken over from it.
func timeline(records []incident.Record) (out []incident.Record) {
	for _, r := range records {
		switch e := r.Event.(type) {
		case incident.SpikeChanged: // its numbers are on the page; what matters of it has an event of its own
			continue
		case incident.Imported:
			out = append(out, e.History...)
		}
		out = append(out, r)
	}
	slices.Reverse(out)
	return out
}
