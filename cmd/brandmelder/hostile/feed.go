package hostile

import (
	"fmt"
	"html"
	"strings"
	"time"
)

// slowly is the pause between the pieces of a slow input: ten pieces take three seconds.
const slowly = 300 * time.Millisecond

// xmlForm is RSS or Atom, so that each hostile shape comes in both.
type xmlForm struct {
	entry            Entry
	open, shut, name string // before and after the items; the item's element
	item             func(id, at, text, more string) string
}

var xmlForms = []xmlForm{
	{
		RSS, `<rss version="2.0"><channel><title>News</title>`, `</channel></rss>`, "item",
		func(id, at, text, more string) string {
			return fmt.Sprintf("<item><guid>%s</guid><pubDate>%s</pubDate><title>%s</title>%s</item>", id, at, text, more)
		},
	},
	{
		Atom, `<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>`, `</feed>`, "entry",
		func(id, at, text, more string) string {
			return fmt.Sprintf("<entry><id>%s</id><updated>%s</updated><title>%s</title>%s</entry>", id, at, text, more)
		},
	},
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>`

// one is a right item; more stands inside it.
func (f xmlForm) one(g *Gen, more string) string { return f.item(g.id(), g.at(), g.text(), more) }

func (f xmlForm) doc(items ...string) string {
	return xmlHead + f.open + strings.Join(items, "") + f.shut
}

// around puts something hostile between two right items. The feed may be refused as a whole.
func (f xmlForm) around(g *Gen, hostile string) Load {
	return Load{Body: []byte(f.doc(f.one(g, ""), hostile, f.one(g, ""))), Valid: 2, Whole: true}
}

// dated is a feed whose second item has the time.
func (f xmlForm) dated(g *Gen, at string, valid int) Load {
	return Load{Body: []byte(f.doc(f.one(g, ""), f.item(g.id(), at, g.text(), ""))), Items: 2, Valid: valid}
}

var xmlShapes = []struct {
	name string
	make func(g *Gen, f xmlForm) Load
}{
	// deep and wide
	{"deep-compressed", func(g *Gen, f xmlForm) Load {
		return Load{Body: bomb(xmlHead+f.open+f.one(g, ""), "<a>", "", 6<<20), Header: packed, Whole: true}
	}},
	{"deep-extension-compressed", func(_ *Gen, f xmlForm) Load {
		head := xmlHead + f.open + `<x:r xmlns:x="urn:x">`
		return Load{Body: bomb(head, "<x:a>", "", 10<<20-70_000), Header: packed, Whole: true}
	}},
	{"deep-and-closed", func(g *Gen, f xmlForm) Load {
		return f.around(g, strings.Repeat("<a>", 100_000)+strings.Repeat("</a>", 100_000))
	}},
	{"deep-in-an-item", func(g *Gen, f xmlForm) Load {
		return f.around(g, f.one(g, "<description>"+strings.Repeat("<b>", 50_000)+"</description>"))
	}},
	{"deep-html-in-an-item", func(g *Gen, f xmlForm) Load {
		return f.around(g, f.one(g, "<description>"+html.EscapeString(strings.Repeat("<div>", 100_000))+"</description>"))
	}},
	{"deep-extension", func(g *Gen, f xmlForm) Load {
		return f.around(g, f.one(g, strings.Repeat(`<x:y xmlns:x="urn:x">`, 20_000)+strings.Repeat("</x:y>", 20_000)))
	}},
	{"attributes", func(g *Gen, f xmlForm) Load {
		var sb strings.Builder
		for i := range 200_000 {
			fmt.Fprintf(&sb, ` a%d="1"`, i)
		}
		return f.around(g, "<a"+sb.String()+"/>")
	}},
	{"long-attribute", func(g *Gen, f xmlForm) Load { return f.around(g, `<a b="`+long(8<<20)+`"/>`) }},
	{"name-spaces", func(g *Gen, f xmlForm) Load {
		var sb strings.Builder
		for i := range 20_000 {
			fmt.Fprintf(&sb, `<p%d:e xmlns:p%d="urn:%d"/>`, i, i, i)
		}
		return f.around(g, sb.String())
	}},
	// many
	{"empty-items-compressed", func(g *Gen, f xmlForm) Load {
		return Load{
			Body:   bomb(xmlHead+f.open+f.one(g, ""), "<"+f.name+"/>", f.shut, 9<<20),
			Header: packed, Valid: 1, Whole: true,
		}
	}},
	{"items-of-one-letter", func(g *Gen, f xmlForm) Load {
		return Load{
			Body:   bomb(xmlHead+f.open+f.one(g, ""), "<"+f.name+"><title>a</title></"+f.name+">", f.shut, 9<<20),
			Header: packed, Valid: 1, Whole: true,
		}
	}},
	{"right-items", func(g *Gen, f xmlForm) Load {
		var items []string
		for range 200 {
			items = append(items, f.one(g, ""))
		}
		return Load{Body: []byte(f.doc(items...)), Items: 200, Valid: 200}
	}},
	{"one-item-a-hundred-times", func(g *Gen, f xmlForm) Load {
		return Load{Body: []byte(f.doc(strings.Repeat(f.one(g, ""), 100))), Items: 100, Valid: 1}
	}},
	{"links-to-hubs", func(g *Gen, f xmlForm) Load {
		return f.around(g, strings.Repeat(`<link rel="hub" href="javascript:alert(1)"/>`, 100_000))
	}},
	// long
	{"long-title", func(g *Gen, f xmlForm) Load { return f.around(g, f.item(g.id(), g.at(), g.text()+long(5<<20), "")) }},
	{"long-text", func(g *Gen, f xmlForm) Load {
		return f.around(g, f.one(g, "<description>"+long(5<<20)+"</description>"))
	}},
	{"long-id", func(g *Gen, f xmlForm) Load { return f.around(g, f.item(g.id()+long(5<<20), g.at(), g.text(), "")) }},
	{"long-comment", func(g *Gen, f xmlForm) Load { return f.around(g, "<!--"+long(8<<20)+"-->") }},
	{"long-instruction", func(g *Gen, f xmlForm) Load { return f.around(g, "<?a "+long(8<<20)+"?>") }},
	{"long-cdata", func(g *Gen, f xmlForm) Load {
		return f.around(g, f.one(g, "<description><![CDATA["+strings.Repeat("<p>a", 1_000_000)+"]]></description>"))
	}},
	// compressed, truncated, slow
	{"bomb", func(_ *Gen, _ xmlForm) Load {
		return Load{Body: bomb("", "\x00", "", 200<<20), Header: packed, Whole: true}
	}},
	{"bomb-of-spaces", func(g *Gen, f xmlForm) Load {
		return Load{Body: bomb(xmlHead+f.open, " ", f.one(g, "")+f.shut, 200<<20), Header: packed, Whole: true}
	}},
	{"not-compressed", func(g *Gen, f xmlForm) Load {
		return Load{Body: []byte(f.doc(f.one(g, ""))), Header: packed, Whole: true}
	}},
	{"compressed-twice", func(g *Gen, f xmlForm) Load {
		return Load{Body: gzipped(gzipped([]byte(f.doc(f.one(g, ""))))), Header: packed, Whole: true}
	}},
	{"truncated", func(g *Gen, f xmlForm) Load {
		doc := f.doc(f.one(g, ""), f.one(g, ""))
		return Load{Body: []byte(doc[:len(doc)-len(f.shut)-20]), Whole: true}
	}},
	{"truncated-compressed", func(g *Gen, f xmlForm) Load {
		z := gzipped([]byte(f.doc(f.one(g, ""))))
		return Load{Body: z[:len(z)/2], Header: packed, Whole: true}
	}},
	{"slow", func(g *Gen, f xmlForm) Load {
		l := f.around(g, "")
		l.Pace, l.Whole, l.Items = slowly, false, 2
		return l
	}},
	// encodings
	{"utf16", func(g *Gen, f xmlForm) Load {
		doc := strings.Replace(f.doc(f.one(g, "")), "UTF-8", "UTF-16", 1)
		return Load{Body: wide(doc, true), Items: 1, Whole: true}
	}},
	{"utf16-unmarked", func(g *Gen, f xmlForm) Load {
		return Load{Body: wide(f.doc(f.one(g, "")), false), Items: 1, Whole: true}
	}},
	{"bom", func(g *Gen, f xmlForm) Load {
		return Load{Body: []byte("\ufeff" + f.doc(f.one(g, ""))), Items: 1, Valid: 1, Whole: true}
	}},
	{"nul-bytes", func(g *Gen, f xmlForm) Load { return f.around(g, "\x00\x00\x00") }},
	{"invalid-utf8", func(g *Gen, f xmlForm) Load {
		return Load{
			Body:  []byte(f.doc(f.one(g, ""), f.item(g.id(), g.at(), g.text()+" \xff\xfe\xc3", ""))),
			Items: 2, Valid: 2,
		}
	}},
	{"unknown-charset", func(g *Gen, f xmlForm) Load {
		doc := strings.Replace(f.doc(f.one(g, "")), "UTF-8", "x-nope", 1)
		return Load{Body: []byte(doc), Items: 1, Whole: true}
	}},
	{"noise", func(g *Gen, _ xmlForm) Load { return Load{Body: g.noise(1 << 20), Whole: true} }},
	// entities
	{"entity-bomb", func(g *Gen, f xmlForm) Load {
		var sb strings.Builder
		sb.WriteString(`<!DOCTYPE a [<!ENTITY e0 "lol">`)
		for i := 1; i < 12; i++ {
			fmt.Fprintf(&sb, `<!ENTITY e%d "%s">`, i, strings.Repeat(fmt.Sprintf("&e%d;", i-1), 10))
		}
		return Load{
			Body:  []byte(xmlHead + sb.String() + "]>" + f.open + f.item(g.id(), g.at(), "&e11;", "") + f.shut),
			Items: 1, Whole: true,
		}
	}},
	{"external-entity", func(g *Gen, f xmlForm) Load {
		head := xmlHead + `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>`
		return Load{Body: []byte(head + f.open + f.item(g.id(), g.at(), "&x;", "") + f.shut), Items: 1, Whole: true}
	}},
	// times
	{"year-1", func(g *Gen, f xmlForm) Load { return f.dated(g, "0001-01-01T00:00:00Z", 1) }},
	{"year-9999", func(g *Gen, f xmlForm) Load { return f.dated(g, "9999-12-31T23:59:59Z", 1) }},
	{"next-year", func(g *Gen, f xmlForm) Load {
		return f.dated(g, g.Now.AddDate(1, 0, 0).UTC().Format(time.RFC3339), 2)
	}},
	{"time-2^63", func(g *Gen, f xmlForm) Load { return f.dated(g, "9223372036854775808", 1) }},
	{"time-of-a-megabyte", func(g *Gen, f xmlForm) Load { return f.dated(g, strings.Repeat("9", 1<<20), 1) }},
	// not a feed, and what stands before it
	{"a-page", func(*Gen, xmlForm) Load {
		return Load{Body: []byte("<!doctype html><html><body>Sorry</body></html>"), Whole: true}
	}},
	{"empty", func(*Gen, xmlForm) Load { return Load{Whole: true} }},
	{"error-of-10-MiB", func(*Gen, xmlForm) Load { return Load{Status: 500, Body: []byte(long(10 << 20)), Whole: true} }},
	{"redirect-to-itself", func(*Gen, xmlForm) Load {
		return Load{Status: 302, Header: map[string]string{"Location": "/loop"}, Whole: true}
	}},
	{"redirect-to-a-file", func(*Gen, xmlForm) Load {
		return Load{Status: 302, Header: map[string]string{"Location": "file:///etc/passwd"}, Whole: true}
	}},
	{"redirect-nowhere", func(*Gen, xmlForm) Load { return Load{Status: 301, Whole: true} }},
	{"half-of-its-length", func(g *Gen, f xmlForm) Load {
		return Load{Body: []byte(f.doc(f.one(g, ""))), Header: map[string]string{"Content-Length": "1000000"}, Whole: true}
	}},
	{"long-heads", func(g *Gen, f xmlForm) Load {
		return Load{
			Body:   []byte(f.doc(f.one(g, ""))),
			Header: map[string]string{"X-Long": long(2 << 20)}, Items: 1, Whole: true,
		}
	}},
	{"long-validator", func(g *Gen, f xmlForm) Load {
		return Load{
			Body:   []byte(f.doc(f.one(g, ""))),
			Header: map[string]string{"ETag": `"` + long(500_000) + `"`}, Items: 1, Valid: 1, Whole: true,
		}
	}},
}

func feedInputs() (out []Input) {
	for _, f := range xmlForms {
		for _, s := range xmlShapes {
			out = append(out, Input{f.entry, s.name, func(g *Gen) Load { return s.make(g, f) }})
		}
	}
	return out
}
