package store

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
)

// maxStored is the largest document of a mention, in bytes: twice what a normalised mention can have.
const maxStored = 1 << 20

// EncodeMention returns the form in which a mention is stored. A mention that could not be read back from it gives an
// error that wraps brand.ErrBadMention.
func EncodeMention(m *brand.Mention) ([]byte, error) {
	doc, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("%w: mention %.80q cannot be stored: %w", brand.ErrBadMention, m.ID, err)
	}
	if m.ID == "" || m.At.IsZero() || len(m.Extra) > 0 || len(doc) > maxStored { // all that can make it unreadable
		if _, err := DecodeMention(doc); err != nil {
			return nil, fmt.Errorf("%w: mention %.80q could not be read back: %w", brand.ErrBadMention, m.ID, err)
		}
	}
	return doc, nil
}

// DecodeMention reads a stored mention. The error says why it cannot be one.
func DecodeMention(doc []byte) (m brand.Mention, err error) {
	switch {
	case len(doc) > maxStored:
		return m, fmt.Errorf("its document has %d bytes, more than a mention can have", len(doc))
	case brand.Depth(doc) > brand.MaxDepth+2: // extra is an object within the mention
		return m, fmt.Errorf("its document is nested more than %d levels deep", brand.MaxDepth+2)
	}
	if err := json.Unmarshal(doc, &m); err != nil {
		return m, err
	}
	if m.ID == "" || m.At.IsZero() {
		return m, fmt.Errorf("its document has no id or no time")
	}
	return m, nil
}

// DecodeNamed reads a stored incident, its summary, a call or a dead letter. The error says why it cannot be the one of
// that ID: if it were taken, it would be saved under another one and found here again, for ever.
func DecodeNamed[T incident.State | incident.Summary | incident.Call | DeadLetter](id string, doc []byte) (v T, err error) {
	if err := json.Unmarshal(doc, &v); err != nil {
		return v, err
	}
	is := ""
	switch v := any(&v).(type) {
	case *incident.State:
		is = v.ID
	case *incident.Summary:
		is = v.ID
	case *incident.Call:
		is = v.ID
	case *DeadLetter:
		is = v.ID
	}
	if is != id {
		return v, fmt.Errorf("its document has the id %.80q, its place %.80q", is, id)
	}
	return v, nil
}

// Unreadable is the dead letter of something in the store that cannot be read: what is "mention", "spike" or the like,
// where its position or ID.
func Unreadable(what, where string, doc []byte, err error, now time.Time) DeadLetter {
	return DeadLetter{
		ID: brand.Hash("store", what, where), At: now.UTC(), Room: "store", From: what + " " + where,
		Error: "read from the store: " + err.Error(), Item: string(doc[:min(len(doc), MaxItem)]),
	}
}

// sealed begins the stored form of a snapshot; a snapshot without it was written before there were checksums.
const sealed = "bms1"

// Seal returns the stored form of a snapshot: its state behind a checksum.
func Seal(s Snapshot) []byte {
	sum := sum(s)
	return append(append([]byte(sealed), sum[:]...), s.State...)
}

// Unseal returns the snapshot whose stored form is doc. The error wraps ErrDamaged if name, pos or the state are not
// those of Seal.
func Unseal(name, pos string, doc []byte) (Snapshot, error) {
	s := Snapshot{Name: name, Pos: pos, State: doc}
	if len(doc) < len(sealed) || string(doc[:len(sealed)]) != sealed {
		return s, nil
	}
	head := len(sealed) + sha256.Size
	if len(doc) < head {
		return s, fmt.Errorf("snapshot %s: %w: it is cut off", name, ErrDamaged)
	}
	s.State = doc[head:]
	if sum := sum(s); string(sum[:]) != string(doc[len(sealed):head]) {
		return s, fmt.Errorf("snapshot %s: %w: its checksum does not fit", name, ErrDamaged)
	}
	return s, nil
}

func sum(s Snapshot) (out [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", s.Name, s.Pos)
	h.Write(s.State)
	h.Sum(out[:0])
	return out
}
