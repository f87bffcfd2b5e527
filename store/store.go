// Package store is what remembers: the contract of the streams, cursors, snapshots, incidents and calls.
//
// It is a union of small roles; a room takes the one it needs. Two implementations, sqlite (embedded, one process) and
// redisstore (Redis 7, many processes), pass the same storetest. What storetest does not check, no room may rely on.
//
// Positions are opaque: "" is before the first entry, and After(pos) continues behind pos. Every method may be called
// by many goroutines at once and returns the context's error when it ends.
package store

import (
	"context"
	"errors"
	"time"

	"brandmelder/brand"
)

// Errors that callers ask for with errors.Is.
var (
	ErrNotFound = errors.New("not found")
	ErrConflict = errors.New("somebody else saved it first") // read again and retry
	ErrFenced   = errors.New("the lease went to another process")
	ErrDamaged  = errors.New("it is damaged")                        // what was stored cannot be read back as it was written
	ErrLost     = errors.New("what this process had stored is gone") // emptied, replaced, deleted or brought back to an older state
)

// Store is everything together; only cmd needs it whole.
type Store interface {
	Mentions
	Deletions
	Matches
	Snapshots
	Spikes
	Cursors
	Incidents
	Evidence
	Outbox
	Leases
	DeadLetters
	Users
	Tokens
	Sessions
	Corrections
	Feedback
	Statuses
	Erasures
	ToneLabels
	Budgets
	Secrets
	Integrity
	Close() error
}

// Entry is a mention on the stream.
type Entry struct {
	Pos     string
	Heard   time.Time // when ingest put it there, milliseconds; never less than that of an entry before it by the same clock
	Mention brand.Mention
}

// Mentions is the stream of all that was heard.
type Mentions interface {
	// Append puts mentions at the end, all or none. One whose ID is on the stream already is left out, so that hearing
	// it twice is harmless; added counts the others. A mention whose stored form could not be read back gives an error
	// that wraps brand.ErrBadMention.
	Append(ctx context.Context, heard time.Time, ms []brand.Mention) (added int, err error)
	// After returns at most limit entries behind pos, in the order of the stream. It does not wait for more. An entry
	// that cannot be read is moved to the dead letters, and the entries behind it are returned.
	After(ctx context.Context, pos string, limit int) ([]Entry, error)
	// Last returns the position of the newest entry, "" for an empty stream.
	Last(ctx context.Context) (pos string, err error)
	// Remove takes the mentions of these IDs away, with their matches, for good: they are not taken in again. IDs that
	// are not there are left out.
	Remove(ctx context.Context, ids []string) (removed int, err error)
	// Trim removes what was heard before the time, but nothing that a snapshot has not read yet, and its matches.
	Trim(ctx context.Context, before time.Time) (removed int, err error)
}

// Match says that a mention belongs to a topic, and how it is meant.
type Match struct {
	Topic    string
	Pos      string
	At       time.Time
	Negative float64 // probability, 0 to 1
	Positive float64 // probability, 0 to 1
	Weight   float64 // 1 for a voice, less for a repost or a copy
	Doubt    float64 // probability that it is not about the brand, 0 to 1
}

// Held says whether the mention was held back: it is shown, but not judged.
func (m *Match) Held() bool { return m.Doubt > 0.5 }

// Matched is a match with its mention.
type Matched struct {
	Match
	Mention brand.Mention
}

// Matches is what was heard of each topic.
type Matches interface {
	// Keep remembers matches; one of the same topic and position is replaced.
	Keep(ctx context.Context, ms []Match) error
	// Matched returns the topic's mentions published in [from, to), newest first, at most limit.
	Matched(ctx context.Context, topic string, from, to time.Time, limit int) ([]Matched, error)
}

// Snapshot is the state of a fold over the mention stream, up to and with the entry at Pos.
type Snapshot struct {
	Name  string
	Pos   string
	State []byte
}

