package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"brandmelder/brand"
)

// The kinds of small documents. They are part of what is stored.
const (
	kindCorrection = "correction"
	kindFeedback   = "feedback"
	kindSource     = "source"
	kindTopic      = "topic"
	kindDetection  = "detection"
	kindErasure    = "erasure"
	kindToneLabel  = "tone_label"
)

// DocumentTable is where a store keeps small documents, each under its kind and name.
type DocumentTable interface {
	Put(ctx context.Context, kind, name string, doc []byte) error
	// Drop removes documents, all or none, and returns how many there were.
	Drop(ctx context.Context, kind string, names ...string) (int, error)
	// List returns the documents of these names, all of the kind without names. Unknown names are left out.
	List(ctx context.Context, kind string, names ...string) (map[string][]byte, error)
	// SetAside removes a document and puts d into the dead letters, both or neither.
	SetAside(ctx context.Context, kind, name string, d DeadLetter) error
}

// Documents gives a store the roles Corrections, Feedback, Statuses, Erasures and ToneLabels. A document that cannot be
// read is moved to the dead letters, and the others are returned.
type Documents struct{ table DocumentTable }

// NewDocuments makes the roles on a table.
func NewDocuments(t DocumentTable) Documents { return Documents{t} }

func (d Documents) put(ctx context.Context, kind, name string, v any) error {
	doc, err := json.Marshal(v)
	if err == nil {
		err = d.table.Put(ctx, kind, name, doc)
	}
	if err != nil {
		return fmt.Errorf("save %s %s: %w", kind, name, err)
	}
	return nil
}

// list reads documents; named gives one the name under which it is stored, if it has a field for that. The result is
// ordered by name.
func list[T any](ctx context.Context, d Documents, kind string, names []string, named func(v *T, name string)) ([]T, error) {
	docs, err := d.table.List(ctx, kind, names...)
	if err != nil {
		return nil, fmt.Errorf("read each %s: %w", kind, err)
	}
	known := make([]string, 0, len(docs))
	for name := range docs {
		known = append(known, name)
	}
	slices.Sort(known)
	out := make([]T, 0, len(docs))
	for _, name := range known {
		var v T
		if err := json.Unmarshal(docs[name], &v); err != nil {
			letter := Unreadable(kind, name, docs[name], err, time.Now())
			if err := d.table.SetAside(ctx, kind, name, letter); err != nil {
				return nil, fmt.Errorf("move %s %s to the dead letters: %w", kind, name, err)
			}
			continue
		}
		named(&v, name)
		out = append(out, v)
	}
	return out, nil
}

// SaveCorrection keeps a correction.
func (d Documents) SaveCorrection(ctx context.Context, c brand.Correction) error {
	return d.put(ctx, kindCorrection, c.Key(), c)
}

// Corrections returns corrections, oldest first.
func (d Documents) Corrections(ctx context.Context, keys ...string) ([]brand.Correction, error) {
	cs, err := list(ctx, d, kindCorrection, keys, func(*brand.Correction, string) {})
	slices.SortStableFunc(cs, func(a, b brand.Correction) int { return a.At.Compare(b.At) })
	return cs, err
}

// DropCorrection removes a correction.
func (d Documents) DropCorrection(ctx context.Context, key string) error {
	_, err := d.table.Drop(ctx, kindCorrection, key)
	return err
}

// SaveFeedback keeps feedback on a spike.
func (d Documents) SaveFeedback(ctx context.Context, f brand.Feedback) error {
	return d.put(ctx, kindFeedback, f.Spike, f)
}

// Feedback returns all feedback.
func (d Documents) Feedback(ctx context.Context) ([]brand.Feedback, error) {
	return list(ctx, d, kindFeedback, nil, func(f *brand.Feedback, spike string) { f.Spike = spike })
}

// SaveStatus keeps a status.
func (d Documents) SaveStatus(ctx context.Context, s Status) error {
	kind, name := s.place()
	return d.put(ctx, kind, name, s)
}

// SourceStatuses returns statuses of sources.
func (d Documents) SourceStatuses(ctx context.Context, names ...string) ([]SourceStatus, error) {
	return list(ctx, d, kindSource, names, func(s *SourceStatus, name string) { s.Name = name })
}

// TopicStatuses returns statuses of topics.
func (d Documents) TopicStatuses(ctx context.Context, names ...string) ([]TopicStatus, error) {
	return list(ctx, d, kindTopic, names, func(s *TopicStatus, name string) { s.Name = name })
}

// DetectionStatuses returns statuses of shards.
func (d Documents) DetectionStatuses(ctx context.Context, names ...string) ([]DetectionStatus, error) {
	return list(ctx, d, kindDetection, names, func(s *DetectionStatus, name string) { s.Shard = name })
}

// LogErasure adds to the log of erasures.
func (d Documents) LogErasure(ctx context.Context, e Erasure) error {
	return d.put(ctx, kindErasure, e.At.UTC().Format(time.RFC3339Nano), e)
}

// Erasures returns the log of erasures.
func (d Documents) Erasures(ctx context.Context) ([]Erasure, error) {
	es, err := list(ctx, d, kindErasure, nil, func(*Erasure, string) {})
	slices.SortStableFunc(es, func(a, b Erasure) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.By, b.By)) })
	return es, err
}

// toneLabel is the stored form of a label.
type toneLabel struct {
	Text string    `json:"-"` // its hash
	Tone int       `json:"tone"`
	At   time.Time `json:"at"`
}

// SaveToneLabels keeps labels.
func (d Documents) SaveToneLabels(ctx context.Context, at time.Time, labels map[string]int) error {
	for text, tone := range labels {
		if err := d.put(ctx, kindToneLabel, text, toneLabel{Tone: tone, At: at.UTC()}); err != nil {
			return err
		}
	}
	return nil
}

func (d Documents) toneLabels(ctx context.Context, texts []string) ([]toneLabel, error) {
	return list(ctx, d, kindToneLabel, texts, func(l *toneLabel, text string) { l.Text = text })
}

// ToneLabels returns labels.
func (d Documents) ToneLabels(ctx context.Context, texts []string) (map[string]int, error) {
	out := map[string]int{}
	if len(texts) == 0 {
		return out, nil
	}
	labels, err := d.toneLabels(ctx, texts)
	for _, l := range labels {
		out[l.Text] = l.Tone
	}
	return out, err
}

// TrimToneLabels removes old labels.
func (d Documents) TrimToneLabels(ctx context.Context, before time.Time) (int, error) {
	labels, err := d.toneLabels(ctx, nil)
	var old []string
	for _, l := range labels {
		if l.At.Before(before) {
			old = append(old, l.Text)
		}
	}
	if err != nil || len(old) == 0 {
		return 0, err
	}
	return d.table.Drop(ctx, kindToneLabel, old...)
}
