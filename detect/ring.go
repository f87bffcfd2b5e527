package detect

// The ring holds the last 25 hours by minute. Late mentions may still change the last day. The baseline has learned
// what is older.
const (
	ringMinutes = 25*60 + 5
	lateMinutes = 24 * 60 // a mention that is older when it is received counts in no window
)

// bucket counts what was published about a topic in one minute.
type bucket struct {
	Voices   float32 // weighted mentions
	Negative float32 // of these, negative
	Positive float32
	Sources  uint16 // a bit for each network, by hash
	Articles uint16
}

func (b *bucket) add(o *bucket) {
	b.Voices += o.Voices
	b.Negative += o.Negative
	b.Positive += o.Positive
	b.Sources |= o.Sources
	b.Articles += o.Articles
}

// ring is indexed by minutes since 1970. It holds the minutes in (Head-ringMinutes, Head].
type ring struct {
	Head    int64
	Buckets []bucket
}

func newRing(minute int64) ring { return ring{Head: minute, Buckets: make([]bucket, ringMinutes)} }

func (r *ring) at(minute int64) *bucket { return &r.Buckets[minute%ringMinutes] }

func (r *ring) has(minute int64) bool { return minute <= r.Head && minute > r.Head-ringMinutes }

// advance makes room for one more minute.
func (r *ring) advance() {
	r.Head++
	*r.at(r.Head) = bucket{}
}

// sum adds up the minutes [from, to).
func (r *ring) sum(from, to int64) (b bucket) {
	from, to = max(from, r.Head-ringMinutes+1), min(to, r.Head+1)
	if from >= to {
		return b
	}
	first, n := int(from%ringMinutes), int(to-from)
	// Separate variables stay in registers.
	var voices, negative, positive float32
	var sources, articles uint16
	add := func(buckets []bucket) {
		for i := range buckets {
			o := &buckets[i]
			voices, negative, positive = voices+o.Voices, negative+o.Negative, positive+o.Positive
			sources, articles = sources|o.Sources, articles+o.Articles
		}
	}
	before := r.Buckets[first:min(first+n, ringMinutes)]
	add(before)
	add(r.Buckets[:n-len(before)]) // the beginning of the circle
	return bucket{voices, negative, positive, sources, articles}
}
