package ingest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"brandmelder/brand"
	"brandmelder/language"
	"brandmelder/store"
)

// Prepare makes recorded mentions ready for the stream: it checks them and sets their source and language. The
// recording is the operator's own, so IDs, times and standings stay as they are. Refused mentions go to the batch's
// Bad. Mentions of a running daemon are prepared by their origin.
func Prepare(source string, b *Batch) []brand.Mention {
	out := Check(source, b)
	setLanguages(out)
	return out
}

// Check is Prepare without the languages.
func Check(source string, b *Batch) []brand.Mention {
	ms := slices.Clone(b.Mentions)
	out := ms[:0]
	for _, m := range ms {
		if m.Source == "" {
			m.Source = source
		}
		if err := m.Normalise(); err != nil {
			b.Bad = append(b.Bad, badMention(&m, err))
			continue
		}
		out = append(out, m)
	}
	return out
}

// badMention makes a Bad of a refused mention.
func badMention(m *brand.Mention, err error) Bad {
	return Bad{m.ID + " " + m.Text[:min(len(m.Text), 200)], err}
}

func setLanguages(ms []brand.Mention) {
	all := make([]*brand.Mention, len(ms))
	for i := range ms {
		all[i] = &ms[i]
	}
	SetLanguages(all)
}

// SetLanguages identifies the languages of the mentions that have none. It takes longer than the rest of the
// preparation, so the mentions are spread over the cores.
func SetLanguages(ms []*brand.Mention) {
	var wg sync.WaitGroup
	const least = 16 // mentions that are worth a goroutine
	part := max(least, len(ms)/runtime.GOMAXPROCS(0)+1)
	for some := range slices.Chunk(ms, part) {
		wg.Go(func() {
			identifier := language.NewIdentifier()
			for _, m := range some {
				if m.Lang == "" {
					m.Lang = identifier.Identify(m.Body())
				}
			}
		})
	}
	wg.Wait()
}

// Replay puts the mention of a dead letter on the stream: the line of a file or the item of a push that can be read
// now. It is prepared as at its arrival, so it gets the same ID. sources are those of the configuration: they have
// the kind of the letter's source and its mapping. Items of other sources have the form of their service and give an
// error. The dead letter stays.
func Replay(
	ctx context.Context, st store.Mentions, d store.DeadLetter, sources []Config, authors *Authors, now time.Time,
) error {
	c := Config{Name: d.From}
	if d.From == API {
		c.Kind = API
	}
	for _, s := range sources {
		if NameOf(s) == d.From {
			c = s
		}
	}
	m, err := readDeadLetter(&c, []byte(d.Item))
	if err != nil {
		return fmt.Errorf("dead letter %s holds no mention: %w", d.ID, err)
	}
	b := Batch{Mentions: []brand.Mention{m}}
	ms := originOf(c, authors).receive(now, &b)
	if len(b.Bad) > 0 {
		return fmt.Errorf("dead letter %s: %w", d.ID, b.Bad[0].Err)
	}
	_, err = st.Append(ctx, now, ms)
	return err
}

// readDeadLetter reads an item with its source's mapping, or as a mention.
func readDeadLetter(c *Config, item []byte) (brand.Mention, error) {
	if len(c.Map) > 0 {
		fields, err := newMapping(c.Map, c.Items)
		if err != nil {
			return brand.Mention{}, err
		}
		if m, err := fields.item(item); err == nil {
			return m, nil
		}
	}
	return brand.DecodeMention(item)
}
