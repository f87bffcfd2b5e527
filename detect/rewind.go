package detect

import (
	"slices"
	"time"
)

// Rewind goes back to the minute of to, for a clock that was ahead. What was counted in later minutes is forgotten;
// what was learned of the topics stays. A later to does nothing.
func (d *Detector) Rewind(to time.Time) {
	now := to.Unix() / 60
	if now >= d.now {
		return
	}
	d.now = now
	for _, s := range d.topics {
		s.rewind(now)
	}
	for i := range d.stories.Kept {
		k := &d.stories.Kept[i]
		k.Last = min(k.Last, int32(now))
	}
}

func (s *state) rewind(now int64) {
	if s.Start == 0 {
		return
	}
	s.Start, s.Deaf, s.Dirty = min(s.Start, now), min(s.Deaf, now), min(s.Dirty, now)
	s.Ring.rewind(now)
	for i := range s.Past {
		s.Past[i].rewind(now / blockMinutes)
	}
	s.Trouble.rewind(now)
	s.Praise.rewind(now)
	for i := range s.also {
		s.also[i].rewind(now)
	}
	for i := range s.Nearly {
		if s.Nearly[i].Minute > now {
			s.Nearly[i] = nearly{}
		}
	}
	s.Manner.Minute = min(s.Manner.Minute, now)
	s.Crowd.Authors = slices.DeleteFunc(s.Crowd.Authors, func(e echo) bool { return int64(e.Minute) > now })
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

func (p *past) rewind(block int64) {
	for ; p.Last > block; p.Last-- {
		if p.Last-block <= pastBlocks {
			p.Maxima[p.Last%pastBlocks] = 0
		}
	}
	p.Most = 0
}

// rewind ends a spike that began later; of an older one only its times change.
func (w *watch) rewind(now int64) {
	if w.Since > now {
		*w = watch{}
		return
	}
	w.Told, w.Opened, w.Until = min(w.Told, now), min(w.Opened, now), min(w.Until, now)
}
