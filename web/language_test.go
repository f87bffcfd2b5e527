package web

import (
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
	"brandmelder/incident"
	"brandmelder/store"
	"brandmelder/store/sqlite"

	"github.com/abadojack/whatlanggo"
	"golang.org/x/net/html"
)

// furnished is a desk whose pages show all that they can, configured in the language.
func furnished(t *testing.T, lang string) (srv *httptest.Server, links access.Links, id string) {
	t.Helper()
	srv, st, links, id := desk(t, lang, brand.Storm, "")
	furnish(t, st, id)
	calls := []incident.Call{
		{Role: incident.Owner, To: "anna", Sent: t0, Delivered: t0, Opened: t0, Answered: t0},
		{Role: incident.Deputy, To: "ben", GivenUp: t0, Error: "it hung up"},
		{Role: incident.Decider, To: "gil", Error: "it hung up"},
		{Role: incident.Team},
		{Role: incident.Helper, To: "cem"},
	}
	for i := range calls {
		c := &calls[i]
		c.ID, c.Incident, c.Reason.Kind, c.Channel, c.Created, c.Due = fmt.Sprint("call", i), id, incident.ReasonOpened, "c", t0, t0
	}
	in := stored(t, st, id)
	save(t, st, in, "anna", store.Change{Calls: calls}, incident.Noted{Text: "ok"})
	for name, change := range map[string]func(in *incident.State){
		"good": func(in *incident.State) {
			in.Kind, in.Taken, in.Verdict = incident.Opportunity, incident.Taking{By: "ben", At: t0}, incident.Right
		},
		"drill": func(in *incident.State) {
			in.Drill, in.Taken, in.Chain.Next = true, incident.Taking{}, t0.Add(time.Hour)
		},
		"closed": func(in *incident.State) {
			in.Status, in.Outcome, in.Closed, in.Verdict = incident.Closed, incident.FalseAlarm, t0, incident.Wrong
		},
		"merged": func(in *incident.State) {
			in.Status, in.Outcome, in.MergedInto, in.Closed = incident.Closed, incident.Merged, "good", t0
		},
		"asleep": func(in *incident.State) { // nobody can come, and one person alone speaks
			in.Taken, in.Decider, in.Chain.NobodyFree = incident.Taking{}, "", true
			in.Chain.Skipped = []incident.Skipped{
				{Role: incident.Owner, Person: "anna", Absence: incident.Away}, {Role: incident.Deputy, Person: "ben", Absence: incident.OffDuty},
			}
		},
	} {
		other := in
		other.ID, other.Version = name, 0
		change(&other)
		keep(t, st, other)
	}
	return srv, links, id
}

