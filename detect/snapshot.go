package detect

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"slices"
)

// snapshotVersion is another for every change of what state's exported fields mean.
const snapshotVersion = 7

// ErrOtherVersion says that a snapshot was made by another version of brandmelder: its topics have to be learned afresh.
var ErrOtherVersion = errors.New("the snapshot is of another version")

// Snapshot returns all that the detector knows.
func (d *Detector) Snapshot() ([]byte, error) {
	var buf bytes.Buffer
	enc := gob.NewEncoder(&buf)
	if err := errors.Join(enc.Encode(snapshotVersion), enc.Encode(d.now), enc.Encode(d.stories.Kept)); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	for _, s := range d.topics {
		err := enc.Encode(s.topic.Name)
		if err == nil {
			err = enc.Encode(s)
		}
		if err != nil {
			return nil, fmt.Errorf("snapshot of %s: %w", s.topic.Name, err)
		}
	}
	return buf.Bytes(), nil
}

// Restore takes over what Snapshot returned. Topics that are not in it start afresh; those that are gone are forgotten. After an error the detector is
// as it was.
func (d *Detector) Restore(data []byte) error {
	dec := gob.NewDecoder(bytes.NewReader(data))
	version, now := 0, int64(0)
	if err := dec.Decode(&version); err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	var kept []story
	if version != snapshotVersion {
		return ErrOtherVersion
	}
	if err := errors.Join(dec.Decode(&now), dec.Decode(&kept)); err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	topics := slices.Clone(d.topics)
	for {
		var name string
		if err := dec.Decode(&name); errors.Is(err, io.EOF) {
			d.now, d.topics, d.stories = now, topics, stories{Kept: kept}
			return nil
		} else if err != nil {
			return fmt.Errorf("read snapshot: %w", err)
		}
		var s state
		if err := dec.Decode(&s); err != nil {
			return fmt.Errorf("read snapshot of %s: %w", name, err)
		}
		if n := len(s.Ring.Buckets); s.Start != 0 && n != ringMinutes {
			return fmt.Errorf("read snapshot of %s: it has %d minutes, want %d", name, n, ringMinutes)
		}
		if i := slices.IndexFunc(topics, func(t *state) bool { return t.topic.Name == name }); i >= 0 {
			was := topics[i]
			s.topic, s.plans, s.also, s.alsoAt, s.beside = was.topic, was.plans, was.also, was.alsoAt, was.beside
			topics[i] = &s
		}
	}
}
