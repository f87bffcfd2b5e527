package incident

import "fmt"

// Verify checks the chain of an incident's records: their numbers, their hashes, and that the last one is the state's.
// The error names the first record that was changed, is missing or was moved; nil means that all are as they were
// written.
func Verify(id string, records []Record, s *State) error {
	before := ""
	for i := range records {
		r := &records[i]
		if r.Seq != i+1 {
			return fmt.Errorf("incident %s: event %d is missing or was moved: event %d stands in its place", id, i+1, r.Seq)
		}
		hash, err := r.hash(before)
		if err != nil {
			return fmt.Errorf("incident %s: %w", id, err)
		}
		if hash != r.Hash {
			return fmt.Errorf("incident %s: event %d (%s, %s) was changed after it was written, or one before it is missing",
				id, r.Seq, KindOf(r.Event), r.At.Format("2006-01-02 15:04:05"))
		}
		before = r.Hash
	}
	if s != nil && (s.Version != len(records) || s.Head != before) {
		return fmt.Errorf("incident %s: event %d is missing: the incident has %d events, %d are stored",
			id, len(records)+1, s.Version, len(records))
	}
	return nil
}
