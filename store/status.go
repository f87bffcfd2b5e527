package store

import (
	"encoding/json"
	"time"

	"brandmelder/brand"
)

// Status is a SourceStatus, a TopicStatus or a DetectionStatus.
type Status interface {
	place() (kind, name string)
}

// SourceStatus is the state of a source.
type SourceStatus struct {
	Name    string          `json:"name"`
	Kind    string          `json:"kind"`
	State   string          `json:"state"` // listening, waiting, slowed down, failing, stopped by an error
	Every   string          `json:"every"`
	LastTry time.Time       `json:"last_try,omitzero"`
	LastOK  time.Time       `json:"last_ok,omitzero"`
	LastNew time.Time       `json:"last_heard,omitzero"` // time of the last new mention
	Next    time.Time       `json:"next,omitzero"`
	New     int             `json:"heard"` // new mentions since the start
	Known   int             `json:"known"` // mentions that were on the stream before
	Bad     int             `json:"bad"`
	Gone    int             `json:"gone,omitempty"` // mentions that their authors deleted
	Error   string          `json:"error,omitempty"`
	Note    string          `json:"note,omitempty"`
	Quiet   bool            `json:"quiet,omitempty"`  // no new mention for longer than in the last days
	Rhythm  json.RawMessage `json:"rhythm,omitempty"` // its usual silences; ingest alone reads it
}

func (s SourceStatus) place() (kind, name string) { return kindSource, s.Name }

// TopicStatus is what detection knows of a topic.
type TopicStatus struct {
	Name     string         `json:"name"`
	Query    string         `json:"query"`
	Role     brand.Role     `json:"role"`
	Mentions int64          `json:"mentions"`
	TooLate  int64          `json:"too_late"`
	Learning bool           `json:"learning"`
	Since    time.Time      `json:"since"`
	At       time.Time      `json:"at"`
	Curve    []brand.Point  `json:"curve"`
	Nearly   []brand.Nearly `json:"nearly"` // what was judged and not reported lately, newest first
	New      []brand.Term   `json:"new"`    // terms of the last hours that the week before did not have
}

func (s TopicStatus) place() (kind, name string) { return kindTopic, s.Name }

// DetectionStatus is what a loop of detection saves after a successful run, at most each five seconds.
type DetectionStatus struct {
	Shard  string    `json:"shard"`
	At     time.Time `json:"at"`               // the run
	Behind float64   `json:"behind,omitempty"` // seconds since the last counted mention was received; 0 if all are
	Faults []Fault   `json:"faults,omitempty"` // the last twenty, oldest first
}

func (s DetectionStatus) place() (kind, name string) { return kindDetection, s.Shard }
