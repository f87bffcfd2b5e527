package hostile

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"
)

// MaxWire is the most bytes that one input has on the wire.
const MaxWire = 12 << 20

// Entry is a way into the daemon.
type Entry string

// The entries that are sent to while the daemon runs. The name is the source's in the configuration, where it is
// one.
const (
	API      Entry = "api"       // POST /api/v1/mentions, one mention
	APIList  Entry = "api-list"  // the same, a list
	APILines Entry = "api-lines" // the same, JSON lines
	Hook     Entry = "hook"      // a web hook that takes mentions
	HookMap  Entry = "hookmap"   // a web hook with items and map
	WebSub   Entry = "websub"    // the callback of a feed's hub
	RSS      Entry = "rss"
	Atom     Entry = "atom"
	JSONFeed Entry = "jsonfeed"
	Page     Entry = "page" // an article that a feed with full_text links to
	File     Entry = "file" // JSON lines
	CSV      Entry = "csv"
	IMAP     Entry = "imap"
	Mastodon Entry = "mastodon"
	Lemmy    Entry = "lemmy"
	Web      Entry = "web"   // bytes on a connection to the pages
	Check    Entry = "check" // files that brandmelder check reads
)

// Live are the entries of a running daemon, in the order in which they are sent to.
var Live = []Entry{
	API, RSS, File, Hook, Web, Atom, HookMap, APIList, IMAP, CSV, JSONFeed, Page, WebSub, Mastodon, Lemmy, APILines,
}

// Load is one hostile input, and what an honest receiver makes of it.
type Load struct {
	Body   []byte
	Header map[string]string // of the request, or of the answer where the daemon asks
	Status int               // of the answer where the daemon asks; 0 is 200
	Pace   time.Duration     // pause between two of ten pieces of the body; 0 sends it at once
	Times  int               // connections that send it at once; 0 is 1

	Items    int  // mentions in it, right or wrong; 0 where nobody can say
	Valid    int  // of these, those that must be counted
	Whole    bool // it may be refused as a whole, and then nothing of it is counted
	Harmless bool // it need not be refused: the daemon only has to survive it
}

// Input is one line of a table.
type Input struct {
	Entry Entry
	Shape string
	Make  func(g *Gen) Load
}

// Name is how a failure names the input, and how it is sent again alone.
func (in Input) Name() string { return string(in.Entry) + "/" + in.Shape }

// Load makes the input. Its mentions hold the word; seed and name decide all that is by chance.
func (in Input) Load(seed uint64, word string, now time.Time) Load {
	h := fnv.New64a()
	_, _ = h.Write([]byte(in.Name())) // cannot fail
	return in.Make(&Gen{R: rand.New(rand.NewPCG(seed, h.Sum64())), Word: word, Now: now, name: in.Name()})
}

// All is every input of every table.
func All() []Input {
	return slices.Concat(mentionInputs(), bodyInputs(), feedInputs(), jsonFeedInputs(), pageInputs(),
		tableInputs(), mailInputs(),
		networkInputs(), webSubInputs(), webInputs(), checkInputs())
}

// Pick deals n inputs of the entries, each entry in turn, shuffled by the seed. Fewer than n are all of them.
func Pick(seed uint64, n int, entries ...Entry) []Input {
	r := rand.New(rand.NewPCG(seed, 0))
	piles := make([][]Input, len(entries))
	for i, e := range entries {
		for _, in := range All() {
			if in.Entry == e {
				piles[i] = append(piles[i], in)
			}
		}
		r.Shuffle(len(piles[i]), func(a, b int) { piles[i][a], piles[i][b] = piles[i][b], piles[i][a] })
	}
	var out []Input
	for round := 0; len(out) < n; round++ {
		before := len(out)
		for _, pile := range piles {
			if round < len(pile) && len(out) < n {
				out = append(out, pile[round])
			}
		}
		if len(out) == before {
			break
		}
	}
	return out
}
