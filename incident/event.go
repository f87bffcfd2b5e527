package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// Event is something that happened to an incident. There is one type for each kind; events.go has them all.
type Event interface {
	// apply changes the state. r is the event's record.
	apply(s *State, r *Record)
}

// Record is an event as it is stored: in its place of the incident's list, with its time and its actor. Its hash covers
// the record and the hash of the record before, so that a changed, missing or moved record is found (Verify).
type Record struct {
	Seq   int       // from 1 on
	At    time.Time // UTC, to the millisecond
	By    Actor
	Event Event
	Hash  string

	data json.RawMessage // the event as it is stored, so that what a newer version wrote is kept
}

// stored is the JSON form of a record.
type stored struct {
	Seq  int             `json:"seq"`
	At   time.Time       `json:"at"`
	By   Actor           `json:"by"`
	Kind string          `json:"kind"`
	Data json.RawMessage `json:"data"`
	Hash string          `json:"hash,omitempty"`
}

// kinds are the stored names of the events. A name is never given to another event, and an event's fields only grow:
// what an older version stored must be read as it was meant.
var kinds = map[string]Event{
	"opened": Opened{}, "spike_joined": SpikeJoined{}, "spike_changed": SpikeChanged{}, "level_raised": LevelRaised{},
	"spike_ended": SpikeEnded{}, "called": Called{}, "skipped": Skipped{}, "nobody_free": NobodyFree{},
	"call_failed": CallFailed{}, "taken": Taken{}, "handed_over": HandedOver{}, "take_expired": TakeExpired{},
	"step_done": StepDone{}, "step_undone": StepUndone{}, "statement_drafted": StatementDrafted{},
	"drafting_failed": DraftingFailed{}, "statement_edited": StatementEdited{}, "statement_approved": StatementApproved{},
	"statement_published": StatementPublished{}, "expert_asked": ExpertAsked{}, "expert_answered": ExpertAnswered{},
	"noted": Noted{}, "judged": Judged{}, "assessed": Assessed{}, "closed": ClosedAs{}, "reopened": Reopened{},
	"acted": Acted{}, "imported": Imported{},
}

var names = func() map[reflect.Type]string {
	out := map[reflect.Type]string{}
	for name, e := range kinds {
		out[reflect.TypeOf(e)] = name
	}
	return out
}()

// Unknown is an event that this version does not know: a newer one wrote it. It is kept as it is and changes nothing.
type Unknown struct {
	Kind string
}

func (Unknown) apply(*State, *Record) {}

// KindOf is the stored name of an event's kind.
func KindOf(e Event) string {
	if u, ok := e.(Unknown); ok {
		return u.Kind
	}
	return names[reflect.TypeOf(e)]
}

// MarshalJSON writes {"seq", "at", "by", "kind", "data", "hash"}.
func (r Record) MarshalJSON() ([]byte, error) {
	st, err := r.stored()
	if err != nil {
		return nil, err
	}
	st.Hash = r.Hash
	return json.Marshal(st)
}

func (r *Record) stored() (stored, error) {
	if r.data == nil {
		data, err := json.Marshal(r.Event)
		if err != nil {
			return stored{}, fmt.Errorf("event %d: %w", r.Seq, err)
		}
		r.data = data
	}
	return stored{Seq: r.Seq, At: r.At, By: r.By, Kind: KindOf(r.Event), Data: r.data}, nil
}

// UnmarshalJSON reads what MarshalJSON wrote, also in an older or newer version. It does not check the hash: Verify
// does.
func (r *Record) UnmarshalJSON(doc []byte) error {
	var st stored
	if err := json.Unmarshal(doc, &st); err != nil {
		return err
	}
	*r = Record{Seq: st.Seq, At: st.At, By: st.By, Hash: st.Hash, data: st.Data}
	known, ok := kinds[st.Kind]
	if !ok {
		r.Event = Unknown{st.Kind}
		return nil
	}
	v := reflect.New(reflect.TypeOf(known))
	if err := json.Unmarshal(st.Data, v.Interface()); err != nil {
		return fmt.Errorf("event %d, %s: %w", st.Seq, st.Kind, err)
	}
	r.Event = v.Elem().Interface().(Event)
	return nil
}

// hash is the hash of the record behind one with the hash before.
func (r *Record) hash(before string) (string, error) {
	st, err := r.stored()
	if err != nil {
		return "", err
	}
	doc, err := json.Marshal(st)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, _ = h.Write([]byte(before + "\n"))
	_, _ = h.Write(doc)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Append applies events to the state, and returns the state behind them and their records. The error is that of an
// event that cannot be written as JSON.
func (s State) Append(by Actor, now time.Time, events ...Event) (State, []Record, error) {
	s = s.clone()
	var out []Record
	for _, e := range events {
		r := Record{Seq: s.Version + 1, At: now.UTC().Truncate(time.Millisecond), By: by, Event: e}
		hash, err := r.hash(s.Head)
		if err != nil {
			return s, nil, err
		}
		r.Hash = hash
		s.apply(&r)
		out = append(out, r)
	}
	return s, out, nil
}

// Fold is the state behind the records.
func Fold(records []Record) State {
	var s State
	for i := range records {
		s.apply(&records[i])
	}
	return s
}

func (s *State) apply(r *Record) {
	r.Event.apply(s, r)
	s.Version, s.Head, s.Updated = r.Seq, r.Hash, r.At
	s.settle()
}

// clone is a copy that shares nothing with the original which an event may change: what events change in place is
// copied, and what they only append to is clipped, so that the first append copies it.
func (s State) clone() State {
	s.Steps, s.Experts = slices.Clone(s.Steps), slices.Clone(s.Experts)
	s.Spikes, s.Statements = slices.Clone(s.Spikes), slices.Clone(s.Statements)
	for i := range s.Statements {
		st := &s.Statements[i]
		st.Revisions, st.Published = slices.Clone(st.Revisions), slices.Clip(st.Published)
		for j := range st.Revisions {
			st.Revisions[j].Approvals = slices.Clip(st.Revisions[j].Approvals)
		}
	}
	s.Topics, s.Models = slices.Clip(s.Topics), slices.Clip(s.Models)
	s.Chain.Called, s.Chain.Skipped = slices.Clip(s.Chain.Called), slices.Clip(s.Chain.Skipped)
	return s
}
