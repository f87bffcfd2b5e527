package alert

import (
	"time"

	"brandmelder/brand"
	"brandmelder/i18n"
	"brandmelder/store"
)

// operations is the kind of a notice to operators, which belongs to no incident.
const operations brand.IncidentKind = "operations"

// lossKinds are the faults that operators are notified of: there is something to do, and it cannot wait for somebody
// who opens a page.
var lossKinds = []store.FaultKind{store.StoreLost, store.LearnsAfresh, store.ClockAhead}

// CauseText words why detection is down, as a part of a sentence, and what to do first. A cause that is not known is
// worded as store.DetectionStopped.
func CauseText(c store.Cause, p *i18n.Printer) (why, first string) {
	if why, first = worded(p, "cause."+string(c)); why == "" {
		return worded(p, "cause."+string(store.DetectionStopped))
	}
	return why, first
}

// FaultText words what detection had to go on after, as a part of a sentence, and what to do first. Both are empty for
// a kind that is not known.
func FaultText(k store.FaultKind, p *i18n.Printer) (what, first string) {
	return worded(p, "fault."+string(k))
}

func worded(p *i18n.Printer, area string) (what, first string) {
	if !p.Has(area + ".what") {
		return "", ""
	}
	return p.T(area + ".what"), p.T(area + ".first")
}

// message words a notice as a call is worded: what, how bad, since when, why, what first.
func (n *notice) message(lang string, loc *time.Location, link string) brand.Message {
	p := i18n.In(lang)
	m := brand.Message{Incident: "detection", Kind: operations, Lang: lang, Began: n.since, Link: link}
	since, span := p.Clock(n.since, loc), p.Duration(n.at.Sub(n.since).Round(time.Minute))
	m.Why, m.First = CauseText(n.cause, p)
	switch n.kind {
	case isFault:
		m.Incident = "detection-" + string(n.fault)
		m.Why, m.First = FaultText(n.fault, p)
		m.Title, m.Bad = p.T("notice."+string(n.fault)+".title"), p.T("notice."+string(n.fault)+".bad")
		m.Since = p.T("notice.found", "At", since)
	case worksOn:
		m.Ended = n.at
		m.Title, m.Bad = p.T("notice.works.title"), p.T("notice.works.bad")
		m.Since = p.T("notice.works.since", "From", since, "To", p.Clock(n.at, loc), "Span", span)
		m.Why, m.First = p.T("notice.works.why", "Why", m.Why), ""
	default:
		m.Title, m.Bad = p.T("notice.down.title"), p.T("notice.down.bad")
		m.Since = p.T("notice.down.since", "At", since, "Span", span)
	}
	return m
}
