package incident

import (
	"maps"
	"slices"
	"time"

	"brandmelder/brand"
)

// Summary is what lists show of an incident. Zero times and empty names stand for what is not known yet.
type Summary struct {
	ID       string      `json:"id"`
	Version  int         `json:"version"` // the number of events
	Kind     Kind        `json:"kind"`
	Status   Status      `json:"status"`
	Outcome  Outcome     `json:"outcome,omitempty"`
	Topics   []string    `json:"topics"`
	Terms    []string    `json:"terms,omitempty"` // what people write most, at most three
	Level    brand.Level `json:"level"`           // highest so far
	Began    time.Time   `json:"began"`
	Detected time.Time   `json:"detected"`
	Updated  time.Time   `json:"updated"`
	Closed   time.Time   `json:"closed,omitzero"`
	Calm     time.Time   `json:"calm,omitzero"` // since when all spikes have ended
	Drill    bool        `json:"drill,omitempty"`
	Playbook string      `json:"playbook"`
	Owner    string      `json:"owner"`              // ID of the one-voice owner
	Speaks   string      `json:"speaks,omitempty"`   // who speaks for the company now
	TakenBy  string      `json:"taken_by,omitempty"` // who has it
	Due      time.Time   `json:"due,omitzero"`       // when Tick has something to do, if nothing happens before
}

// Open reports whether the incident still needs people.
func (s *Summary) Open() bool { return s.Status != Closed }

// State is an incident: the fold of its events.
type State struct {
	Summary
	Head       string      `json:"head"` // hash of the last event
	MergedInto string      `json:"merged_into,omitempty"`
	Reopened   time.Time   `json:"reopened,omitzero"`
	Verdict    Verdict     `json:"verdict,omitempty"`
	Plan       Plan        `json:"plan"`
	Deputy     string      `json:"deputy,omitempty"`
	Decider    string      `json:"decider,omitempty"` // approves beside the voice
	Chain      Chain       `json:"chain"`
	Taken      Taking      `json:"taken"`
	Notified   brand.Level `json:"notified"` // the level that people were last called for

	Spikes     []brand.Spike `json:"spikes"` // the last report of each, without quotes, by their beginning
	Experts    []Expert      `json:"experts,omitempty"`
	Steps      []Step        `json:"steps,omitempty"`
	Statements []Statement   `json:"statements,omitempty"`
	Assessment *Assessment   `json:"assessment,omitempty"`
	Models     []string      `json:"models,omitempty"` // that were asked for statements
}

// Plan is what an incident follows of its playbook.
type Plan struct {
	Playbook    string        `json:"playbook"`
	Why         []brand.Fact  `json:"why,omitempty"`
	Acknowledge time.Duration `json:"acknowledge_within"` // until somebody takes it, or the next person is called
	Act         time.Duration `json:"act_within"`         // until who took it acts, or it is free again
	TwoPeople   bool          `json:"two_people,omitempty"`
}

// Chain is the escalation so far.
type Chain struct {
	Rung       int       `json:"rung"` // the next of owner, deputy, decider, team
	Next       time.Time `json:"next,omitzero"`
	Called     []Called  `json:"called,omitempty"`
	Skipped    []Skipped `json:"skipped,omitempty"`
	NobodyFree bool      `json:"nobody_free,omitempty"` // nobody of the chain was on duty: the whole team was called
}

// Taking is who has the incident.
type Taking struct {
	By    string    `json:"by,omitempty"`
	At    time.Time `json:"at,omitzero"`
	ActBy time.Time `json:"act_by,omitzero"` // zero once they acted
}

// Step is one step of the playbook, with its deadline.
type Step struct {
	ID     string            `json:"id"`
	Text   map[string]string `json:"text"` // Markdown, by language
	Role   map[string]string `json:"role"` // who does it, by language
	Due    time.Time         `json:"due"`
	DoneAt time.Time         `json:"done_at,omitzero"`
	DoneBy string            `json:"done_by,omitempty"`
}