// furnish fills the store, and the incident with what a spike, people and models may add to it.
func furnish(t *testing.T, st *sqlite.Store, id string) {
	t.Helper()
	post := brand.Mention{ID: "p", At: t0, Source: "news", Author: "kim", Text: "acme burns", Standing: brand.Press, URL: "https://x.example"}
	in := stored(t, st, id)
	sp := in.Spikes[0]
	sp.Window, sp.Observed, sp.Expected, sp.Low, sp.High, sp.NegativeShare = "1h0m0s", 40, 10, 4, 16, 0.6
	sp.Learning, sp.Everywhere, sp.Late, sp.Planned, sp.Updated = true, true, true, "Xyz", t0.Add(time.Minute)
	sp.Forecast = &brand.Forecast{TotalLow: 90, TotalHigh: 400, EndsLow: t0.Add(time.Hour), EndsHigh: t0.Add(30 * time.Hour)}
	sp.Series = []brand.Point{{At: t0.Add(-6 * time.Hour), Voices: 3, High: 4}, {At: t0, Voices: 9, High: 4}}
	sp.Evidence.Mentions, sp.Evidence.Sources = 2, map[string]int{"news": 1, "x": 1}
	sp.Evidence.Articles, sp.Evidence.Authors, sp.Evidence.Campaign = 1, 9, true
	sp.Evidence.Terms = []brand.Term{{Text: "Xyz", Count: 2}}
	sp.Evidence.Samples, sp.Evidence.First = append(sp.Evidence.Samples, post), &post
	sp.Evidence.Clusters = []brand.Cluster{{First: post, Copies: 4, Reach: 1200, Sources: map[string]int{"mail": 4}}, {First: post, Copies: 1}}
	sp.Evidence.Amplifiers = []brand.Amplifier{{Author: "kim", Source: "mail", Reach: 1200}}
	save(t, st, in, incident.Program.ID, store.Change{Evidence: []brand.Spike{sp}}, incident.SpikeChanged{Spike: incident.Brief(sp)})
	var events []incident.Event
	for range maxTimeline + 5 {
		events = append(events, incident.Noted{Text: "ok"})
	}
	for _, e := range everyEvent() {
		switch e.(type) {
		case incident.Opened, incident.ClosedAs, incident.Reopened, incident.Imported:
		default:
			events = append(events, e)
		}
	}
	happens(t, st, id, "anna", append(events,
		incident.Taken{ActBy: t0.Add(time.Hour)}, incident.StatementApproved{Statement: "d1", Revision: 2, Department: "Communications"},
		incident.StatementDrafted{Statement: incident.Statement{
			ID: "d9", Kind: incident.Holding, Lang: "en", From: "m", Revisions: []incident.Revision{{Number: 1, Text: "Call 0800 123456.", Flags: []incident.Flag{
				{Kind: incident.FlagPhone, Text: "0800 123456", By: "anna", At: t0}, {Kind: incident.FlagModel, Text: "m"}, {Kind: incident.FlagMoney, Text: "5"},
			}}},
		}})...)
	happens(t, st, id, "desk", incident.StepDone{Step: "s1"})
	happens(t, st, id, "gil", incident.StatementApproved{Statement: "d1", Revision: 2, Department: "Management"}, incident.StatementPublished{Statement: "d1", Revision: 2})
	happens(t, st, id, "ben", incident.Judged{Verdict: incident.Right})
	say := func(s store.Status) {
		if err := st.SaveStatus(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	for i, state := range []string{"waiting", "listening", "slowed down", "stopped by an error", "failing"} {
		s := store.SourceStatus{Name: fmt.Sprint("s", i), Kind: []string{"imap", "feed", "file", "gdelt", "x"}[i], State: state, Every: "5m0s", Quiet: i%2 == 0, Gone: i}
		if i > 1 {
			s.Error, s.LastOK, s.LastNew, s.Next = "the server hung up", t0.Add(-72*time.Hour), t0.Add(-time.Minute), t0.Add(time.Hour)
		}
		say(s)
	}
	near := brand.Nearly{At: t0, Window: "1h0m0s", Observed: 1, Expected: 0.4, Score: -0.5, Threshold: 0.6}
	say(store.TopicStatus{
		Name: "acme", Query: "acme", Role: brand.Own, Mentions: 1, Learning: true, Curve: sp.Series,
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
	drill := sp
	drill.ID, drill.Drill, drill.Kind, drill.Ended = "drill", true, brand.Tone, t0
	if err := st.AppendSpikes(t.Context(), []brand.Spike{sp, drill}); err != nil {
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
		text = strings.NewReplacer("POST /api/v1/mentions", "", "GET /api/v1/incidents/", "", "people.yaml", "").Replace(text)
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
				code, body := v.post(srv.URL+"/language", url.Values{"lang": {lang}, "back": {"/incidents/" + id}})
				want(t, code, body, http.StatusOK, `<html lang="`+lang+`">`)
				for _, path := range append(everyPage(id), "/incidents/good", "/incidents/drill", "/incidents/closed", "/incidents/merged", "/incidents/asleep") {
					_, body := v.get(srv.URL + path)
					speaks(t, lang, path, body)
				}
				for _, path := range []string{"/incidents/" + id + "/verdict", "/topics/acme/corrections", "/incidents/" + id + "/statements/d9/approve"} {
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