// Snapshots keeps folds.
type Snapshots interface {
	// Snapshot returns the last one of that name. The error is ErrNotFound where there is none, and ErrDamaged where
	// its checksum, over name, position and state, does not fit.
	Snapshot(ctx context.Context, name string) (Snapshot, error)
	// Commit saves a snapshot together with the spikes that the fold has told since the last one: both or neither.
	// It returns ErrFenced if the lease is no longer the caller's.
	Commit(ctx context.Context, lease Lease, s Snapshot, spikes []brand.Spike) error
	// DropSnapshots removes the snapshots for which keep is false: Trim waits for each snapshot that there is.
	DropSnapshots(ctx context.Context, keep func(name string) bool) error
}

// SpikeEntry is a report of a spike on the stream of spikes. A spike that lasts is reported again and again.
type SpikeEntry struct {
	Pos   string
	Spike brand.Spike
}

// Spikes is the stream of what detection reports.
type Spikes interface {
	// SpikesAfter returns at most limit entries behind pos, in the order of the stream.
	SpikesAfter(ctx context.Context, pos string, limit int) ([]SpikeEntry, error)
	// RecentSpikes returns the last report of each spike of a topic, of all topics for "", newest first, at most limit.
	// It goes on with those before the position before, and begins with the newest for "".
	RecentSpikes(ctx context.Context, topic, before string, limit int) ([]SpikeEntry, error)
	// TellSpikes puts spikes at the end that no fold has reported: those of a drill.
	TellSpikes(ctx context.Context, spikes []brand.Spike) error
	// RedactSpikes gives f each report up to and with pos; those that it changes are saved so, or taken off the stream
	// where that cannot be done.
	RedactSpikes(ctx context.Context, pos string, f func(*brand.Spike) (changed bool)) (int, error)
	// TrimSpikes removes what was put on the stream before the time, but nothing behind pos: the desk has not received
	// that yet.
	TrimSpikes(ctx context.Context, pos string, before time.Time) (removed int, err error)
}

// Cursors remembers how far a reader of something is: a source in what it listens to, the desk on the spikes.
type Cursors interface {
	// Cursor is "" when none was set.
	Cursor(ctx context.Context, name string) (string, error)
	SetCursor(ctx context.Context, name, value string) error
}

// Lease is the right to do something alone. Fence rises with every change of hands.
type Lease struct {
	Name   string
	Holder string
	Fence  int64
}

// Leases shares work between processes.
type Leases interface {
	// Acquire takes or renews the lease for ttl; false if somebody else holds it.
	Acquire(ctx context.Context, name, holder string, ttl time.Duration) (Lease, bool, error)
	// Release gives it back; harmless when it is gone.
	Release(ctx context.Context, l Lease) error
}

// DeadLetter is something that could not be handled, set aside so that the rest goes on.
type DeadLetter struct {
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Room  string    `json:"room"`
	From  string    `json:"from"` // source, channel
	Error string    `json:"error"`
	Item  string    `json:"item"`
}

// MaxItem is how many bytes of an item a dead letter keeps: more than a mention or a call can have.
const MaxItem = 256 << 10

// DeadLetters is the heap of what was set aside.
type DeadLetters interface {
	Bury(ctx context.Context, ds ...DeadLetter) error                     // all or none; the same ID replaces; Item is cut to MaxItem
	ListDeadLetters(ctx context.Context, limit int) ([]DeadLetter, error) // newest first
	Exhume(ctx context.Context, id string) error                          // takes it off the heap; ErrNotFound
	// TrimDeadLetters removes what was set aside before the time, some thousand at a call.
	TrimDeadLetters(ctx context.Context, before time.Time) (removed int, err error)
}

// Integrity notices when stored data disappears under a running process.
type Integrity interface {
	// Check writes a few bytes and compares what is stored with what this process found when it opened the store, and
	// wrote at its last Check. An error says that the store does not answer, or does not take writes. It wraps ErrLost
	// when somebody emptied or replaced the store, or brought it back to a state older than the last Check: reported
	// once for each time, in each process, where the process can go on writing, and at each call where it cannot. The
	// secrets that this process asked for are then stored again. It wraps ErrDamaged when something that nobody could
	// read was put out of the way.
	Check(ctx context.Context) error
	// Identity is a random name that is made with the store. A store that was emptied gets another one; one that was
	// brought back to an older state gets it from the first Check that notices. Each such event changes it once.
	Identity(ctx context.Context) (string, error)
}
