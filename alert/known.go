package alert

import (
	"context"
	"errors"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/store"
)

// Known is an open incident with what people wrote in its spikes.
type Known struct {
	incident.State
	Evidence []brand.Spike
	unread   bool // the evidence was not read yet at this version of the incident
}

// evidenceAtOnce is how many incidents' evidence a round reads. It is the larger part of an incident by far: after the
// desk changed hands people are not called later because of it.
const evidenceAtOnce = 25

// refresh reads the open incidents that are new or were changed since the last round.
func (l *Loop) refresh(ctx context.Context, now time.Time) error {
	if err := l.recall(ctx, now); err != nil {
		return err
	}
	versions, err := l.st.OpenIncidents(ctx)
	if err != nil {
		return err
	}
	if l.open == nil {
		l.open = map[string]*Known{}
	}
	for id := range l.open {
		if _, ok := versions[id]; !ok {
			delete(l.open, id)
		}
	}
	for id, version := range versions {
		if in := l.open[id]; in != nil && in.Version == version {
			continue
		}
		if err := l.read(ctx, id); err != nil {
			return err
		}
	}
	l.count.Store(int32(len(l.open)))
	return nil
}

// read reads an incident into what is known. Its evidence is read later.
func (l *Loop) read(ctx context.Context, id string) error {
	state, err := l.st.Incident(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && !state.Open() {
		delete(l.open, id)
		return nil
	}
	if err != nil {
		return err
	}
	in := &Known{State: state, unread: true}
	if was := l.open[id]; was != nil {
		in.Evidence = was.Evidence
	}
	l.open[id] = in
	return nil
}

// readEvidence reads the evidence that was not read yet of open incidents that are wanted, of at most so many.
func (l *Loop) readEvidence(ctx context.Context, most int, wanted func(*Known) bool) error {
	for id, in := range l.open {
		if !in.unread || !wanted(in) {
			continue
		}
		if most--; most < 0 {
			return nil
		}
		evidence, err := l.st.Evidence(ctx, id)
		if err != nil {
			return err
		}
		in.Evidence, in.unread = evidence, false
	}
	return nil
}

// list is the open incidents in the order of their detection.
func (l *Loop) list() (out []*Known) {
	for _, in := range l.open {
		out = append(out, in)
	}
	sortKnown(out)
	return out
}
