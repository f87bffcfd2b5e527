package alert

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"brandmelder/brand"
	"brandmelder/store"
)

// Actions is what people do with an incident. Everything is on its timeline.
type Actions struct {
	Desk  *Desk
	Store interface {
		store.Incidents
		store.Feedback
	}
	Now func() time.Time
}

// ErrNotThere is returned for a step, draft or expert that the incident does not have.
var ErrNotThere = errors.New("there is no such thing in this incident")

// change applies f to the incident as it is now; when somebody else saved it meanwhile, again.
func (a *Actions) change(ctx context.Context, id string, f func(in *brand.Incident, now time.Time) ([]brand.Call, error)) error {
	for range 10 {
		in, err := a.Store.Incident(ctx, id)
		if err != nil {
			return err
		}
		calls, err := f(&in, a.Now().UTC())
		if err != nil {
			return err
		}
		if err = a.Store.SaveIncident(ctx, &in, calls); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("incident %s: %w", id, store.ErrConflict)
}

// Acknowledge says that the person takes it: nobody else is called for want of an answer.
func (a *Actions) Acknowledge(ctx context.Context, id, person string) error {
	return a.change(ctx, id, func(in *brand.Incident, now time.Time) ([]brand.Call, error) {
		if in.AckBy != "" {
			return nil, nil // taken is taken
		}
		in.AckBy, in.AckAt, in.EscalateAt = person, now, time.Time{}
		in.Note(now, person, "took it")
		return nil, nil
	})
}

// Tick marks a step of the playbook as done, or as not done.
func (a *Actions) Tick(ctx context.Context, id, person, step string, done bool) error {
	return a.change(ctx, id, func(in *brand.Incident, now time.Time) ([]brand.Call, error) {
		i := slices.IndexFunc(in.Steps, func(s brand.Step) bool { return s.ID == step })
		if i < 0 {
			return nil, fmt.Errorf("step %s: %w", step, ErrNotThere)
		}
		s := &in.Steps[i]
		if done == !s.DoneAt.IsZero() {
			return nil, nil
		}
		s.DoneAt, s.DoneBy = time.Time{}, ""
		what := "not done after all: "
		if done {
			s.DoneAt, s.DoneBy, what = now, person, "done: "
		}
		in.Note(now, person, what+Plain(s.Text))
		return nil, nil
	})
}

// ErrLongText is returned for a draft of more than maxEdit characters.
var ErrLongText = fmt.Errorf("a draft has at most %d characters", maxEdit)

const maxEdit = 20_000 // characters of a draft that a person writes: ten printed pages

// Edit replaces a draft's text, without controls and invisible characters. Only the one voice may, else
// brand.ErrNotOneVoice. It takes approvals back. What only the new text says is flagged, whoever wrote it; what was
// confirmed before and is still there stays confirmed. That every word of a model's draft is read is confirmed anew.
func (a *Actions) Edit(ctx context.Context, id, person, draft, text string) error {
	return a.draft(ctx, id, draft, func(in *brand.Incident, d *brand.Draft, now time.Time) ([]brand.Call, error) {
		if person != in.Voice() {
			return nil, brand.ErrNotOneVoice
		}
		if text = strings.TrimSpace(ForeignText(text, 0)); text == "" || text == d.Text {
			return nil, nil
		}
		if utf8.RuneCountInString(text) > maxEdit {
			return nil, ErrLongText
		}
		d.Text, d.Edited, d.Note = text, person, ""
		d.Flags = slices.DeleteFunc(d.Flags, func(f brand.Flag) bool { return f.Kind == brand.FlagModel })
		d.Flags = a.Desk.Flags(in, d)
		taken := ""
		if len(d.Approvals) > 0 {
			d.Approvals, taken = nil, "; approvals are taken back"
		}
		in.Note(now, person, fmt.Sprintf("edited %s (%s)%s", d.Kind, d.Lang, taken))
		return nil, nil
	})
}

// ErrUnconfirmed is returned for the approval of a draft with flags that nobody confirmed.
var ErrUnconfirmed = errors.New("a flag of the draft is not confirmed; confirm each, or take out what it names")

// Approve gives the person's word for a draft as it stands: the one voice's first; from level 5 on, then also that of
// the person who decides. Anybody else gets brand.ErrNotOneVoice. Confirmed are the keys of the flags that the person
// confirms; while one that nobody confirmed is left, the error is ErrUnconfirmed and nothing is changed. Each
// confirmation is on the timeline.
func (a *Actions) Approve(ctx context.Context, id, person, draft string, confirmed ...string) error {
	return a.draft(ctx, id, draft, func(in *brand.Incident, d *brand.Draft, now time.Time) ([]brand.Call, error) {
		first := len(d.Approvals) == 0
		if slices.ContainsFunc(d.Approvals, func(p brand.Approval) bool { return p.By == person }) {
			return nil, nil
		}
		if first && person != in.Voice() || !first && (!NeedsSecond(in) || person != in.Decider) {
			return nil, brand.ErrNotOneVoice
		}
		if err := a.confirm(in, d, person, confirmed, now); err != nil {
			return nil, err
		}
		d.Approvals = append(d.Approvals, brand.Approval{By: person, At: now})
		in.Note(now, person, fmt.Sprintf("approved %s (%s)", d.Kind, d.Lang))
		if first && NeedsSecond(in) && !Approved(in, d) {
			return a.Desk.call(in, in.Decider, "decider", fmt.Sprintf("a second word is needed for %s, edit %d", d.ID, len(in.Timeline)), now), nil
		}
		return nil, nil
	})
}

// confirm notes which of the draft's flags the person confirms. The flags are found anew: a draft of an older version
// has none stored.
func (a *Actions) confirm(in *brand.Incident, d *brand.Draft, person string, keys []string, now time.Time) error {
	flags := a.Desk.Flags(in, d)
	for i := range flags {
		f := &flags[i]
		switch {
		case f.By != "":
		case !slices.Contains(keys, f.Key()):
			return ErrUnconfirmed
		default:
			f.By, f.At = person, now
			what := fmt.Sprintf("the %s: %s", f.Kind, f.Text)
			if f.Kind == brand.FlagModel {
				what = "that every word is read; the model " + f.Text + " wrote it"
			}
			in.Note(now, person, fmt.Sprintf("confirmed in %s (%s) %s", d.Kind, d.Lang, what))
		}
	}
	d.Flags = flags
	return nil
}

// NeedsSecond says whether a statement in this incident needs a second person's word.
func NeedsSecond(in *brand.Incident) bool {
	return in.Level >= secondVoice && in.Decider != "" && in.Decider != in.Voice()
}

// Approved says whether a draft may be published as it stands.
func Approved(in *brand.Incident, d *brand.Draft) bool {
	need := 1
	if NeedsSecond(in) {
		need = 2
	}
	return len(d.Approvals) >= need
}

func (a *Actions) draft(ctx context.Context, id, draft string, f func(in *brand.Incident, d *brand.Draft, now time.Time) ([]brand.Call, error)) error {
	return a.change(ctx, id, func(in *brand.Incident, now time.Time) ([]brand.Call, error) {
		i := slices.IndexFunc(in.Drafts, func(d brand.Draft) bool { return d.ID == draft })
		if i < 0 {
			return nil, fmt.Errorf("draft %s: %w", draft, ErrNotThere)
		}
		return f(in, &in.Drafts[i], now)
	})
}

// Ask calls an expert that was suggested, with the plan's guidance for employees on the page that the link opens.
func (a *Actions) Ask(ctx context.Context, id, person, expert string) error {
	return a.change(ctx, id, func(in *brand.Incident, now time.Time) ([]brand.Call, error) {
		i := slices.IndexFunc(in.Experts, func(s brand.Suggestion) bool { return s.Person == expert })
		if i < 0 {
			return nil, fmt.Errorf("expert %s: %w", expert, ErrNotThere)
		}
		if !in.Experts[i].Asked.IsZero() {
			return nil, nil
		}
		in.Experts[i].Asked = now
		in.Note(now, person, "asked "+in.Experts[i].Name+" for help")
		return a.Desk.call(in, expert, "expert", "your knowledge is asked for", now), nil
	})
}

// Close ends the incident.
func (a *Actions) Close(ctx context.Context, id, person string) error {
	return a.change(ctx, id, func(in *brand.Incident, now time.Time) ([]brand.Call, error) {
		if !in.Open() {
			return nil, nil
		}
		return a.Desk.close(in, person, "closed it", now), nil
	})
}

// Judge keeps what a person says of the call: that it was right, or for nothing. The detector learns from it. Who said it last is right; a drill teaches
// nothing.
func (a *Actions) Judge(ctx context.Context, id, person string, verdict brand.Verdict) error {
	in, err := a.Store.Incident(ctx, id)
	if err != nil {
		return err
	}
	if in.Drill {
		return nil
	}
	for i := range in.Spikes {
		sp := &in.Spikes[i]
		said := brand.Feedback{Spike: sp.ID, Topic: sp.Topic, From: sp.Began, To: sp.Ended, Right: verdict == brand.Right}
		if said.To.IsZero() {
			said.To = a.Now().UTC()
		}
		if err := a.Store.SaveFeedback(ctx, said); err != nil {
			return err
		}
	}
	return a.change(ctx, id, func(in *brand.Incident, now time.Time) ([]brand.Call, error) {
		if in.Verdict != verdict {
			in.Verdict = verdict
			in.Note(now, person, "says the call was "+string(verdict))
		}
		return nil, nil
	})
}
