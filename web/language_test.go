package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"brandmelder/access"
	"brandmelder/brand"
	"brandmelder/store"
	"brandmelder/store/sqlite"

	"github.com/abadojack/whatlanggo"
	"golang.org/x/net/html"
)

// furnished is a desk whose pages show all that they can, configured in the language.
func furnished(t *testing.T, lang string) (srv *httptest.Server, links access.Links, id string) {
	t.Helper()
	srv, st, links, id := desk(t, lang, brand.Storm, "")
	in, err := st.Incident(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	furnish(t, st, &in)
	for i, call := range []brand.Call{
		{Role: "owner", To: "anna", Sent: t0},
		{Role: "deputy", To: "ben", GivenUp: true, Error: "it hung up"},
		{Role: "decider", To: "gil", Error: "it hung up"},
		{Role: "team"},
		{Role: "expert", To: "cem"},
	} {
		call.ID, call.Incident, call.Reason, call.Channel, call.At = fmt.Sprint("call", i), id, "opened", "c", t0
		if err := st.SaveIncident(t.Context(), &in, []brand.Call{call}); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(in *brand.Incident){
		"good":   func(in *brand.Incident) { in.Kind, in.AckBy, in.Verdict = brand.Opportunity, "ben", brand.Right },
		"drill":  func(in *brand.Incident) { in.Drill, in.AckBy = true, "" },
		"closed": func(in *brand.Incident) { in.Closed, in.Verdict = t0, brand.Wrong },
	} {
		other := in
		other.ID, other.Version = name, 0
		change(&other)
		if err := st.SaveIncident(t.Context(), &other, nil); err != nil {
			t.Fatal(err)
		}
	}
	return srv, links, id
}

// furnish fills the store, and the incident with what a spike, people and models may add to it.
func furnish(t *testing.T, st *sqlite.Store, in *brand.Incident) {
	t.Helper()
	post := brand.Mention{ID: "p", At: t0, Source: "news", Author: "kim", Text: "acme burns", Standing: brand.Press, URL: "https://x.example"}
	sp := &in.Spikes[0]
	sp.Why = map[string]string{"de": "viermal so viele Stimmen wie sonst um diese Zeit", "en": "four times as many voices as usual at this time"}
	sp.Outlook = sp.Why
	sp.Reasons = []brand.Reason{{For: true, Text: sp.Why}, {Text: sp.Why}}
	sp.Series = []brand.Point{{At: t0.Add(-6 * time.Hour), Voices: 3, High: 4}, {At: t0, Voices: 9, High: 4}}
	sp.Evidence.Mentions, sp.Evidence.Sources = 2, map[string]int{"news": 1, "x": 1}
	sp.Evidence.Samples = append(sp.Evidence.Samples, post)
	sp.Evidence.Stories = []brand.Story{{First: post, Told: 4, Reach: 1200, Sources: map[string]int{"mail": 4}}, {First: post, Told: 1}}
	sp.Evidence.Amplifiers = []brand.Amplifier{{Author: "kim", Source: "mail", Reach: 1200}}
	in.AckBy, in.AckAt, in.Steps[0].DoneAt, in.Steps[0].DoneBy = "anna", t0, t0, "desk"
	in.Experts = []brand.Suggestion{{Person: "cem", Name: "Cem C", Why: []string{"knows"}}, {Person: "ben", Name: "Ben B", Asked: t0}}
	in.Drafts[0].Edited, in.Drafts[0].Approvals = "anna", []brand.Approval{{By: "anna", At: t0}, {By: "gil", At: t0}}
	in.Drafts = append(in.Drafts, brand.Draft{ID: "d9", Kind: "holding statement", Lang: "en", From: "m", Text: "Call 0800 123456.", Note: "as it came", Flags: []brand.Flag{
		{Kind: brand.FlagPhone, Text: "0800 123456", By: "anna", At: t0}, {Kind: brand.FlagModel, Text: "m"}, {Kind: brand.FlagMoney, Text: "5"},
	}})
	for range maxTimeline + 5 {
		in.Note(t0, "anna", "ticked a step")
	}
	pin := func(key string, doc any) {
		data, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Pin(t.Context(), key, data); err != nil {
			t.Fatal(err)
		}
	}
	for i, state := range []string{"waiting", "listening", "slowed down", "stopped by an error", "failing"} {
		s := sourceDoc{Name: fmt.Sprint("s", i), Kind: []string{"imap", "feed", "file", "gdelt", "x"}[i], State: state, Every: "5m0s", Quiet: i%2 == 0, Gone: i}
		if i > 1 {
			s.Error, s.LastOK, s.LastNew, s.Next = "the server hung up", t0.Add(-72*time.Hour), t0.Add(-time.Minute), t0.Add(time.Hour)
		}
		pin("source/"+s.Name, s)
	}
	near := brand.Nearly{At: t0, Window: "1h0m0s", Observed: 1, Expected: 0.4, Score: -0.5, Threshold: 0.6}
	pin("topic/acme", topicDoc{
		Name: "acme", Query: "acme", Role: string(brand.Own), Mentions: 1, Learning: true, Curve: sp.Series,
		Nearly: []brand.Nearly{near, {At: t0, Window: "24h0m0s", Observed: 30, Expected: 9, Score: 1, Threshold: 3}}, New: []brand.Term{{Text: "fire", Count: 2}},
	})
	if _, err := st.Append(t.Context(), t0, []brand.Mention{post, {ID: "q", At: t0, Source: "x", Text: "acme of skiing"}}); err != nil {
		t.Fatal(err)
	}
	es, err := st.After(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Keep(t.Context(), []store.Match{{Topic: "acme", Pos: es[0].Pos, At: t0, Weight: 1}, {Topic: "acme", Pos: es[1].Pos, At: t0, Doubt: 0.9}}); err != nil {
		t.Fatal(err)
	}
	drill := *sp
	drill.ID, drill.Drill, drill.Kind, drill.Ended = "drill", true, brand.Tone, t0
	if err := st.AppendSpikes(t.Context(), []brand.Spike{*sp, drill}); err != nil {
		t.Fatal(err)
	}
	if err := st.AddDeadLetters(t.Context(), store.DeadLetter{ID: "l", At: t0, Room: "ingest", From: "x", Error: "it is not JSON"}); err != nil {
		t.Fatal(err)
	}
}

// apart reports an element whose text is not ours in the page's language: of strangers, or marked with a language.
func apart(n *html.Node) bool {
	if slices.Contains([]string{"bdi", "q", "code", "textarea", "style"}, n.Data) {
		return true
	}
	return n.Data != "html" && slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "lang" || a.Key == "dir" })
}

// shown are the attributes whose text people read, or have read out.
var shown = []string{"alt", "aria-label", "placeholder", "title"}

// inline are the elements that do not end a text.
var inline = []string{"a", "b", "bdi", "br", "code", "em", "i", "input", "q", "small", "span", "strong"}

// blocks are the texts of a page, one for each paragraph, cell, button and label.
func blocks(t *testing.T, page string) (out []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var now strings.Builder
	flush := func() {
		if text := strings.Join(strings.Fields(now.String()), " "); text != "" {
			out = append(out, text)
		}
		now.Reset()
	}
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode:
			now.WriteString(n.Data)
			return
		case n.Type == html.ElementNode && apart(n):
			now.WriteString(" … ")
			return
		}
		block := n.Type == html.ElementNode && !slices.Contains(inline, n.Data)
		for _, a := range n.Attr {
			if slices.Contains(shown, a.Key) && n.Data != "button" { // a step's button repeats the step
				out = append(out, a.Val)
			}
		}
		if block {
			flush()
		}
		for c := range n.ChildNodes() {
			walk(c)
		}
		if block {
			flush()
		}
	}
	walk(root)
	return out
}

