package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"brandmelder/brand"
	"brandmelder/detect"
	"brandmelder/query"
	"brandmelder/strictyaml"
)

type topicLine struct {
	Name          string   `yaml:"name"`
	Query         string   `yaml:"query"`
	AlarmsPerWeek float64  `yaml:"alarms_per_week"`
	Fields        []string `yaml:"fields"`
	Role          string   `yaml:"role"`
}

type plannedLine struct {
	Topics []string  `yaml:"topics"`
	From   time.Time `yaml:"from"`
	To     time.Time `yaml:"to"`
	Why    string    `yaml:"why"`
}

func (k *checker) topics() {
	c := k.c
	if len(c.Topics) == 0 && len(k.problems) == 0 {
		k.bad("topics is missing: name at least one topic with a query", "topics")
	}
	seen := map[string]int{}
	for i, t := range c.Topics {
		switch j, twice := seen[t.Name]; {
		case t.Name == "":
			k.bad("a topic needs a name", "topics", i)
		case twice:
			k.bad(fmt.Sprintf("topic %q stands here a second time; the first is topics[%d]", t.Name, j), "topics", i, "name")
		}
		seen[t.Name] = i
		if t.Query == "" {
			k.bad("a topic needs a query, such as: acme OR @acme", "topics", i)
		} else if _, err := query.Parse(t.Query); err != nil {
			p := k.doc.Problem(err.Error(), "topics", i, "query")
			var qe *query.Error
			if errors.As(err, &qe) {
				p.Column += qe.Column - 1 + k.doc.Quote("topics", i, "query")
			}
			k.problems = append(k.problems, p)
		}
		if t.AlarmsPerWeek < 0 || t.AlarmsPerWeek > 100 {
			k.bad("alarms_per_week: want a number above 0, at most 100", "topics", i, "alarms_per_week")
		}
		roles := []string{string(brand.Own), string(brand.Competitor), string(brand.Industry)}
		if t.Role != "" && !slices.Contains(roles, t.Role) {
			k.bad(fmt.Sprintf("role %q%s", t.Role, strictyaml.Suggest(t.Role, roles)), "topics", i, "role")
		}
		c.topics = append(c.topics, brand.Topic{Name: t.Name, Query: t.Query, AlarmsPerWeek: t.AlarmsPerWeek, Fields: t.Fields, Role: brand.Role(t.Role)})
	}
}

// calendar is what makes days unlike others: holidays, and what is planned.
func (k *checker) calendar() {
	c := k.c
	for i, name := range c.Holidays {
		if _, err := detect.Holidays(name); err != nil {
			k.bad(err.Error(), "holidays", i)
		}
	}
	if holiday, err := detect.Holidays(c.Holidays...); err == nil && len(c.Holidays) > 0 {
		c.holiday = holiday
	}
	var names []string
	for _, t := range c.topics {
		names = append(names, t.Name)
	}
	for i, p := range c.Planned {
		for j, t := range p.Topics {
			if !slices.Contains(names, t) {
				k.bad(fmt.Sprintf("no topic is called %q%s", t, strictyaml.Suggest(t, names)), "planned", i, "topics", j)
			}
		}
		if p.From.IsZero() || p.To.IsZero() {
			k.bad("a planned time needs from and to, such as 2026-03-14T18:00:00+01:00", "planned", i)
		} else if !p.To.After(p.From) {
			k.bad("to has to come after from", "planned", i, "to")
		}
		if p.Why == "" {
			k.bad("say why more is written then: people read it when something goes wrong there", "planned", i)
		}
		c.planned = append(c.planned, brand.Planned{Topics: p.Topics, From: p.From, To: p.To, Why: p.Why})
	}
}

// rules is what the detector goes by.
func (c *config) rules(topics []brand.Topic) detect.Rules {
	r := detect.Rules{Topics: topics, Location: c.location, Holiday: c.holiday, Planned: c.planned}
	if c.model != nil {
		r.Scorer = c.model.Scorer()
	}
	return r
}
