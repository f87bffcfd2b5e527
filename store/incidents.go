package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
)

// Incidents is what people look after. The events are the truth; the state and its summary are stored beside them for
// reading, and are made again from the events where they cannot be read.
type Incidents interface {
	Incident(ctx context.Context, id string) (incident.State, error) // or ErrNotFound
	// Events returns the events of an incident, the oldest first.
	Events(ctx context.Context, id string) ([]incident.Record, error)
	// ListIncidents returns a page of incidents, by their detection, newest first, then by ID. next is After of the
	// next page, "" behind the last one.
	ListIncidents(ctx context.Context, q IncidentQuery) (page []incident.Summary, next string, err error)
	// OpenIncidents returns the versions of the open incidents by their IDs.
	OpenIncidents(ctx context.Context) (map[string]int, error)
	// SaveIncident saves a change, all or nothing. A call whose ID is known already is left out. It returns ErrConflict
	// where the incident's version is not c.Before, and ErrFenced where c.Lease is no longer the caller's.
	SaveIncident(ctx context.Context, c Change) error
	// AskedSince returns how often each expert was asked for help since then.
	AskedSince(ctx context.Context, since time.Time) (map[string]int, error)
	// TrimIncidents deletes incidents that were closed before the time, with their events, evidence and calls: at most
	// some hundred at a call.
	TrimIncidents(ctx context.Context, closedBefore time.Time) (removed int, err error)
}

// IncidentQuery says which incidents are listed.
type IncidentQuery struct {
	Open  bool   // only those that are not closed
	After string // the next of the page before; "" for the first page
	Limit int
}

// Change is what one command made of an incident.
type Change struct {
	Lease    *Lease // under which it may be saved; nil for none
	Before   int    // the version that the command was decided on; 0 for a new incident
	State    incident.State
	Events   []incident.Record // that lead from Before to State
	Evidence []brand.Spike     // with what they quote; each replaces that of the same spike
	Calls    []incident.Call
}

// Ask is that an expert was asked for help.
type Ask struct {
	Person string
	At     time.Time
}

// Asks are the experts that the change asks.
func (c *Change) Asks() (out []Ask) {
	for _, r := range c.Events {
		switch e := r.Event.(type) {
		case incident.ExpertAsked:
			out = append(out, Ask{e.Person, r.At})
		case incident.Imported:
			for _, x := range e.State.Experts {
				if !x.Asked.IsZero() {
					out = append(out, Ask{x.Person, x.Asked})
				}
			}
		}
	}
	return out
}

// Evidence is what people wrote in an incident's spikes. It is stored apart from the events, so that what its authors
// delete can be taken out.
type Evidence interface {
	// Evidence returns the spikes of an incident with what they quote.
	Evidence(ctx context.Context, incident string) ([]brand.Spike, error)
	// RedactEvidence gives f the evidence of every incident; what it changes is saved. It returns the number of
	// incidents that were changed.
	RedactEvidence(ctx context.Context, f func(*brand.Spike) (changed bool)) (int, error)
}

// Outbox holds the calls to people, and keeps the ledger of what became of them.
type Outbox interface {
	// DueCalls returns calls that wait and whose Due is at or before now, earliest first.
	DueCalls(ctx context.Context, now time.Time, limit int) ([]incident.Call, error)
	// SaveCall saves a call and raises its version. It returns ErrConflict where its version is not the stored one, and
	// ErrFenced where the lease, if there is one, is no longer the caller's.
	SaveCall(ctx context.Context, lease *Lease, c *incident.Call) error
	// CallsOf returns an incident's calls in the order of Created, then ID.
	CallsOf(ctx context.Context, incident string) ([]incident.Call, error)
}

// MarkCalls sets a time in the ledger of the person's calls of an incident where f does; it tries again where somebody
// else saved the call meanwhile.
func MarkCalls(ctx context.Context, st Outbox, id, person string, f func(*incident.Call) bool) error {
	if person == "" {
		return nil
	}
	for range 10 {
		calls, err := st.CallsOf(ctx, id)
		if err != nil {
			return err
		}
		conflict := false
		for i := range calls {
			if c := &calls[i]; c.To == person && f(c) {
				if err := st.SaveCall(ctx, nil, c); errors.Is(err, ErrConflict) {
					conflict = true
				} else if err != nil {
					return err
				}
			}
		}
		if !conflict {
			return nil
		}
	}
	return fmt.Errorf("calls of incident %s: %w", id, ErrConflict)
}

// Rebuild is the state of an incident whose stored form cannot be read, made from its events. The error says that they
// are damaged too.
func Rebuild(id string, records []incident.Record) (incident.State, error) {
	s := incident.Fold(records)
	if len(records) == 0 || s.ID != id {
		return s, fmt.Errorf("incident %s: %w: neither its state nor its events can be read", id, ErrDamaged)
	}
	return s, incident.Verify(id, records, &s)
}

// PageEnd is the After that continues behind a summary.
func PageEnd(s *incident.Summary) string { return fmt.Sprintf("%d %s", s.Detected.UnixMilli(), s.ID) }

// PageStart reads what PageEnd wrote. "" is before the first page.
func PageStart(after string) (detected int64, id string, err error) {
	if after == "" {
		return 1 << 62, "", nil
	}
	ms, id, ok := strings.Cut(after, " ")
	if err := json.Unmarshal([]byte(ms), &detected); err != nil || !ok {
		return 0, "", fmt.Errorf("page %.40q is none of this list", after)
	}
	return detected, id, nil
}