// only are words that the other language does not have.
var only = map[string]*regexp.Regexp{
	"en": regexp.MustCompile(`(?i)\b(the|of|and|is|are|not|since|nobody|somebody|from|by|with|for|you|this|what|who|level|steps|drafts?|mentions?|sent|` +
		`waiting|taken|approved|expected|until|ago|deputy|decides|sources?|every|new|holding|statement|reply|playbook|owner|decider|none|days?|voices|press|mail|file)\b`),
	"de": regexp.MustCompile(`(?i)(\b(und|der|das|nicht|seit|niemand|jemand|von|mit|Sie|ist|wird|wer|bis|Stufe|Schritte|Beitrag|gesendet|wartet|` +
		`freigegeben|erwartet|negativ|Vertretung|entscheidet|Quelle|Quellen|alle|neu|keine|Tage|Stimmen|Presse|Datei)\b|[äöüß])`),
}

var (
	word  = regexp.MustCompile(`\p{L}{3,}`)
	names = regexp.MustCompile(`(?i)one voice|anna a|ben b|gil g|brandmelder|\d+ Mar\b|[\d.:·–…]+`) // in both
)

var langs = map[string]whatlanggo.Lang{"de": whatlanggo.Deu, "en": whatlanggo.Eng}

// speaks reports that the page has no text of the other language among its own.
func speaks(t *testing.T, lang, path, page string) {
	t.Helper()
	other := "de"
	if lang == "de" {
		other = "en"
	}
	for _, text := range blocks(t, page) {
		text = strings.NewReplacer("POST /api/v1/mentions", "", "people.yaml", "").Replace(text)
		if bad := only[other].FindString(text); bad != "" {
			t.Errorf("%s in %s: %q has %q", path, lang, text, bad)
		}
		text = names.ReplaceAllString(text, "")
		if len(word.FindAllString(text, -1)) < 5 || only[lang].MatchString(text) {
			continue
		}
		got := whatlanggo.DetectLangWithOptions(text, whatlanggo.Options{Whitelist: map[whatlanggo.Lang]bool{whatlanggo.Deu: true, whatlanggo.Eng: true}})
		if got != langs[lang] {
			t.Errorf("%s in %s: %q reads as %s", path, lang, text, got.Iso6391())
		}
	}
}

