// Package store is the contract of persistence: streams, cursors, snapshots, incidents, calls, documents and budgets.
//
// Store is a union of small roles, and a package uses the roles that it needs. Two implementations, sqlite (embedded,
// one process) and redisstore (Redis 7, many processes), pass the same storetest. No package may rely on what storetest
// does not check.
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
	// ErrConflict asks the caller to read again and retry.
	ErrConflict = errors.New("somebody else saved it first")
	ErrFenced   = errors.New("the lease went to another process")
	// ErrDamaged says that what was stored cannot be read back as it was written.
	ErrDamaged = errors.New("it is damaged")
	// ErrLost says that the store was emptied, replaced, deleted or brought back to an older state.
	ErrLost = errors.New("what this process had stored is gone")
)

// Store is all roles together.
type Store interface {
	Mentions
	Deletions
	Matches
	Snapshots
	Spikes
	Cursors
	Incidents
	Evidence
	Audit
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
	Heard   time.Time // when it was received, in milliseconds; by one clock never before the entry before it
	Mention brand.Mention
}

// Mentions is the stream of all mentions that were received.
type Mentions interface {
	// Append puts mentions at the end, all or none. One whose ID is known already is left out, so that receiving it
	// twice is harmless; added counts the others. A mention whose stored form could not be read back gives an error
	// that wraps brand.ErrBadMention.
	Append(ctx context.Context, heard time.Time, ms []brand.Mention) (added int, err error)
	// After returns at most limit entries behind pos, in the order of the stream. It does not wait for more. An entry
	// that cannot be read is moved to the dead letters, and the entries behind it are returned.
	After(ctx context.Context, pos string, limit int) ([]Entry, error)
	// Last returns the position of the newest entry, "" for an empty stream.
	Last(ctx context.Context) (pos string, err error)
	// Remove deletes the mentions of these IDs, with their matches, for good: they are not appended again. Unknown IDs
	// are left out.
	Remove(ctx context.Context, ids []string) (removed int, err error)
	// Trim deletes mentions received before the time, with their matches, but nothing that a snapshot has not read yet.
	Trim(ctx context.Context, before time.Time) (removed int, err error)
}

// Match says that a mention belongs to a topic, and what its tone is.
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

// Matches holds the mentions of each topic.
type Matches interface {
	// Keep saves matches. It replaces those of the same topic and position.
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
	// Commit saves a snapshot together with the spikes that the fold has reported since the last one: both or neither.
	// It returns ErrFenced if the fence of the lease is no longer the current one.
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
	// AppendSpikes puts spikes at the end that no fold has reported: those of a drill.
	AppendSpikes(ctx context.Context, spikes []brand.Spike) error
	// RedactSpikes gives f each report up to and with pos; those that it changes are saved so, or taken off the stream
	// where that cannot be done.
	RedactSpikes(ctx context.Context, pos string, f func(*brand.Spike) (changed bool)) (int, error)
	// TrimSpikes removes what was put on the stream before the time, but nothing behind pos: the desk has not received
	// that yet.
	TrimSpikes(ctx context.Context, pos string, before time.Time) (removed int, err error)
}

// Cursors holds how far a reader has read: a source in what it polls, the desk on the stream of spikes.
type Cursors interface {
	// Cursor is "" when none was set.
	Cursor(ctx context.Context, name string) (string, error)
	SetCursor(ctx context.Context, name, value string) error
}

// Lease is the right to do something alone. Its fence rises each time that another process takes it.
type Lease struct {
	Name   string
	Holder string
	Fence  int64
}

// Leases shares work between processes. LeaseKeeper keeps one for a loop.
type Leases interface {
	// Acquire takes or renews the lease for ttl; false if another holder has it.
	Acquire(ctx context.Context, name, holder string, ttl time.Duration) (Lease, bool, error)
	// Release gives the lease back. It is harmless when the lease is gone.
	Release(ctx context.Context, l Lease) error
}

// DeadLetter is an item that could not be read or delivered, set aside so that the rest goes on.
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

// DeadLetters holds the items that were set aside.
type DeadLetters interface {
	// AddDeadLetters adds items, all or none. It replaces those of the same ID. Item is cut to MaxItem.
	AddDeadLetters(ctx context.Context, ds ...DeadLetter) error
	// ListDeadLetters returns at most limit items, newest first.
	ListDeadLetters(ctx context.Context, limit int) ([]DeadLetter, error)
	// DropDeadLetter removes an item, or returns ErrNotFound.
	DropDeadLetter(ctx context.Context, id string) error
	// TrimDeadLetters removes items set aside before the time, some thousand at a call.
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
