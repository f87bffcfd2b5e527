package alert

import (
	"fmt"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

// operations is the kind of a notice to operators, which belongs to no incident.
const operations brand.IncidentKind = "operations"

// worded is what a cause means and what to do first, in both languages.
type worded struct{ en, de, firstEn, firstDe string }

var causes = map[store.Cause]worded{
	store.StoreSilent: {
		"the store does not answer", "der Speicher antwortet nicht",
		"Check that Redis runs and can be reached, or that the disk with the database is mounted.",
		"Prüfen Sie, ob Redis läuft und erreichbar ist oder ob die Platte mit der Datenbank eingehängt ist.",
	},
	store.StoreRefuses: {
		"the store refuses writes", "der Speicher nimmt nichts mehr an",
		"Make room on the disk, or allow writes again. Nothing has to be restarted.",
		"Schaffen Sie Platz auf der Platte oder erlauben Sie das Schreiben wieder. Nichts muss neu gestartet werden.",
	},
	store.DetectionStopped: {
		"the last successful run of detection is too long ago",
		"der letzte erfolgreiche Lauf der Erkennung liegt zu lange zurück",
		"Read the log of the process with the role detect, and restart the process if it hangs.",
		"Lesen Sie das Log des Prozesses mit der Rolle detect und starten Sie ihn neu, wenn er hängt.",
	},
	store.DetectionNever: {
		"detection has not run since the start", "die Erkennung ist seit dem Start nicht gelaufen",
		"Check that a process with the role detect runs, and read its log.",
		"Prüfen Sie, ob ein Prozess mit der Rolle detect läuft, und lesen Sie sein Log.",
	},
	store.StoreGone: {
		"the file of the store was deleted or replaced while it was open",
		"die Datei des Speichers wurde im Betrieb gelöscht oder ersetzt",
		"Stop brandmelder and bring the file back from a copy.",
		"Halten Sie brandmelder an und holen Sie die Datei aus einer Kopie zurück.",
	},
	store.DetectionLags: {
		"mentions wait longer than they should", "Beiträge warten länger, als sie sollten",
		"Look at the load of the machine and at the log of the process with the role detect.",
		"Sehen Sie nach der Last der Maschine und ins Log des Prozesses mit der Rolle detect.",
	},
}

// CauseText words why detection is down, as a part of a sentence, and what to do first. A cause that is not known is worded as
// store.DetectionStopped.
func CauseText(c store.Cause, lang string) (why, first string) {
	w, ok := causes[c]
	if !ok {
		w = causes[store.DetectionStopped]
	}
	return pick(lang, w.en, w.de), pick(lang, w.firstEn, w.firstDe)
}

// message words a notice as a call is worded: what, how bad, since when, why, what first.
func (n *notice) message(lang string, loc *time.Location, link string) brand.Message {
	why, first := CauseText(n.cause, lang)
	m := brand.Message{Incident: "detection", Kind: operations, Lang: lang, Began: n.since, Link: link}
	since, lasted := clock(n.since, loc, lang), duration(n.at.Sub(n.since).Round(time.Minute), lang)
	if n.recovered {
		m.Ended = n.at
		m.Title = pick(lang, "Detection works again", "Die Erkennung arbeitet wieder")
		m.Bad = pick(lang, "new crises are detected again", "neue Krisen werden wieder erkannt")
		form := pick(lang, "after an outage from %s to %s (%s)", "nach einem Ausfall von %s bis %s (%s)")
		m.Since = fmt.Sprintf(form, since, clock(n.at, loc, lang), lasted)
		m.Why = why + pick(lang, "; a crisis of that time may be reported late", "; eine Krise aus dieser Zeit wird vielleicht verspätet gemeldet")
		return m
	}
	m.Title = pick(lang, "Detection is down", "Die Erkennung ist ausgefallen")
	m.Bad = pick(lang, "nobody is called for a new crisis", "bei einer neuen Krise wird niemand angerufen")
	m.Since = fmt.Sprintf(pick(lang, "since %s (%s)", "seit %s (%s)"), since, lasted)
	m.Why, m.First = why, first
	return m
}
