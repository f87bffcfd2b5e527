package access

import (
	"fmt"
	"slices"
	"strings"
)

// Document returns docs/roles.md: the table for people.
func Document() string {
	var b strings.Builder
	b.WriteString(`# Roles

This page is generated from the table in ` + "`access/table.go`" + `. After a change of the table run
` + "`go test ./access -update`" + `.

Every page and every request to the API asks this table what a visitor may attempt. Within an incident the incident
decides more: only the people who were called can take it, and only those who speak for the company in it can approve
its statements. The commands of the program ask nothing: whoever may run them can read the configuration and the store.
No command acts in an incident.

## Users

A local user has one or more roles. ` + "`brandmelder user add`" + ` makes one ([operation.md](operation.md#sign-in)).

- **viewer**: reads along. Whoever knows the shared password (` + "`web.password_file`" + `) is a viewer.
- **expert**: knows the matter and is asked for help.
- **responder**: works on incidents.
- **owner**: speaks for the company.
- **manager**: reviews statements, approves as the second person, and sees that the playbook is followed.
- **admin**: runs brandmelder. An admin does not speak for the company. Somebody who should do both has both roles.

`)
	b.WriteString("| may |")
	for _, r := range Roles {
		fmt.Fprintf(&b, " %s |", r)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(Roles)) + "\n")
	for _, a := range actions {
		fmt.Fprintf(&b, "| %s |", a.what)
		for _, r := range Roles {
			b.WriteString(cell(r.May(a.Action)))
		}
		b.WriteString("\n")
	}
	b.WriteString(`
## Links of calls

The link of a call lets one person into one incident, with one role: ` + words(linkRoles) + `.
Through it this person may, as far as the role allows:

`)
	var inside, beside []string
	for _, a := range actions {
		switch a.reach {
		case ofIncident:
			inside = append(inside, a.what)
		case ofNone:
			beside = append(beside, a.what)
		case ofMany:
		}
	}
	for _, what := range inside {
		fmt.Fprintf(&b, "- in this incident: %s\n", what)
	}
	for _, what := range beside {
		fmt.Fprintf(&b, "- beside it: %s\n", what)
	}
	b.WriteString(`
Everything else is refused, above all every other incident. A link works for 14 days, until a day after its incident was
closed, and while the person is in ` + "`people.yaml`" + `. This is checked at each request, not only when the link is opened.

## API tokens

A token has one or more scopes and no role. ` + "`brandmelder token create`" + ` makes one. No scope approves a statement.

`)
	b.WriteString("| may |")
	for _, s := range Scopes {
		fmt.Fprintf(&b, " %s |", s)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(Scopes)) + "\n")
	for _, a := range actions {
		if !slices.ContainsFunc(Scopes, func(s Scope) bool { return s.May(a.Action) }) {
			continue
		}
		fmt.Fprintf(&b, "| %s |", a.what)
		for _, s := range Scopes {
			b.WriteString(cell(s.May(a.Action)))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func cell(yes bool) string {
	if yes {
		return " yes |"
	}
	return " |"
}

func words[T ~string](of []T) string {
	var out []string
	for _, w := range of {
		out = append(out, string(w))
	}
	return strings.Join(out, ", ")
}
