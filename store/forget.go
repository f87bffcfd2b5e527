package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"brandmelder/brand"
)

// Forgotten counts what was deleted of a person.
type Forgotten struct {
	Mentions    int `json:"mentions"`
	Spikes      int `json:"spikes"`    // reports of spikes that quoted them
	Incidents   int `json:"incidents"` // that quoted them
	DeadLetters int `json:"dead_letters"`
	Corrections int `json:"corrections"` // of their texts
}

// Forget deletes every mention that who matches, with its matches, every quote of it in spikes and incidents, its dead
// letters and the corrections of its text. Spikes are redacted up to desk, the position up to which the desk has
// received them. What people wrote themselves stays. After an error a part is deleted; calling again goes on.
func Forget(ctx context.Context, st Store, desk string, who func(*brand.Mention) bool) (f Forgotten, err error) {
	ids, err := theirs(ctx, st, who)
	if err != nil {
		return f, fmt.Errorf("look for mentions: %w", err)
	}
	known := map[string]bool{}
	for _, id := range ids {
		known[id] = true
	}
	f, err = deleteQuotes(ctx, st, desk, known, func(m *brand.Mention) bool { return known[m.ID] || who(m) })
	if err != nil {
		return f, err
	}
	// Last, so that after a crash it is still known whose they are.
	f.Mentions, err = st.Remove(ctx, ids)
	return f, err
}

// deleteQuotes deletes all but the mentions themselves: what quotes a mention for which is returns true, dead letters
// of such a mention, and the dead letters and corrections of a known ID.
func deleteQuotes(ctx context.Context, st Store, desk string, known map[string]bool, is func(*brand.Mention) bool) (f Forgotten, err error) {
	if f.Spikes, err = st.RedactSpikes(ctx, desk, func(sp *brand.Spike) bool { return sp.Forget(is) }); err != nil {
		return f, fmt.Errorf("redact spikes: %w", err)
	}
	if f.Incidents, err = st.RedactEvidence(ctx, func(sp *brand.Spike) bool { return sp.Forget(is) }); err != nil {
		return f, fmt.Errorf("redact incidents: %w", err)
	}
	letters, err := st.ListDeadLetters(ctx, 1<<20)
	if err != nil {
		return f, err
	}
	for _, d := range letters {
		m, err := brand.DecodeMention([]byte(d.Item))
		id, _, _ := strings.Cut(d.Item, " ")
		if err == nil && is(&m) || known[id] {
			if err := st.DropDeadLetter(ctx, d.ID); err != nil && !errors.Is(err, ErrNotFound) {
				return f, err
			}
			f.DeadLetters++
		}
	}
	corrections, err := st.Corrections(ctx)
	if err != nil {
		return f, err
	}
	for _, c := range corrections {
		if known[c.Mention] {
			if err := st.DropCorrection(ctx, c.Key()); err != nil {
				return f, err
			}
			f.Corrections++
		}
	}
	return f, nil
}

// Count returns how many mentions who matches.
func Count(ctx context.Context, st Mentions, who func(*brand.Mention) bool) (int, error) {
	ids, err := theirs(ctx, st, who)
	return len(ids), err
}

// theirs returns the IDs of the mentions that who matches.
func theirs(ctx context.Context, st Mentions, who func(*brand.Mention) bool) (ids []string, err error) {
	for pos := ""; ; {
		es, err := st.After(ctx, pos, 1000)
		if err != nil || len(es) == 0 {
			return ids, err
		}
		for _, e := range es {
			if pos = e.Pos; who(&e.Mention) {
				ids = append(ids, e.Mention.ID)
			}
		}
	}
}

// Expiry deletes mentions of some sources before others. It remembers how far it went, so that it reads each mention
// once.
type Expiry struct{ read map[string]string }

// Expire deletes the mentions of a source that were received longer ago than keep[source]; Trim handles sources without
// an entry. A mention received in the future, by a clock that ran ahead, is deleted with the first one behind it that
// is old enough.
func (x *Expiry) Expire(ctx context.Context, st Mentions, now time.Time, keep map[string]time.Duration) (removed int, err error) {
	if x.read == nil {
		x.read = map[string]string{}
	}
	for source, d := range keep {
		var ids []string
		for pos, young := x.read[source], false; !young; {
			es, err := st.After(ctx, pos, 1000)
			if err != nil {
				return removed, err
			}
			if len(es) == 0 {
				break
			}
			read, old := x.read[source], 0
			for _, e := range es {
				age := now.Sub(e.Heard)
				if young = age >= 0 && age < d; young {
					break
				}
				if pos = e.Pos; e.Mention.Source == source {
					ids = append(ids, e.Mention.ID)
				}
				if age >= d {
					read, old = pos, len(ids)
				}
			}
			n, err := st.Remove(ctx, ids[:old])
			if err != nil {
				return removed, err
			}
			removed, ids, x.read[source] = removed+n, ids[old:], read
		}
	}
	return removed, nil
}
