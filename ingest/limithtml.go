package ingest

import (
	"bytes"
	"errors"

	nethtml "golang.org/x/net/html"
)

const (
	// maxNodes is the most nodes of a page. golang.org/x/net/html refuses more than 512 nested elements, but opens
	// each unclosed formatting element again in every paragraph: a page of 1 MiB could become a hundred million
	// nodes.
	maxNodes = 100_000
	// maxWork is the most steps from all nodes to the root. The search for the article takes them repeatedly.
	maxWork = 2_000_000
)

// formatting are the elements that HTML opens again when they were not closed
// (https://html.spec.whatwg.org/#formatting).
var formatting = map[string]bool{
	"a": true, "b": true, "big": true, "code": true, "em": true, "font": true, "i": true, "nobr": true, "s": true, "small": true, "strike": true,
	"strong": true, "tt": true, "u": true,
}

// unclosed are the elements without an end tag, or with an optional one: they do not add depth.
var unclosed = map[string]bool{
	"area": true, "base": true, "br": true, "col": true, "dd": true, "dt": true, "embed": true, "hr": true, "img": true, "input": true, "li": true,
	"link": true, "meta": true, "option": true, "p": true, "source": true, "tbody": true, "td": true, "th": true, "thead": true, "tr": true, "track": true, "wbr": true,
}

// checkHTML returns an error if the page could have more than maxNodes nodes or need more than maxWork steps.
func checkHTML(page []byte) error {
	z := nethtml.NewTokenizer(bytes.NewReader(page))
	open, again, nodes, depth, work := map[string]int{}, 0, 0, 0, 0
	for {
		kind := z.Next()
		if kind == nethtml.ErrorToken {
			if errors.Is(z.Err(), nethtml.ErrBufferExceeded) {
				return z.Err()
			}
			return nil
		}
		if nodes += 1 + again; nodes > maxNodes {
			return &LimitError{"nodes in one page", maxNodes}
		}
		if work += depth; work > maxWork {
			return &LimitError{"steps in one page", maxWork}
		}
		start := kind == nethtml.StartTagToken
		if !start && kind != nethtml.EndTagToken {
			continue
		}
		tag, _ := z.TagName()
		name := string(tag)
		switch {
		case formatting[name]:
			n := open[name]
			switch {
			case !start && n > 0:
				n--
			case start && (n == 0 || name != "a" && name != "nobr"): // these two close themselves
				n++
			}
			again += n - open[name]
			open[name] = n
		case unclosed[name]:
		case start:
			depth++
		default:
			depth = max(depth-1, 0)
		}
	}
}
