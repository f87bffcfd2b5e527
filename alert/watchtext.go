package alert

import (
	"fmt"
	"time"

	"brandmelder/alert/notify"
	"brandmelder/store"
)

// worded is what a cause or a fault means and what to do first, in both languages.
type worded struct{ en, de, firstEn, firstDe string }

var causes = map[store.Cause]worded{
	store.StoreSilent: {
		"the store does not answer", "der Speicher antwortet nicht",
		"See whether Redis, or the disk with the database, is reachable.",
		"Prüfen Sie, ob Redis oder die Platte mit der Datenbank erreichbar ist.",
	},
	store.StoreRefuses: {
		"the store takes no writes", "der Speicher nimmt nichts mehr an",
		"See whether the disk is full, or Redis is out of memory or read-only. Nothing has to be restarted.",
		"Prüfen Sie, ob die Platte voll ist oder Redis keinen Speicher mehr hat oder nur lesbar ist. Nichts muss neu " +
			"gestartet werden.",
	},
	store.StoreGone: {
		"the file of the store was deleted or replaced", "die Datei des Speichers wurde gelöscht oder ersetzt",
		"Stop brandmelder and bring the file back from a copy.",
		"Halten Sie brandmelder an und holen Sie die Datei aus einer Kopie zurück.",
	},
	store.DetectionNever: {
		"detection has not run since the start", "die Erkennung ist seit dem Start nicht gelaufen",
		"Check that a process with the role detect runs, and read its log.",
		"Prüfen Sie, ob ein Prozess mit der Rolle detect läuft, und lesen Sie sein Log.",
	},
	store.DetectionStopped: {
		"detection does not run any more", "die Erkennung läuft nicht mehr",
		"Check that a process with the role detect runs. Its log says why it fails.",
		"Prüfen Sie, ob ein Prozess mit der Rolle detect läuft. Sein Log sagt, woran es liegt.",
	},
	store.DetectionLags: {
		"detection is far behind what is received", "die Erkennung hinkt weit hinter dem Empfang her",
		"Start more processes with the role detect, or wait until the backlog is counted.",
		"Starten Sie weitere Prozesse mit der Rolle detect, oder warten Sie, bis der Rückstand gezählt ist.",
	},
}

// lossKinds are the faults that operators are notified of: there is something to do, and it cannot wait for somebody
// who opens a page.
var lossKinds = []store.FaultKind{store.StoreLost, store.LearnsAfresh, store.ClockAhead}

var faults = map[store.FaultKind]worded{
	store.StoreLost: {
		"the store was emptied, replaced or put back to an older state; mentions and closed incidents may be gone, what " +
			"was learned was written again",
		"der Speicher wurde geleert, ersetzt oder auf einen älteren Stand gebracht; Beiträge und abgeschlossene " +
			"Vorfälle sind vielleicht verloren, das Gelernte wurde neu gespeichert",
		"Find out who emptied it. Restore a backup if closed incidents and mentions are needed.",
		"Finden Sie heraus, wer ihn geleert hat. Spielen Sie eine Sicherung zurück, wenn abgeschlossene Vorfälle und " +
			"Beiträge gebraucht werden.",
	},
	store.ClockAhead: {
		"nearly all mentions are more than a day old by this machine's clock, and are not judged",
		"fast alle Beiträge sind nach der Uhr dieses Rechners über einen Tag alt und werden nicht beurteilt",
		"Compare the clock of the machine with another one, and set it.",
		"Vergleichen Sie die Uhr des Rechners mit einer anderen und stellen Sie sie.",
	},
	store.LearnsAfresh: {
		"what the topics had learned could not be read, or is too old; they learn afresh for a week",
		"was die Themen gelernt hatten, war nicht lesbar oder ist zu alt; sie lernen eine Woche lang neu",
		"Restore a backup if there is one, else watch the topics yourself for some days.",
		"Spielen Sie eine Sicherung zurück, wenn es eine gibt, sonst behalten Sie die Themen einige Tage selbst im Auge.",
	},
	store.SnapshotDamaged: {
		"what the topics had learned was damaged; an earlier copy was used",
		"was die Themen gelernt hatten, war beschädigt; eine frühere Kopie wurde benutzt",
		"Check the disk of the store.",
		"Prüfen Sie die Platte des Speichers.",
	},
	store.ClockJumped: {
		"the clock was wrong and was set right; detection went on from what it knew then",
		"die Uhr ging falsch und wurde gestellt; die Erkennung machte mit dem Stand von damals weiter",
		"Check that the clock of the machine is set by a time server.",
		"Prüfen Sie, ob ein Zeitserver die Uhr des Rechners stellt.",
	},
	store.EntrySetAside: {
		"a mention could not be counted; it is among the dead letters",
		"ein Beitrag konnte nicht gezählt werden; er liegt bei den unzustellbaren Einträgen (dead letters)",
		"Look at it with `brandmelder dead-letters list`, and report it to the makers of brandmelder.",
		"Sehen Sie ihn mit `brandmelder dead-letters list` an und melden Sie ihn den Entwicklern von brandmelder.",
	},
}

