package hostile

import (
	"strings"
	"time"
)

// feedItem is an item of a JSON Feed. pairs replace or add fields.
func (g *Gen) feedItem(pairs ...string) string {
	base := []string{"date_published", quote(g.at()), "content_text", quote(g.text())}
	item := g.mention(append(base, pairs...)...)
	return strings.Replace(item, `"text":`, `"_text":`, 1)
}

func jsonFeed(items ...string) []byte {
	return []byte(`{"version":"https://jsonfeed.org/version/1.1","title":"News","items":[` +
		strings.Join(items, ",") + `]}`)
}

// amidFeed puts something hostile between two right items of a JSON Feed, which may be refused as a whole.
func amidFeed(g *Gen, hostile string) Load {
	return Load{Body: jsonFeed(g.feedItem(), hostile, g.feedItem()), Items: 3, Valid: 2, Whole: true}
}

var jsonFeedShapes = []struct {
	name string
	make func(g *Gen) Load
}{
	{"deep", func(g *Gen) Load { return amidFeed(g, g.feedItem("_x", nest(9_000))) }},
	{"deep-beyond-json", func(g *Gen) Load { return amidFeed(g, nest(3_000_000)) }},
	{"deep-html", func(g *Gen) Load {
		return amidFeed(g, g.feedItem("content_html", quote(g.text()+strings.Repeat("<div>", 200_000))))
	}},
	{"zeros-compressed", func(*Gen) Load {
		return Load{Body: bomb(`{"items":[0`, ",0", "]}", 9<<20), Header: packed, Whole: true}
	}},
	{"empty-items-compressed", func(g *Gen) Load {
		head := `{"version":"https://jsonfeed.org/version/1.1","items":[` + g.feedItem()
		return Load{Body: bomb(head, ",{}", "]}", 9<<20), Header: packed, Valid: 1, Whole: true}
	}},
	{"long-text", func(g *Gen) Load { return amidFeed(g, g.feedItem("content_text", quote(g.text()+long(5<<20)))) }},
	{"wide", func(g *Gen) Load { return amidFeed(g, g.feedItem(fields(100_000)...)) }},
	{"year-9999", func(g *Gen) Load { return amidFeed(g, g.feedItem("date_published", `"9999-12-31T23:59:59Z"`)) }},
	{"next-year", func(g *Gen) Load {
		at := quote(g.Now.AddDate(1, 0, 0).UTC().Format(time.RFC3339))
		return Load{Body: jsonFeed(g.feedItem("date_published", at)), Items: 1, Valid: 1}
	}},
	{"time-is-a-number", func(g *Gen) Load { return amidFeed(g, g.feedItem("date_published", "1e400")) }},
	{"truncated", func(g *Gen) Load { doc := jsonFeed(g.feedItem()); return Load{Body: doc[:len(doc)-10], Whole: true} }},
	{"utf16", func(g *Gen) Load {
		return Load{Body: wide(string(jsonFeed(g.feedItem())), true), Items: 1, Whole: true}
	}},
	{"bom", func(g *Gen) Load {
		return Load{Body: append([]byte("\ufeff"), jsonFeed(g.feedItem())...), Items: 1, Whole: true}
	}},
	{"nul-bytes", func(*Gen) Load { return Load{Body: append([]byte("{"), make([]byte, 1<<20)...), Whole: true} }},
	{"null", func(*Gen) Load { return Load{Body: []byte("null"), Whole: true} }},
	{"right-items", func(g *Gen) Load {
		var items []string
		for range 200 {
			items = append(items, g.feedItem())
		}
		return Load{Body: jsonFeed(items...), Items: 200, Valid: 200}
	}},
	{"slow", func(g *Gen) Load { return Load{Body: jsonFeed(g.feedItem()), Items: 1, Valid: 1, Pace: slowly} }},
}

func jsonFeedInputs() (out []Input) {
	for _, s := range jsonFeedShapes {
		out = append(out, Input{JSONFeed, s.name, s.make})
	}
	return out
}

// page is an article around something hostile.
func page(hostile string) []byte {
	return []byte("<!doctype html><html><head><title>A</title></head><body><article><p>" + long(600) +
		"</p>" + hostile + "</article></body></html>")
}

// pageShapes are articles that a right item links to. The item counts, whatever its page is.
var pageShapes = []struct {
	name string
	make func(g *Gen) Load
}{
	{"deep-div", func(*Gen) Load { return Load{Body: page(strings.Repeat("<div>", 150_000))} }},
	{"deep-inline", func(*Gen) Load { return Load{Body: page(strings.Repeat("<b><i><a href=x>", 60_000))} }},
	{"deep-tables", func(*Gen) Load { return Load{Body: page(strings.Repeat("<table><tr><td>", 50_000))} }},
	{"deep-svg", func(*Gen) Load { return Load{Body: page("<svg>" + strings.Repeat("<g>", 200_000))} }},
	{"deep-templates", func(*Gen) Load { return Load{Body: page(strings.Repeat("<template>", 80_000))} }},
	{"deep-lists", func(*Gen) Load { return Load{Body: page(strings.Repeat("<ul><li>", 80_000))} }},
	{"paragraphs", func(*Gen) Load { return Load{Body: page(strings.Repeat("<p>a, b, c", 90_000))} }},
	{"links", func(*Gen) Load { return Load{Body: page(strings.Repeat(`<a href="/x">y</a>`, 50_000))} }},
	{"attributes", func(*Gen) Load { return Load{Body: page("<p " + strings.Repeat(`a="b" `, 150_000) + ">x</p>")} }},
	{"long-attribute", func(*Gen) Load { return Load{Body: page(`<p class="` + long(900_000) + `">x</p>`)} }},
	{"entities", func(*Gen) Load { return Load{Body: page(strings.Repeat("&NotEqualTilde;", 60_000))} }},
	{"comments", func(*Gen) Load { return Load{Body: page(strings.Repeat("<!--><!-- -->", 70_000))} }},
	{"bomb", func(*Gen) Load { return Load{Body: bomb("<html><body>", "<div>", "", 200<<20), Header: packed} }},
	{"utf16", func(*Gen) Load { return Load{Body: wide(string(page("x")), true)} }},
	{"wrong-charset", func(*Gen) Load {
		return Load{Body: page("\xff\xfe\x00"), Header: map[string]string{"Content-Type": "text/html; charset=iso-2022-jp"}}
	}},
	{"nul-bytes", func(*Gen) Load {
		return Load{Body: make([]byte, 1<<20), Header: map[string]string{"Content-Type": "text/html"}}
	}},
	{"truncated", func(*Gen) Load {
		return Load{Body: page("")[:500], Header: map[string]string{"Content-Length": "100000"}}
	}},
	{"slow", func(*Gen) Load { return Load{Body: page("x"), Pace: slowly} }},
	{"redirects", func(*Gen) Load { return Load{Status: 302, Header: map[string]string{"Location": "/loop"}} }},
	{"error-of-10-MiB", func(*Gen) Load { return Load{Status: 503, Body: []byte(long(10 << 20))} }},
}

func pageInputs() (out []Input) {
	for _, s := range pageShapes {
		out = append(out, Input{Page, s.name, func(g *Gen) Load {
			l := s.make(g)
			l.Items, l.Valid = 1, 1
			return l
		}})
	}
	return out
}
