package detect

import (
	"slices"
	"time"
)

// Rewind goes back to the minute of to, because the clock was ahead. It drops the counts of later minutes and keeps
// what was learned. A later to does nothing.
func (d *Detector) Rewind(to time.Time) {
	now := to.Unix() / 60
	if now >= d.now {
		return
	}
	d.now = now
	for _, s := range d.topics {
		s.rewind(now)
	}
	for i := range d.clusters.Kept {
		k := &d.clusters.Kept[i]
		k.Last = min(k.Last, int32(now))
	}
}

func (s *state) rewind(now int64) {
	if s.Start == 0 {
		return
	}
	s.Start, s.JudgedFrom, s.Changed = min(s.Start, now), min(s.JudgedFrom, now), min(s.Changed, now)
	s.Ring.rewind(now)
	for i := range s.Extremes {
		s.Extremes[i].rewind(now / blockMinutes)
	}
	s.Trouble.rewind(now)
	s.Praise.rewind(now)
	for i := range s.others {
		s.others[i].rewind(now)
	}
	for i := range s.NearMisses {
		if s.NearMisses[i].Minute > now {
			s.NearMisses[i] = nearMiss{}
		}
	}
	s.SampledTone.Minute = min(s.SampledTone.Minute, now)
	s.Weights.Authors = slices.DeleteFunc(s.Weights.Authors, func(e authorCount) bool { return int64(e.Minute) > now })
	clear(s.hours[:])
	s.beside.lookedAt = 0
}

func (r *ring) rewind(now int64) {
	if r.Head-now >= ringMinutes {
		*r = newRing(now)
		return
	}
	for ; r.Head > now; r.Head-- {
		*r.at(r.Head) = bucket{}
	}
}

func (p *extremes) rewind(block int64) {
	for ; p.Last > block; p.Last-- {
		if p.Last-block <= blocksKept {
			p.Maxima[p.Last%blocksKept] = 0
		}
	}
	p.Most = 0
}

// rewind drops a spike that began later. Of an older spike only the times change.
func (w *tracker) rewind(now int64) {
	if w.Since > now {
		*w = tracker{}
		return
	}
	w.Reported, w.Opened, w.Until = min(w.Reported, now), min(w.Opened, now), min(w.Until, now)
}
