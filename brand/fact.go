package brand

import "time"

// Fact is something that a person can be told: Kind names what it is, the other fields are its values, of which each
// kind uses some. It is stored and passed on instead of a sentence. Package i18n words it when somebody reads it.
type Fact struct {
	Kind  string    `json:"kind"`
	Words []string  `json:"words,omitempty"` // names or terms
	N     float64   `json:"n,omitempty"`
	At    time.Time `json:"at,omitzero"`
}
