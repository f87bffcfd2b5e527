package ingest

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// Limits of one answer of a server. maxBody limits the size of a body; these limit what a body of that size becomes
// in memory. Each is far above what the services send.
const (
	maxItems        = 5000    // items of one feed; the others are counted
	maxDepth        = 100     // nested elements or values
	maxElements     = 150_000 // elements of a feed: each may become a map in the feed parser
	maxItemElements = 10_000  // elements of one item
	maxItemSize     = 2 << 20 // bytes of one item, with its texts
	maxAttributes   = 200     // attributes of one element
	maxNamespaces   = 200     // namespaces in scope: the feed parser copies them for each element
	maxTag          = 64 << 10
	maxValues       = 100_000 // values of a JSON document: each may become a structure of some hundred bytes
	maxMarkup       = 1 << 20 // bytes of marked-up text that are read for one field; 64 KiB of it are kept
	maxBadItem      = 2000    // bytes of an unreadable item in a dead letter
	maxValidator    = 1000    // bytes of an ETag or a page token in a cursor
	maxDetail       = 300     // bytes of a server's own text in an error
)

// largeBody is the size in bytes from which bodies are parsed one after the other.
const largeBody = 1 << 20

// largeBodies is held while a large body is parsed: each needs limited memory, but many at once would add up.
var largeBodies sync.Mutex

// lockLarge waits until no other large body is parsed. The caller calls done after parsing.
func lockLarge(size int) (done func()) {
	if size < largeBody {
		return func() {}
	}
	largeBodies.Lock()
	return largeBodies.Unlock
}

// LimitError says that data from outside exceeds a limit.
type LimitError struct {
	What string // such as "nested elements"
	Most int
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("more than %d %s; brandmelder reads no more, so that one answer cannot use up its memory", e.Most, e.What)
}

// truncate returns the beginning of s, at most n bytes, as valid UTF-8.
func truncate(s string, n int) string {
	if len(s) <= n {
		return strings.ToValidUTF8(s, "")
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.ToValidUTF8(s[:n], "")
}

// unreadable makes a Bad of an item: its beginning, and the reason.
func unreadable(raw []byte, err error) Bad {
	return Bad{truncate(string(raw[:min(len(raw), maxBadItem)]), maxBadItem), err}
}
