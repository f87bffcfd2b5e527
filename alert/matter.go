package alert

import (
	"slices"
	"strings"
	"sync"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/playbooks"
)

// When two spikes are one matter.
const (
	joinWithin   = 48 * time.Hour // a spike of the same topic belongs to the incident
	matterWithin = 6 * time.Hour  // a spike of another topic about the same
	sameTerms    = 3              // that many distinctive terms in common are the same matter
	sameMentions = 0.3            // or that share of the mentions of the smaller
)

// find returns the open incident that the spike belongs to: its own, its topic's, or one about the same matter, or one
// that follows the same special playbook while it lasts.
func (d *Desk) find(open []*Known, kind incident.Kind, sp *brand.Spike) *Known {
	var topic, matter *Known
	playbook := sync.OnceValue(func() string { return d.playbook(sp) }) // it reads all texts
	for _, in := range open {
		for i := range in.Spikes {
			o := &in.Spikes[i]
			switch {
			case o.ID == sp.ID:
				return in
			case in.Kind != kind || in.Drill != sp.Drill:
			case o.Topic == sp.Topic && sp.Began.Sub(o.Updated) < joinWithin:
				topic = in
			case mayMatch(o, sp) && sameMatter(in.evidence(o), &sp.Evidence):
				matter = in
			case o.State != brand.Ended && in.Playbook != playbooks.General && in.Playbook == playbook():
				matter = in
			}
		}
	}
	if topic != nil {
		return topic
	}
	return matter
}

// mayMatch reports whether the spikes are near enough in time for what they quote to be compared.
func mayMatch(o, sp *brand.Spike) bool { return sp.Began.Sub(o.Updated) < matterWithin }

// evidence is that of a spike, with what it quotes if that is known.
func (in *Known) evidence(o *brand.Spike) *brand.Evidence {
	for i := range in.Evidence {
		if in.Evidence[i].ID == o.ID {
			return &in.Evidence[i].Evidence
		}
	}
	return &o.Evidence
}

func (d *Desk) playbook(sp *brand.Spike) string {
	id, _ := d.Shelf.Find(matter(sp))
	return id
}

// sameMatter reports whether two spikes are about the same: they share distinctive terms, or a good part of the
// mentions of one are among those of the other.
func sameMatter(a, b *brand.Evidence) bool {
	common := 0
	for _, t := range a.Terms {
		if slices.ContainsFunc(b.Terms, func(u brand.Term) bool { return strings.EqualFold(u.Text, t.Text) }) {
			common++
		}
	}
	if common >= sameTerms {
		return true
	}
	if len(a.Sketch) == 0 || len(b.Sketch) == 0 {
		return false
	}
	// Only below the lower of the two ends do both sketches have all.
	limit := min(a.Sketch[len(a.Sketch)-1], b.Sketch[len(b.Sketch)-1])
	inA, inB, both := 0, 0, 0
	for _, h := range a.Sketch {
		if h <= limit {
			inA++
			if _, ok := slices.BinarySearch(b.Sketch, h); ok {
				both++
			}
		}
	}
	for _, h := range b.Sketch {
		if h <= limit {
			inB++
		}
	}
	return both >= 2 && float64(both) >= sameMentions*float64(min(inA, inB))
}
