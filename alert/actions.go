package alert

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/store"
)

// Actions is what people do with incidents.
type Actions struct {
	Desk  *Desk
	Store interface {
		store.Incidents
		store.Evidence
		store.Outbox
		store.Feedback
	}
	Now func() time.Time
}

// Do lets somebody do something with the incident as it is now: command makes it from the state. The error is that of
// the store, or says why package incident refuses the command.
func (a *Actions) Do(ctx context.Context, id string, by incident.Actor, command func(s *incident.State) incident.Command) error {
	now := a.Now().UTC()
	err := change(ctx, a.Store, nil, id, by, now, func(s *incident.State) (incident.Command, store.Change) {
		return command(s), store.Change{}
	}, a.Desk)
	if err != nil {
		return err
	}
	return store.MarkCalls(ctx, a.Store, id, by.ID, func(c *incident.Call) bool {
		if c.Sent.IsZero() || !c.Answered.IsZero() {
			return false
		}
		c.Answered = now
		return true
	})
}

// Roster is the people as they are now.
func (a *Actions) Roster() incident.Roster { return a.Desk.Roster(a.Now()) }

// Opened notes in the ledger that a person opened the link of a call.
func (a *Actions) Opened(ctx context.Context, id, person string) error {
	now := a.Now().UTC()
	return store.MarkCalls(ctx, a.Store, id, person, func(c *incident.Call) bool {
		if c.Sent.IsZero() || !c.Opened.IsZero() {
			return false
		}
		c.Opened = now
		return true
	})
}

// Judge keeps what a person says of the call: that it was right, or for nothing. Detection learns from it. A drill
// teaches nothing.
func (a *Actions) Judge(ctx context.Context, id string, by incident.Actor, v incident.Verdict) error {
	in, err := a.Store.Incident(ctx, id)
	if err != nil {
		return err
	}
	if in.Drill {
		return nil
	}
	for i := range in.Spikes {
		sp := &in.Spikes[i]
		f := brand.Feedback{Spike: sp.ID, Topic: sp.Topic, From: sp.Began, To: sp.Ended, Right: v == incident.Right}
		if f.To.IsZero() {
			f.To = a.Now().UTC()
		}
		if err := a.Store.SaveFeedback(ctx, f); err != nil {
			return err
		}
	}
	return a.Do(ctx, id, by, func(*incident.State) incident.Command { return incident.Judge{Verdict: v} })
}

// Close ends an incident. A false alarm is judged as one, so that detection learns from it.
func (a *Actions) Close(ctx context.Context, id string, by incident.Actor, outcome incident.Outcome) error {
	if outcome == incident.FalseAlarm {
		if err := a.Judge(ctx, id, by, incident.Wrong); err != nil {
			return err
		}
	}
	return a.Do(ctx, id, by, func(*incident.State) incident.Command { return incident.Close{Outcome: outcome} })
}

// Merge moves the spikes of an incident to another open one of the same kind, and closes it as merged into that. It may
// be called again after an error.
func (a *Actions) Merge(ctx context.Context, id, into string, by incident.Actor) error {
	from, err := a.Store.Incident(ctx, id)
	if err != nil {
		return err
	}
	to, err := a.Store.Incident(ctx, into)
	switch {
	case err != nil:
		return err
	case !from.Open():
		return nil
	case id == into || !to.Open() || to.Kind != from.Kind || to.Drill != from.Drill:
		return fmt.Errorf("merge incident %s into %q: %w", id, into, incident.ErrNotThere)
	}
	evidence, err := a.Store.Evidence(ctx, id)
	if err != nil {
		return err
	}
	for i := range from.Spikes {
		sp := from.Spikes[i]
		var whole []brand.Spike
		if j := slices.IndexFunc(evidence, func(e brand.Spike) bool { return e.ID == sp.ID }); j >= 0 {
			whole = evidence[j : j+1]
		}
		err := change(ctx, a.Store, nil, into, by, a.Now().UTC(), func(*incident.State) (incident.Command, store.Change) {
			return incident.ReceiveSpike{Spike: sp, Roster: a.Roster()}, store.Change{Evidence: whole}
		}, a.Desk)
		if err != nil {
			return err
		}
	}
	return a.Do(ctx, id, by, func(*incident.State) incident.Command { return incident.Close{Outcome: incident.Merged, Into: into} })
}

// change decides a command on the incident as it is and saves what follows, with the further calls and evidence that
// the command comes with. Where somebody else saved it meanwhile, it decides again.
func change(ctx context.Context, st store.Incidents, lease *store.Lease, id string, by incident.Actor, now time.Time,
	command func(*incident.State) (incident.Command, store.Change), d *Desk,
) error {
	for range 10 {
		s, err := st.Incident(ctx, id)
		if err != nil {
			return err
		}
		c, more := command(&s)
		events, calls, err := incident.Decide(s, by, c, now)
		if err != nil || len(events) == 0 {
			return err
		}
		state, records, err := s.Append(by, now, events...)
		if err != nil {
			return err
		}
		ch := store.Change{
			Lease: lease, Before: s.Version, State: state, Events: records, Evidence: more.Evidence,
			Calls: append(d.address(calls), more.Calls...),
		}
		if err := st.SaveIncident(ctx, ch); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("incident %s: %w", id, store.ErrConflict)
}
