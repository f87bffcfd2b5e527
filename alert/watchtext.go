package alert

import (
	"fmt"
	"time"

	"brandmelder/brand"
)

// operations is the kind of a notice to operators, which belongs to no incident.
const operations brand.IncidentKind = "operations"

// worded is what a cause means and what to do first, in both languages.
type worded struct{ en, de, firstEn, firstDe string }

var causes = map[Cause]worded{
	CauseNoAnswer: {
		"the store does not answer", "der Speicher antwortet nicht",
		"Check that Redis runs and can be reached, or that the disk with the database is mounted.",
		"Prüfen Sie, ob Redis läuft und erreichbar ist oder ob die Platte mit der Datenbank eingehängt ist.",
	},
	CauseNoWrite: {
		"the store refuses writes", "der Speicher nimmt nichts mehr an",
		"Make room on the disk, or allow writes again. Nothing has to be restarted.",
		"Schaffen Sie Platz auf der Platte oder erlauben Sie das Schreiben wieder. Nichts muss neu gestartet werden.",
	},
	CauseStopped: {
		"the last successful run of detection is too long ago",
		"der letzte erfolgreiche Lauf der Erkennung liegt zu lange zurück",
		"Read the log of the process with the role detect, and restart the process if it hangs.",
		"Lesen Sie das Log des Prozesses mit der Rolle detect und starten Sie ihn neu, wenn er hängt.",
	},
	CauseNeverRan: {
		"detection has not run since the start", "die Erkennung ist seit dem Start nicht gelaufen",
		"Check that a process with the role detect runs, and read its log.",
		"Prüfen Sie, ob ein Prozess mit der Rolle detect läuft, und lesen Sie sein Log.",
	},
	CauseLost: {
		"what detection had learned is gone or cannot be read",
		"was die Erkennung gelernt hatte, ist weg oder nicht lesbar",
		"Restore a backup if there is one. Without it detection learns anew, and its calls are less certain for " +
			"some days.",
		"Spielen Sie eine Sicherung zurück, wenn es eine gibt. Ohne sie lernt die Erkennung neu, und ihre Anrufe " +
			"sind einige Tage weniger sicher.",
	},
	CauseBehind: {
		"mentions wait longer than they should", "Beiträge warten länger, als sie sollten",
		"Look at the load of the machine and at the log of the process with the role detect.",
		"Sehen Sie nach der Last der Maschine und ins Log des Prozesses mit der Rolle detect.",
	},
	CauseUnknown: {
		"it cannot be found out whether detection works", "ob die Erkennung arbeitet, lässt sich nicht feststellen",
		"Read brandmelder's log.", "Lesen Sie das Log von brandmelder.",
	},
}

// message words a notice as a call is worded: what, how bad, since when, why, what first.
func (n *notice) message(lang string, loc *time.Location, link string) brand.Message {
	w, ok := causes[n.cause]
	if !ok {
		w = causes[CauseStopped]
	}
	m := brand.Message{Incident: "detection", Kind: operations, Lang: lang, Began: n.since, Link: link}
	since, lasted := clock(n.since, loc, lang), duration(n.at.Sub(n.since).Round(time.Minute), lang)
	if n.recovered {
		m.Ended = n.at
		m.Title = pick(lang, "Detection works again", "Die Erkennung arbeitet wieder")
		m.Bad = pick(lang, "new crises are detected again", "neue Krisen werden wieder erkannt")
		form := pick(lang, "after an outage from %s to %s (%s)", "nach einem Ausfall von %s bis %s (%s)")
		m.Since = fmt.Sprintf(form, since, clock(n.at, loc, lang), lasted)
		m.Why = pick(lang, w.en+"; a crisis of that time may be reported late",
			w.de+"; eine Krise aus dieser Zeit wird vielleicht verspätet gemeldet")
		return m
	}
	m.Title = pick(lang, "Detection is down", "Die Erkennung ist ausgefallen")
	m.Bad = pick(lang, "nobody is called for a new crisis", "bei einer neuen Krise wird niemand angerufen")
	m.Since = fmt.Sprintf(pick(lang, "since %s (%s)", "seit %s (%s)"), since, lasted)
	m.Why, m.First = pick(lang, w.en, w.de), pick(lang, w.firstEn, w.firstDe)
	return m
}
