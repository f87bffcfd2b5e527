package web

import (
	"testing"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/store"
)

// open opens an incident for the spike as the desk does, with calls over the channel c, and returns its ID.
func open(t *testing.T, st store.Incidents, d *alert.Desk, sp brand.Spike) string {
	t.Helper()
	id, c := d.Receive(sp, nil, nil, t0)
	if c == nil {
		t.Fatalf("the spike %s opens no incident", sp.ID)
	}
	events, calls, err := incident.Decide(incident.State{}, incident.Program, c, t0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range calls {
		calls[i] = calls[i].On("c")
	}
	change := store.Change{Evidence: []brand.Spike{sp}, Calls: calls}
	save(t, st, incident.State{}, incident.Program.ID, change, events...)
	return id
}

// happens lets events happen to an incident that is there.
func happens(t *testing.T, st store.Incidents, id, by string, events ...incident.Event) {
	t.Helper()
	save(t, st, stored(t, st, id), by, store.Change{}, events...)
}

// keep stores an incident in any state.
func keep(t *testing.T, st store.Incidents, s incident.State) {
	t.Helper()
	imported := incident.Imported{State: s, From: incident.FromMemory}
	save(t, st, incident.State{}, incident.Program.ID, store.Change{}, imported)
}

// save stores what events make of an incident.
func save(t *testing.T, st store.Incidents, s incident.State, by string, c store.Change, events ...incident.Event) {
	t.Helper()
	state, records, err := s.Append(incident.Actor{ID: by}, t0, events...)
	if err != nil {
		t.Fatal(err)
	}
	c.Before, c.State, c.Events = s.Version, state, records
	if err := st.SaveIncident(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func stored(t *testing.T, st store.Incidents, id string) incident.State {
	t.Helper()
	s, err := st.Incident(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