// TextLang is the language in which a text is shown to who reads lang: that one, else another one that it has.
func TextLang(text map[string]string, lang string) string {
	if langs := slices.Sorted(maps.Keys(text)); text[lang] == "" && len(langs) > 0 {
		return langs[len(langs)-1]
	}
	return lang
}

// Expert is an employee who could help, and why.
type Expert struct {
	Person   string       `json:"person"`
	Why      []brand.Fact `json:"why"`
	Asked    time.Time    `json:"asked,omitzero"`
	Answered time.Time    `json:"answered,omitzero"`
	Accepts  bool         `json:"accepts,omitempty"`
}

// Assessment is how a larger model reads some of a storm's mentions, beside how the tone model reads the same. People
// read it; nothing is decided by it.
type Assessment struct {
	Model   string      `json:"model"`
	Level   brand.Level `json:"level"`             // of the incident then
	Read    int         `json:"read"`              // mentions
	Larger  [3]int      `json:"larger"`            // of them, by the larger model: negative, neutral, positive
	Usual   [3]int      `json:"usual"`             // of the same, by the tone model
	Spent   string      `json:"spent,omitempty"`   // the budget that left the rest unread: calls or money
	Problem string      `json:"problem,omitempty"` // what went wrong, as technical as it was
	At      time.Time   `json:"at"`
}

// Voice is who speaks for the company: who took the incident, else who was called first, else the owner.
func (s *State) Voice() string {
	if s.Taken.By != "" {
		return s.Taken.By
	}
	for _, c := range s.Chain.Called {
		if c.Person != "" {
			return c.Person
		}
	}
	return s.Owner
}

// NeedsTwo reports whether a statement needs the approval of two people of two departments.
func (s *State) NeedsTwo() bool { return s.Level >= twoFrom || s.Plan.TwoPeople }

// Approved reports whether the latest revision of a statement may be published.
func (s *State) Approved(st *Statement) bool {
	if s.NeedsTwo() {
		return twoDepartments(st.Latest().Approvals)
	}
	return len(st.Latest().Approvals) > 0
}

// Worst is the spike of the highest level, of several the most unlikely.
func (s *State) Worst() *brand.Spike {
	if len(s.Spikes) == 0 {
		return &brand.Spike{}
	}
	return &s.Spikes[Worst(s.Spikes)]
}

// Worst is the index of the spike of the highest level, of several the most unlikely; 0 for none.
func Worst(spikes []brand.Spike) int {
	best := 0
	for i := range spikes {
		if a, b := &spikes[i], &spikes[best]; a.Level > b.Level || a.Level == b.Level && a.Score > b.Score {
			best = i
		}
	}
	return best
}

// Statement returns the statement of that ID, or nil.
func (s *State) Statement(id string) *Statement {
	i := slices.IndexFunc(s.Statements, func(st Statement) bool { return st.ID == id })
	if i < 0 {
		return nil
	}
	return &s.Statements[i]
}

// wasCalled reports whether the person was called in the escalation chain.
func (s *State) wasCalled(person string) bool {
	return person != "" && slices.ContainsFunc(s.Chain.Called, func(c Called) bool { return c.Person == person })
}

// Brief is a spike without what it quotes: what an event and a call keep of it.
func Brief(sp brand.Spike) brand.Spike {
	ev := sp.Evidence
	sp.Series = nil
	sp.Evidence = brand.Evidence{
		Mentions: ev.Mentions, Voices: ev.Voices, Authors: ev.Authors, Small: ev.Small, Campaign: ev.Campaign,
		Terms: ev.Terms[:min(len(ev.Terms), briefTerms)], Sources: ev.Sources, Languages: ev.Languages, Articles: ev.Articles,
	}
	return sp
}

const (
	briefTerms = 5
	twoFrom    = brand.Storm // a statement needs two people from this level on
)
