package incident

import "fmt"

// ChainError says what is wrong with the stored events of an incident.
type ChainError struct {
	Incident string
	Event    int // the number of the first broken event; 0 where the events are whole and the state is wrong
	Problem  string
}

func (e *ChainError) Error() string {
	if e.Event == 0 {
		return fmt.Sprintf("incident %s: %s", e.Incident, e.Problem)
	}
	return fmt.Sprintf("incident %s: event %d %s", e.Incident, e.Event, e.Problem)
}

// Verify checks the chain of an incident's records: their numbers, their hashes, and that the last one is the state's.
// The error is a *ChainError that names the first record that was changed, is missing or was moved; nil means that all
// are as they were written. Without a state, records that are missing at the end are not found.
func Verify(id string, records []Record, s *State) error {
	broken := func(event int, problem string, args ...any) error {
		return &ChainError{Incident: id, Event: event, Problem: fmt.Sprintf(problem, args...)}
	}
	before := ""
	for i := range records {
		r := &records[i]
		if r.Seq != i+1 {
			return broken(i+1, "is missing or was moved: event %d stands in its place", r.Seq)
		}
		hash, err := r.hash(before)
		if err != nil {
			return broken(r.Seq, "cannot be written as JSON: %v", err)
		}
		if hash != r.Hash {
			return broken(r.Seq, "(%s, %s) was changed after it was written", KindOf(r.Event), r.At.Format("2006-01-02 15:04:05"))
		}
		before = r.Hash
	}
	switch {
	case s == nil || s.Version == len(records) && s.Head == before:
		return nil
	case s.Version > len(records):
		return broken(len(records)+1, "is missing: the incident has %d events, %d are stored", s.Version, len(records))
	case s.Version < len(records):
		return broken(s.Version+1, "was added: the incident has %d events, %d are stored", s.Version, len(records))
	}
	return broken(len(records), "is not the one that the incident's state was made from")
}