// Each page is in the language that the reader chose, whatever the configuration's is, and has no text in the other.
func TestNoPageMixesLanguages(t *testing.T) {
	for _, configured := range []string{"de", "en"} {
		srv, links, id := furnished(t, configured)
		anna := visit(t)
		anna.get(links.Make("anna", id, access.Owner, time.Now()))
		for _, lang := range []string{"de", "en"} {
			reader, other := visit(t), visit(t)
			other.get(links.Make("gil", id, access.Manager, time.Now()))
			other.post(srv.URL+"/language", url.Values{"lang": {lang}})
			code, body := other.get(links.Make("anna", id, access.Owner, time.Now()))
			want(t, code, body, http.StatusOK, `id="change"`)
			speaks(t, lang, "/call", body)
			for _, v := range []visitor{anna, reader} {
				code, body := v.post(srv.URL+"/language", url.Values{"lang": {lang}, "back": {"/playbooks"}})
				want(t, code, body, http.StatusOK, `<html lang="`+lang+`">`)
				for _, path := range append(everyPage(id), "/incidents/good", "/incidents/drill", "/incidents/closed") {
					_, body := v.get(srv.URL + path)
					speaks(t, lang, path, body)
				}
				for _, path := range []string{"/incidents/" + id + "/verdict", "/topics/acme/corrections", "/incidents/" + id + "/drafts/d9/approve"} {
					_, body := v.post(srv.URL+path, nil)
					speaks(t, lang, path, body)
				}
			}
		}
	}
}

// The language is the chosen one, else the browser's, else the configuration's; it is chosen before logging in too.
func TestAReaderIsAnsweredInTheirLanguage(t *testing.T) {
	srv, _, _, _ := desk(t, "de", brand.Storm, "open sesame")
	for _, c := range []struct{ accept, chosen, want string }{
		{"", "", "de"},
		{"en-GB,en;q=0.9,de;q=0.5", "", "en"},
		{"de-AT", "", "de"},
		{"fr-FR, ja;q=0.8", "", "de"}, // neither is there
		{"!!", "", "de"},
		{"en", "de", "de"},
		{"", "en", "en"},
		{"", "xx", "de"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/sign-in", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Language", c.accept)
		if c.chosen != "" {
			req.AddCookie(&http.Cookie{Name: languageCookie, Value: c.chosen})
		}
		v := visit(t)
		code, body := v.read(v.c.Do(req))
		want(t, code, body, http.StatusOK, `<html lang="`+c.want+`">`, `<label for="password">Passwor`)
		speaks(t, c.want, "/sign-in", body)
	}
}

// Choosing a language leads back to the page, and never to another server.
func TestChoosingALanguageLeadsNowhereElse(t *testing.T) {
	for raw, want := range map[string]string{
		"/topics/a%20b": "/topics/a%20b", "/": "/", "": "/", "topics": "/", "//evil.example": "/", "/\\evil.example": "/",
		"https://evil.example/": "/", "javascript:alert(1)": "/", "/%5cevil.example": "/", "/%2fevil.example": "/",
		"///evil.example": "/", "/a?b=c": "/a", "%zz": "/",
	} {
		if got := ownPath(raw); got != want {
			t.Errorf("%q leads to %q, want %q", raw, got, want)
		}
	}
}
