package alert

import (
	"slices"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
)

// Unapprovable is a playbook whose statements cannot be approved by two people of two departments.
type Unapprovable struct {
	Playbook string
	File     string
	Owner    string // the ID of the one-voice owner
	Always   bool   // the playbook wants two people at every level, not only from level 5 on
}

// Unapprovable returns the playbooks for which nobody of another department than the owner's may approve, present or
// absent, in the order of the shelf.
func (d *Desk) Unapprovable() (out []Unapprovable) {
	roster := d.Roster(time.Time{})
	var seen []string
	for _, b := range d.Shelf.Books() {
		if slices.Contains(seen, b.ID) {
			continue
		}
		seen = append(seen, b.ID)
		books := d.books(b.ID)
		owner, deputy, decider := d.named(books)
		s := incident.State{
			Summary: incident.Summary{Level: brand.Hurricane, Owner: owner}, Deputy: deputy, Decider: decider,
		}
		if owner != "" && !s.CanBeApproved(roster) {
			out = append(out, Unapprovable{Playbook: b.ID, File: b.File, Owner: owner, Always: twoPeople(books)})
		}
	}
	return out
}
