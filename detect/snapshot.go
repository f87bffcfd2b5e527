package detect

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"slices"
)

// snapshotVersion changes with the names and meanings of state's exported fields.
const snapshotVersion = 8

// ErrOtherVersion reports a snapshot that this version of brandmelder cannot read. Its topics have to learn again.
var ErrOtherVersion = errors.New("the snapshot is of another version")

// Snapshot returns the state of the detector.
func (d *Detector) Snapshot() ([]byte, error) {
	var buf bytes.Buffer
	enc := gob.NewEncoder(&buf)
	if err := errors.Join(enc.Encode(snapshotVersion), enc.Encode(d.now), enc.Encode(d.clusters.Kept)); err != nil {
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

// Restore sets the state to a snapshot, also to one of version 7. Topics without a state in it begin to learn; states
// without a topic are dropped. After an error the detector is unchanged.
func (d *Detector) Restore(data []byte) error {
	dec := gob.NewDecoder(bytes.NewReader(data))
	version, now := 0, int64(0)
	if err := dec.Decode(&version); err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	switch version {
	case snapshotVersion:
	case 7:
		data, err := from7(data)
		if err != nil {
			return fmt.Errorf("read snapshot of version 7: %w", err)
		}
		return d.Restore(data)
	default:
		return ErrOtherVersion
	}
	var kept []cluster
	if err := errors.Join(dec.Decode(&now), dec.Decode(&kept)); err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	topics := slices.Clone(d.topics)
	for {
		var name string
		if err := dec.Decode(&name); errors.Is(err, io.EOF) {
			d.now, d.topics, d.clusters = now, topics, clusters{Kept: kept}
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
			s.topic, s.plans, s.others, s.otherBudgets, s.beside = was.topic, was.plans, was.others, was.otherBudgets, was.beside
			topics[i] = &s
		}
	}
}
