package alert

import (
	"slices"
	"time"

	"brandmelder/incident"
	"brandmelder/people"
)

// address gives calls their channels: a person's first one, for the team all of them, and for the end of an incident
// those that would show it on. Without channels nobody can be called.
func (d *Desk) address(calls []incident.Call) (out []incident.Call) {
	for _, c := range calls {
		for _, ch := range d.channelsFor(&c) {
			out = append(out, c.On(ch))
		}
	}
	return out
}

func (d *Desk) channelsFor(c *incident.Call) []string {
	p := d.People.Person(c.To)
	switch {
	case c.Reason.Kind == incident.ReasonClosed:
		return d.Pagers
	case c.To == "":
		return d.Channels
	case p == nil:
		return d.Channels
	}
	own := d.channelsOf(p)
	return own[:min(1, len(own))]
}

// channelsOf are the channels of a person, in the order to try: their own, else all.
func (d *Desk) channelsOf(p *people.Person) (out []string) {
	for _, ch := range p.Channels {
		if slices.Contains(d.Channels, ch) {
			out = append(out, ch)
		}
	}
	if len(out) == 0 {
		return d.Channels
	}
	return out
}

// next is what becomes of a call that its channel gave up: the same over the person's next channel; false where there
// is none.
func (d *Desk) next(c incident.Call, now time.Time) (incident.Call, bool) {
	p := d.People.Person(c.To)
	if p == nil {
		return c, false
	}
	channels := d.channelsOf(p)
	i := slices.Index(channels, c.Channel)
	if i < 0 || i+1 >= len(channels) {
		return c, false
	}
	fresh := incident.Call{
		Incident: c.Incident, To: c.To, Role: c.Role, Reason: c.Reason, Facts: c.Facts, Created: c.Created, Due: now.UTC(),
	}
	return fresh.On(channels[i+1]), true
}
