package alert

import (
	"errors"
	"slices"
	"strings"
	"time"

	"brandmelder/incident"
	"brandmelder/store"
)

// assist asks the language models about the open incidents, as long as the term lasts. People are called before, not
// after.
func (l *Loop) assist(t *term) {
	for wait(t.ctx, 2*pause) {
		if l.Open() == 0 {
			continue
		}
		if err := l.consult(t); err != nil && t.ctx.Err() == nil {
			l.opt.Log.Warn("asking a language model", "error", err)
		}
	}
}

// consult asks the models for statements and for an assessment of incidents that have none.
func (l *Loop) consult(t *term) error {
	versions, err := l.st.OpenIncidents(t.ctx)
	if err != nil {
		return err
	}
	var errs []error
	for id, version := range versions {
		if t.settled[id] == version {
			continue
		}
		settled, err := l.consultOn(t, id)
		if settled && err == nil {
			t.settled[id] = version
		}
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
			continue // closed, or trimmed
		}
		if errs = append(errs, err); t.ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// consultOn asks about one incident. It is settled if there was nothing to ask, and time alone does not change that.
func (l *Loop) consultOn(t *term, id string) (settled bool, err error) {
	in, err := l.st.Incident(t.ctx, id)
	if err != nil {
		return false, err
	}
	settled = true
	save := func(c incident.Command) error {
		return change(t.ctx, l.st, &t.lease, id, incident.Program, time.Now().UTC(), func(*incident.State) (incident.Command, store.Change) {
			return c, store.Change{}
		}, l.desk)
	}
	if w := l.opt.Writer; w != nil && in.Open() && len(in.Statements) > 0 && !slices.Contains(in.Models, w.Model()) {
		settled = false
		evidence, err := l.st.Evidence(t.ctx, id)
		if err != nil {
			return false, err
		}
		quotes := evidence[:0:0]
		if len(evidence) > 0 {
			quotes = evidence[incident.Worst(evidence):][:1]
		}
		d := w.Draft(t.ctx, &in, quotes)
		if t.ctx.Err() != nil {
			return false, t.ctx.Err()
		}
		for i := range d.Statements {
			rev := d.Statements[i].Latest()
			rev.Flags = l.desk.Flags(&in, &d.Statements[i], rev.Text)
		}
		if err := save(d); err != nil {
			return false, err
		}
	}
	if as := in.Assessment; as != nil && (as.Problem != "" || as.Spent != "") {
		settled = false // it is asked again later
	}
	if a := l.opt.Assessor; a != nil && a.Wants(&in, time.Now()) {
		got, err := a.Assess(t.ctx, &in, time.Now())
		if err == nil && t.ctx.Err() == nil {
			err = save(incident.Assess{Assessment: got})
		}
		return false, err
	}
	return settled, nil
}

// sortKnown orders incidents by their detection, the oldest first.
func sortKnown(ins []*Known) {
	slices.SortFunc(ins, func(a, b *Known) int {
		if c := a.Detected.Compare(b.Detected); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
}