// CauseText words why detection is down, as a part of a sentence, and what to do first. A cause that is not known is
// worded as store.DetectionStopped.
func CauseText(c store.Cause, lang string) (why, first string) {
	w, ok := causes[c]
	if !ok {
		w = causes[store.DetectionStopped]
	}
	return w.in(lang)
}

// FaultText words what detection had to go on after, as a part of a sentence, and what to do first. Both are empty for
// a kind that is not known.
func FaultText(k store.FaultKind, lang string) (what, first string) {
	w := faults[k]
	return w.in(lang)
}

func (w *worded) in(lang string) (what, first string) {
	return pick(lang, w.en, w.de), pick(lang, w.firstEn, w.firstDe)
}

// message words a notice as a call is worded: what, how bad, since when, why, what first.
func (n *notice) message(lang string, loc *time.Location, link string) notify.Message {
	m := notify.Message{Incident: "detection", Kind: notify.Operations, Lang: lang, Began: n.since, Link: link}
	since, lasted := clock(n.since, loc, lang), duration(n.at.Sub(n.since).Round(time.Minute), lang)
	why, first := CauseText(n.cause, lang)
	switch n.kind {
	case isFault:
		why, first = FaultText(n.fault, lang)
		m.Incident = "detection-" + string(n.fault)
		switch n.fault {
		case store.StoreLost:
			m.Title = pick(lang, "The store has lost data", "Der Speicher hat Daten verloren")
			m.Bad = pick(lang, "detection goes on with what it knows", "die Erkennung arbeitet mit dem weiter, was sie weiß")
		case store.ClockAhead:
			m.Title = pick(lang, "The clock seems to be ahead", "Die Uhr geht vermutlich vor")
			m.Bad = pick(lang, "mentions are too old to be judged", "Beiträge sind zu alt, um beurteilt zu werden")
		default:
			m.Title = pick(lang, "Detection has lost what it had learned", "Die Erkennung hat verloren, was sie gelernt hatte")
			m.Bad = pick(lang, "it works, and its calls are less certain for a week",
				"sie arbeitet, und ihre Anrufe sind eine Woche lang weniger sicher")
		}
		m.Since = fmt.Sprintf(pick(lang, "found at %s", "bemerkt am %s"), since)
	case worksOn:
		m.Ended = n.at
		m.Title = pick(lang, "Detection works again", "Die Erkennung arbeitet wieder")
		m.Bad = pick(lang, "new crises are detected again", "neue Krisen werden wieder erkannt")
		form := pick(lang, "after an outage from %s to %s (%s)", "nach einem Ausfall von %s bis %s (%s)")
		m.Since = fmt.Sprintf(form, since, clock(n.at, loc, lang), lasted)
		m.Why = why + pick(lang, "; a crisis of that time may be reported late",
			"; eine Krise aus dieser Zeit wird vielleicht verspätet gemeldet")
		return m
	default:
		m.Title = pick(lang, "Detection is down", "Die Erkennung ist ausgefallen")
		m.Bad = pick(lang, "nobody is called for a new crisis", "bei einer neuen Krise wird niemand angerufen")
		m.Since = fmt.Sprintf(pick(lang, "since %s (%s)", "seit %s (%s)"), since, lasted)
	}
	m.Why, m.First = why, first
	return m
}
