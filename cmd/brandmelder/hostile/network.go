package hostile

import (
	"encoding/json"
	"strings"
	"time"
)

// network is an API whose answer is a list of posts: Mastodon's or Lemmy's.
type network struct {
	entry Entry
	post  func(g *Gen, pairs ...string) string // a right post; pairs replace or add raw fields
	doc   func(posts ...string) string
	time  string // the name of its time
	text  string
	like  string
}

// Toot is a post as Mastodon says it.
func Toot(id, at, text string) string {
	doc, _ := json.Marshal(map[string]any{ // cannot fail
		"id": id, "uri": "https://m.example/" + id, "created_at": at, "content": text, "visibility": "public",
		"account": map[string]any{"acct": "folk"},
	})
	return string(doc)
}

// LemmyPost is a post as Lemmy says it.
func LemmyPost(id, at, text string) string {
	doc, _ := json.Marshal(map[string]any{ // cannot fail
		"post": map[string]any{"id": 1, "name": text, "ap_id": "https://l.example/" + id, "published": at},
	})
	return string(doc)
}

var networks = []network{
	{
		Mastodon, func(g *Gen, pairs ...string) string {
			return replaced(Toot(g.id(), g.at(), g.text()), pairs)
		}, func(posts ...string) string { return "[" + strings.Join(posts, ",") + "]" },
		"created_at", "content", "favourites_count",
	},
	{Lemmy, func(g *Gen, pairs ...string) string {
		post := LemmyPost(g.id(), g.at(), g.text())
		inner := strings.TrimSuffix(strings.TrimPrefix(post, `{"post":`), "}")
		return `{"post":` + replaced(inner, pairs) + "}"
	}, func(posts ...string) string { return `{"posts":[` + strings.Join(posts, ",") + `]}` }, "published", "body", "id"},
}

// replaced puts fields into a JSON object, before those of the same name are taken out.
func replaced(object string, pairs []string) string {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal([]byte(object), &fields) // it is one of ours
	var sb strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		delete(fields, pairs[i])
		sb.WriteString(quote(pairs[i]) + ":" + pairs[i+1] + ",")
	}
	rest, _ := json.Marshal(fields) // cannot fail
	return "{" + sb.String() + strings.TrimPrefix(string(rest), "{")
}

// amid puts something hostile between two right posts. The answer may be refused as a whole.
func (n network) amid(g *Gen, hostile string) Load {
	return Load{Body: []byte(n.doc(n.post(g), hostile, n.post(g))), Items: 3, Valid: 2, Whole: true}
}

var networkShapes = []struct {
	name string
	make func(g *Gen, n network) Load
}{
	{"deep", func(g *Gen, n network) Load { return n.amid(g, n.post(g, "x", nest(9_000))) }},
	{"deep-beyond-json", func(g *Gen, n network) Load { return n.amid(g, nest(3_000_000)) }},
	{"deep-reblogs", func(g *Gen, n network) Load {
		return n.amid(g, n.post(g, "reblog", strings.Repeat(`{"reblog":`, 5_000)+"null"+strings.Repeat("}", 5_000)))
	}},
	{"deep-html", func(g *Gen, n network) Load {
		return n.amid(g, n.post(g, n.text, quote(strings.Repeat("<div>", 200_000))))
	}},
	{"long-text", func(g *Gen, n network) Load { return n.amid(g, n.post(g, n.text, quote(long(5<<20)))) }},
	{"wide", func(g *Gen, n network) Load { return n.amid(g, n.post(g, fields(100_000)...)) }},
	{"nulls", func(_ *Gen, n network) Load {
		return Load{Body: []byte(n.doc("null" + strings.Repeat(",null", 50_000))), Items: 50_001, Whole: true}
	}},
	{"zeros-compressed", func(_ *Gen, n network) Load {
		head, tail, _ := strings.Cut(n.doc("0|"), "|")
		return Load{Body: bomb(head, ",0", tail, 9<<20), Header: packed, Whole: true}
	}},
	{"bomb", func(_ *Gen, _ network) Load {
		return Load{Body: bomb("", " ", "[]", 200<<20), Header: packed, Whole: true}
	}},
	{"number-1e400", func(g *Gen, n network) Load { return n.amid(g, n.post(g, n.like, "1e400")) }},
	{"number-2^64", func(g *Gen, n network) Load { return n.amid(g, n.post(g, n.like, "18446744073709551616")) }},
	{"year-1", func(g *Gen, n network) Load { return n.amid(g, n.post(g, n.time, `"0001-01-01T00:00:00Z"`)) }},
	{"year-9999", func(g *Gen, n network) Load { return n.amid(g, n.post(g, n.time, `"9999-12-31T23:59:59Z"`)) }},
	{"next-year", func(g *Gen, n network) Load {
		at := quote(g.Now.AddDate(1, 0, 0).UTC().Format(time.RFC3339))
		return Load{Body: []byte(n.doc(n.post(g, n.time, at))), Items: 1, Valid: 1}
	}},
	{"time-2^63", func(g *Gen, n network) Load { return n.amid(g, n.post(g, n.time, "9223372036854775808")) }},
	{"long-id", func(g *Gen, n network) Load {
		return n.amid(g, n.post(g, "uri", quote(long(1<<20)), "ap_id", quote(long(1<<20))))
	}},
	{"truncated", func(g *Gen, n network) Load {
		doc := n.doc(n.post(g))
		return Load{Body: []byte(doc[:len(doc)-5]), Whole: true}
	}},
	{"utf16", func(g *Gen, n network) Load { return Load{Body: wide(n.doc(n.post(g)), true), Whole: true} }},
	{"a-page", func(*Gen, network) Load { return Load{Body: []byte("<html>Sorry</html>"), Whole: true} }},
	{"error-of-10-MiB", func(*Gen, network) Load {
		return Load{Status: 500, Body: []byte(`{"error":"` + long(10<<20) + `"}`), Whole: true}
	}},
	{"absurd-heads", func(g *Gen, n network) Load {
		return Load{Body: []byte(n.doc(n.post(g))), Items: 1, Valid: 1, Header: map[string]string{
			"X-RateLimit-Remaining": "NaN", "X-RateLimit-Reset": "1e400", "Link": strings.Repeat("<", 100_000),
		}}
	}},
	{"slow", func(g *Gen, n network) Load {
		return Load{Body: []byte(n.doc(n.post(g))), Items: 1, Valid: 1, Pace: slowly}
	}},
}

func networkInputs() (out []Input) {
	for _, n := range networks {
		for _, s := range networkShapes {
			out = append(out, Input{n.entry, s.name, func(g *Gen) Load { return s.make(g, n) }})
		}
	}
	return out
}
