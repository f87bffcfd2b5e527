package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"brandmelder/incident"
)

// Audit reads incidents as they are stored. It repairs nothing, sets nothing aside and makes no state anew, so that
// what somebody changed can be seen.
type Audit interface {
	// StoredIDs returns the IDs of all incidents of which a state or an event is stored, sorted.
	StoredIDs(ctx context.Context) ([]string, error)
	// StoredIncident returns what is stored of one, as it was at one moment, or ErrNotFound.
	StoredIncident(ctx context.Context, id string) (StoredIncident, error)
}

// StoredIncident is an incident as it is stored, whether it can be read or not.
type StoredIncident struct {
	ID     string
	State  []byte   // nil where it is missing
	Events [][]byte // in the order of their places
}

// Records returns the events up to the first that cannot be read. The error is an *incident.ChainError that names it.
func (in *StoredIncident) Records() (out []incident.Record, err error) {
	for i, doc := range in.Events {
		var r incident.Record
		if err := json.Unmarshal(doc, &r); err != nil {
			return out, &incident.ChainError{Incident: in.ID, Event: i + 1, Problem: "cannot be read: " + err.Error()}
		}
		out = append(out, r)
	}
	return out, nil
}

// Verify checks the chain of the events, and that the state is what they lead to. The error is an *incident.ChainError
// that names the first event that was changed, is missing or was moved; its event is 0 where the state alone is wrong.
func (in *StoredIncident) Verify() error {
	records, unread := in.Records()
	if err := incident.Verify(in.ID, records, nil); err != nil {
		return err
	}
	if unread != nil {
		return unread
	}
	wrong := func(problem string) error { return &incident.ChainError{Incident: in.ID, Problem: problem} }
	if in.State == nil {
		return wrong("its state is missing; its events are whole")
	}
	s, err := DecodeNamed[incident.State](in.ID, in.State)
	if err != nil {
		return wrong(fmt.Sprintf("its state cannot be read: %v; its events can", err))
	}
	if err := incident.Verify(in.ID, records, &s); err != nil {
		return err
	}
	if slices.ContainsFunc(records, func(r incident.Record) bool { _, newer := r.Event.(incident.Unknown); return newer }) {
		return nil // a newer version knows what state they lead to
	}
	is, err1 := json.Marshal(s)
	should, err2 := json.Marshal(incident.Fold(records))
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if !bytes.Equal(is, should) {
		return wrong("its state is not what its events lead to: it was changed after it was written")
	}
	return nil
}
