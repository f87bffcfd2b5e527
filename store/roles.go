package store

import (
	"context"
	"time"

	"brandmelder/brand"
)

// Deletion is a mention that its author deleted. Spikes, incidents and dead letters may still quote it.
type Deletion struct {
	Mention string // its ID
	At      time.Time
}

// Deletions holds the deletions that are not done yet.
type Deletions interface {
	// Delete removes mentions as Remove does and, in the same transaction, notes a deletion for each that it removed.
	Delete(ctx context.Context, at time.Time, ids []string) (deleted int, err error)
	// Deletions returns the deletions that are not done, oldest first.
	Deletions(ctx context.Context) ([]Deletion, error)
	// EndDeletions takes deletions off the list: nothing quotes the mentions any more.
	EndDeletions(ctx context.Context, ids []string) error
}

// Corrections is what people say of mentions that were judged wrong, or right. Detection learns from them.
type Corrections interface {
	// SaveCorrection keeps a correction. It replaces the one of the same topic and mention.
	SaveCorrection(ctx context.Context, c brand.Correction) error
	// Corrections returns the corrections of these keys, all without keys, oldest first.
	Corrections(ctx context.Context, keys ...string) ([]brand.Correction, error)
	// DropCorrection removes the correction of this key. It is harmless when there is none.
	DropCorrection(ctx context.Context, key string) error
}

// Feedback is what people say of spikes: whether a call was right. Detection learns from it.
type Feedback interface {
	// SaveFeedback keeps feedback. It replaces that on the same spike.
	SaveFeedback(ctx context.Context, f brand.Feedback) error
	// Feedback returns all feedback, ordered by the IDs of the spikes.
	Feedback(ctx context.Context) ([]brand.Feedback, error)
}

// Statuses holds the last status of each source, topic and shard of detection, written by the process that works on it
// and read by the pages.
type Statuses interface {
	// SaveStatus keeps a SourceStatus, a TopicStatus or a DetectionStatus. It replaces that of the same name.
	SaveStatus(ctx context.Context, s Status) error
	// SourceStatuses returns the statuses of these sources, of all without names, ordered by name.
	SourceStatuses(ctx context.Context, names ...string) ([]SourceStatus, error)
	// TopicStatuses returns the statuses of these topics, of all without names, ordered by name.
	TopicStatuses(ctx context.Context, names ...string) ([]TopicStatus, error)
	// DetectionStatuses returns the statuses of these shards, of all without names, ordered by name.
	DetectionStatuses(ctx context.Context, names ...string) ([]DetectionStatus, error)
}

// Erasures is the log of persons whose mentions were deleted on request. It does not name them.
type Erasures interface {
	// LogErasure adds an entry to the log.
	LogErasure(ctx context.Context, e Erasure) error
	// Erasures returns the log, oldest first.
	Erasures(ctx context.Context) ([]Erasure, error)
}

// Erasure is one entry of the log of erasures.
type Erasure struct {
	At time.Time `json:"at"`
	By string    `json:"by"` // the user who ran the command, as the machine knows them
	Forgotten
}

// ToneLabels holds the tone that a language model gave to texts, so that no text is paid for twice.
type ToneLabels interface {
	// SaveToneLabels keeps labels by the hashes of their texts.
	SaveToneLabels(ctx context.Context, at time.Time, labels map[string]int) error
	// ToneLabels returns the labels of these texts, without those that have none.
	ToneLabels(ctx context.Context, texts []string) (map[string]int, error)
	// TrimToneLabels removes labels saved before the time.
	TrimToneLabels(ctx context.Context, before time.Time) (removed int, err error)
}

// Expense is an amount that is to be spent from a budget.
type Expense struct {
	Budget string
	Period string  // the span of time that the limit is for, such as "2026-03": each has a budget of its own
	Amount float64 // not negative, but in Settle
	Limit  float64 // of the budget in that period; 0 means no limit
}

// Budgets limits what all processes together spend. What was spent is known for at least 70 days.
type Budgets interface {
	// Spend reserves all expenses or, where one would exceed the limit of its budget, none: over names the first such
	// budget, and is "" when the expenses are reserved. After an error they may be reserved.
	Spend(ctx context.Context, es ...Expense) (over string, err error)
	// Settle adds amounts without a look at limits: what an expense cost in the end, less what was reserved. A negative
	// amount gives back, at most what was spent.
	Settle(ctx context.Context, es ...Expense) error
	// Spent returns what was spent of a budget in a period.
	Spent(ctx context.Context, budget, period string) (float64, error)
}

// KeepBudget is how long a store knows what was spent in a period.
const KeepBudget = 70 * 24 * time.Hour

// Secrets holds the keys that all processes share.
type Secrets interface {
	// Key returns the secret of that name, 32 random bytes made when first asked for.
	Key(ctx context.Context, name string) ([]byte, error)
}
