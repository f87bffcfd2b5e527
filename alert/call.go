package alert

import (
	"fmt"
	"slices"
	"time"

	"brandmelder/brand"
)

// call makes the calls to one person, by the first of their channels, or, for nobody in particular, to all channels.
func (d *Desk) call(in *brand.Incident, person, role, reason string, now time.Time) (out []brand.Call) {
	channels := d.Channels
	q := d.People.Person(person)
	if q == nil {
		role, person = teamRole, ""
	} else if own := d.channelsOf(q); len(own) > 0 {
		channels = own[:1]
	} else {
		channels = channels[:min(1, len(channels))]
	}
	for _, ch := range channels {
		c := brand.Call{ID: brand.Hash(in.ID, reason, role, person, ch), Incident: in.ID, To: person, Role: role, Reason: reason, Channel: ch, At: now.UTC(), Due: now.UTC()}
		c.Message = d.message(in, q, reason, now)
		if in.Kind == brand.Opportunity && q != nil && !q.Reachable(now) {
			c.Due = nextReachable(q, now)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		in.Note(now, self, fmt.Sprintf("nobody can be called (%s): no channel is configured", reason))
	}
	return out
}

func (d *Desk) channelsOf(q *brand.Person) (out []string) {
	for _, ch := range q.Channels {
		if slices.Contains(d.Channels, ch) {
			out = append(out, ch)
		}
	}
	return out
}

// nextReachable waits for the person's working hours: good news wakes nobody.
func nextReachable(q *brand.Person, now time.Time) time.Time {
	for t := now.Truncate(time.Hour).Add(time.Hour); t.Before(now.Add(7 * 24 * time.Hour)); t = t.Add(time.Hour) {
		if q.Reachable(t) {
			return t.UTC()
		}
	}
	return now.UTC()
}

// Retry says what becomes of a call that its channel gave up: the person's next channel, or nil.
func (d *Desk) Retry(in *brand.Incident, c brand.Call, now time.Time) []brand.Call {
	channels := d.Channels
	if q := d.People.Person(c.To); q != nil && len(d.channelsOf(q)) > 0 {
		channels = d.channelsOf(q)
	}
	i := slices.Index(channels, c.Channel)
	if c.To == "" || i < 0 || i+1 >= len(channels) {
		return nil
	}
	next := c
	next.Channel, next.Attempts, next.GivenUp, next.Error, next.Due = channels[i+1], 0, false, "", now.UTC()
	next.ID = brand.Hash(in.ID, c.Reason, c.Role, c.To, next.Channel)
	return []brand.Call{next}
}
