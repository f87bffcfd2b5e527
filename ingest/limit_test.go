package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/mmcdole/gofeed"
)

const rssHead = `<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>`

func rssItem(n int, more string) string {
	return fmt.Sprintf(`<item><title>acme %d</title><guid>%d</guid><pubDate>Sat, 14 Mar 2026 18:00:00 GMT</pubDate>%s</item>`, n, n, more)
}

func atomEntry(n int, more string) string {
	return fmt.Sprintf(`<entry><title>acme %d</title><id>%d</id><updated>2026-03-14T18:00:00Z</updated>%s</entry>`, n, n, more)
}

func jsonItem(n int, more string) string {
	return fmt.Sprintf(`{"id":"%d","title":"acme %d","content_text":"acme","date_published":"2026-03-14T18:00:00Z"%s}`, n, n, more)
}

// One item of a feed is nested without end, or otherwise beyond the limits: it is set aside with the reason, and the
// items around it are read.
//
// Fails on 0005da9: "goroutine stack exceeds 1000000000-byte limit", the process ends (RSS and Atom with 2 million
// elements).
func TestAFeedIsReadAroundWhatIsTooMuch(t *testing.T) {
	long := "<description>" + strings.Repeat("acme ", maxItemSize/5) + "</description>"
	deep := strings.Repeat("<x:a>", 200_000) + strings.Repeat("</x:a>", 200_000)
	unclosed := strings.Repeat("<x:a>", 9_000)
	wide := "<x:a " + strings.Repeat(`b="" `, 5_000) + "/>"
	many := strings.Repeat("<x:a/>", 20_000)
	spaces := strings.Repeat(`<x:a xmlns:b="c">`, 90) + strings.Repeat("</x:a>", 90)
	spaces = strings.ReplaceAll(spaces, `xmlns:b="c"`, `xmlns:b="c" xmlns:d="e" xmlns:f="g"`)
	for name, bad := range map[string]string{"deep": deep, "unclosed": unclosed, "wide": wide, "many": many, "namespaces": spaces, "long": long} {
		for form, body := range map[string]string{
			"rss":  rssHead + rssItem(1, "") + rssItem(2, bad) + rssItem(3, "") + `</channel></rss>`,
			"rdf":  `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><channel/>` + rssItem(1, "") + rssItem(2, bad) + rssItem(3, "") + `</rdf:RDF>`,
			"atom": `<feed xmlns="http://www.w3.org/2005/Atom">` + atomEntry(1, "") + atomEntry(2, bad) + atomEntry(3, "") + `</feed>`,
		} {
			got, err := parseFeed([]byte(body))
			if err != nil {
				t.Errorf("%s in %s: %v", name, form, err)
				continue
			}
			if len(got.Items) != 2 || len(got.bad) != 1 || got.Items[1].Title != "acme 3" {
				t.Errorf("%s in %s: got %d items and %v, want the two others and one that is set aside", name, form, len(got.Items), got.bad)
			}
			var limit *LimitError
			if len(got.bad) == 1 && (!errors.As(got.bad[0].Err, &limit) || len(got.bad[0].Item) > maxBadItem) {
				t.Errorf("%s in %s: got %v, want the limit that it is beyond", name, form, got.bad[0].Err)
			}
		}
	}
	for name, more := range map[string]string{
		"deep": `,"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "many": `,"x":[` + strings.Repeat("0,", 20_000) + `0]`,
	} {
		got, err := parseFeed([]byte(`{"version":"https://jsonfeed.org/version/1.1","items":[` + jsonItem(1, "") + "," + jsonItem(2, more) + " , " + jsonItem(3, "") + `]}`))
		if err != nil || len(got.Items) != 2 || len(got.bad) != 1 || got.ids()[1] != "3" {
			t.Errorf("%s in JSON Feed: got %+v, %v", name, got, err)
		}
	}
}

// ids are the GUIDs of the items.
func (p *parsedFeed) ids() (out []string) {
	for _, it := range p.Items {
		out = append(out, it.GUID)
	}
	return out
}

// The elements of a feed's head, or of no item, are nested without end: the items before that are read, and the feed is
// reported.
//
// Fails on 0005da9: the process ends by a stack overflow.
func TestAFeedThatNeverClosesIsReadUpToThere(t *testing.T) {
	deep := strings.Repeat("<a>", 2_000_000)
	for name, body := range map[string]string{
		"rss":   rssHead + rssItem(1, "") + deep,
		"atom":  `<feed xmlns="http://www.w3.org/2005/Atom">` + atomEntry(1, "") + strings.Repeat("<x:a>", 2_000_000),
		"item":  rssHead + rssItem(1, "") + "<item>" + deep,
		"tag":   rssHead + rssItem(1, "") + "<item " + strings.Repeat("a ", 1_000_000) + ">",
		"cut":   rssHead + rssItem(1, "") + "<item><title>ac",
		"wrong": rssHead + rssItem(1, "") + "<item><title></item></title></x></channel></rss></rss>" + rssItem(2, ""),
		"json":  `{"version":"https://jsonfeed.org/version/1.1","items":[` + jsonItem(1, "") + `,{"title":"ac`,
	} {
		got, err := parseFeed([]byte(body))
		if err != nil || len(got.Items) < 1 || got.Items[0].GUID != "1" {
			t.Errorf("%s: got %+v, %v; want the first item", name, got, err)
			continue
		}
		if got.err == nil && name != "wrong" {
			t.Errorf("%s: no error, though the feed is broken", name)
		}
	}
	for name, body := range map[string]string{
		"nothing but depth": deep, "depth as a feed": "<rss>" + deep, "attributes of the root": "<rss " + strings.Repeat("a ", 1_000_000), "empty": "<", "page": "<html>" + deep,
		"json": strings.Repeat("[", 1_000_000), "json object": strings.Repeat(`{"a":`, 1_000_000),
	} {
		if got, err := parseFeed([]byte(body)); err == nil {
			t.Errorf("%s: got %d items and no error", name, len(got.Items))
		}
	}
}

// A feed has too many items: the first are read, and the note has the number of the others.
func TestTheFirstItemsOfAnEndlessFeedAreRead(t *testing.T) {
	crowded := rssHead + strings.Repeat(`<item><title>a</title>`+strings.Repeat("<x:a/>", 98)+"</item>", 3000) + "</channel></rss>"
	if got, err := parseFeed([]byte(crowded)); err != nil || len(got.Items) < 1400 || len(got.Items)+got.over != 3000 || len(got.bad) != 1 {
		t.Errorf("crowded items: %d read, %d left out, %d bad, %v", len(got.Items), got.over, len(got.bad), err)
	}
	const n = maxItems + 1000
	var rss, atom strings.Builder
	docs := make([]string, n)
	for i := range n {
		rss.WriteString(rssItem(i, ""))
		atom.WriteString(atomEntry(i, ""))
		docs[i] = jsonItem(i, "")
	}
	for name, body := range map[string]string{
		"rss": rssHead + rss.String() + `</channel></rss>`, "atom": `<feed xmlns="http://www.w3.org/2005/Atom">` + atom.String() + `</feed>`,
		"json": `{"items":[` + strings.Join(docs, ",") + `],"title":"t"}`,
	} {
		got, err := parseFeed([]byte(body))
		if err != nil || len(got.Items) != maxItems || got.over != 1000 || len(got.bad) != 0 {
			t.Errorf("%s: got %d items, %d left out, %d bad, %v", name, len(got.Items), got.over, len(got.bad), err)
		}
	}
}

// Feeds that are within the limits are read as by the parser alone, whatever they are written in.
func TestTrimmingChangesNoOrdinaryFeed(t *testing.T) {
	for _, body := range []string{
		"\xef\xbb\xbf" + rssHead + rssItem(1, `<description><![CDATA[<p>a < b</p>]]></description><content:encoded xmlns:content="http://purl.org/rss/1.0/modules/content/">x</content:encoded>`) + `</channel></rss> trailing <x>`,
		`<?xml version="1.0" encoding="ISO-8859-1"?><!DOCTYPE rss><!-- <rss> --><rss><channel>` + rssItem(1, "<description>\xfcber&nbsp;</description>") + `</channel></rss>`,
		`<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://a.example/">` + atomEntry(1, `<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>a</p></div></content><link href="/x"/>`) + `</feed>`,
		`<RSS><CHANNEL><ITEM><TITLE>a</TITLE></ITEM></CHANNEL></RSS>`,
		`<rss><channel><item><title>a<br>b</title></item></channel></rss>`,
		`{"version":"1","title":"a \"[{","items":[ {"id":"1","content_html":"]}"} ,{"id":"2"}], "x":[1]}`, `{"items":[]}`,
	} {
		want, err := gofeed.NewParser().ParseString(body)
		got, err2 := parseFeed([]byte(body))
		if err != nil || err2 != nil || got.err != nil || len(got.bad) > 0 {
			t.Errorf("%.80s: %v, %v, %+v", body, err, err2, got)
			continue
		}
		a, _ := json.Marshal(want)
		b, _ := json.Marshal(got.Feed)
		if string(a) != string(b) {
			t.Errorf("got  %s\nwant %s", b, a)
		}
	}
}

// What is taken out never brings a parser to more than the limits, for any bytes.
func FuzzTrim(f *testing.F) {
	f.Add([]byte(rssHead + rssItem(1, "<x:a b=c d/>") + `</channel></rss>`))
	f.Add([]byte(`<feed><entry><content type="xhtml"><div><p></div></content></entry>`))
	f.Add([]byte(`<rdf:RDF><channel><items></channel><item></rdf:RDF>`))
	f.Add([]byte(`{"items":[{"id":"1"},[["\"]"]],2],"items":[`))
	f.Add([]byte("<?xml version='1.0' encoding='iso-2022-jp'?><rss>\x1b$B<a>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := parseFeed(body)
		if err == nil && len(got.Items) > maxItems {
			t.Errorf("%d items", len(got.Items))
		}
		var doc any
		_ = decode(body, &doc) // it must only end
	})
}
