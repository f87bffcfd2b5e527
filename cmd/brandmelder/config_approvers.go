package main

import (
	"fmt"
	"slices"
	"strings"

	"brandmelder/people"
)

// approvers checks that two people of two departments can approve a statement where that is needed: from level 5 on,
// and always where the playbook says so.
func (k *checker) approvers() {
	c := k.c
	alone := c.desk().Unapprovable()
	for _, u := range alone {
		if u.Always {
			k.others = append(k.others, fmt.Errorf("playbook %s (%s) has two_people: true, and no statement can be approved: %s",
				u.Playbook, u.File, noSecond(c.people, u.Owner)))
		}
	}
	if !slices.ContainsFunc(c.people.Persons, func(p people.Person) bool { return p.Department != "" }) {
		c.hints = append(c.hints, "from level 5 on two people of two departments approve a statement, and nobody in "+
			c.People+" has a department: give one to those who approve")
		return
	}
	var owners []string
	books := map[string][]string{}
	for _, u := range alone {
		if u.Always {
			continue
		}
		if books[u.Owner] == nil {
			owners = append(owners, u.Owner)
		}
		books[u.Owner] = append(books[u.Owner], u.Playbook)
	}
	for _, owner := range owners {
		c.hints = append(c.hints, fmt.Sprintf("from level 5 on two people of two departments approve a statement; for %s "+
			"they cannot be found: %s", plural(books[owner]), noSecond(c.people, owner)))
	}
}

// plural names one playbook or several.
func plural(ids []string) string {
	if len(ids) == 1 {
		return "the playbook " + ids[0]
	}
	return "the playbooks " + strings.Join(ids, ", ")
}

// noSecond is why nobody can approve beside an owner, and what to do.
func noSecond(folk *people.People, owner string) string {
	o := folk.Person(owner)
	if o.Department == "" {
		return fmt.Sprintf("its owner %s has no department; give %s one", owner, owner)
	}
	return fmt.Sprintf("nobody of another department than that of its owner %s (%s) may; give a person who is marked one_voice: true, "+
		"or whom the playbook names as deputy or decides, another department", owner, o.Department)
}
