package web

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"brandmelder/access"
	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/people"
	"brandmelder/playbooks"
	"brandmelder/store"
	"brandmelder/store/sqlite"
)

const folk = `people:
  - {id: anna, name: Anna A, role: Press officer, department: Communications, one_voice: true, languages: [en]}
  - {id: ben, name: Ben B, role: Head of social media, department: Communications, one_voice: true}
  - {id: gil, name: Gil G, role: Managing director, department: Management}
  - {id: cem, name: Cem C, fields: [product safety]}
`

var t0 = time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC)

// here is who everybody on this machine is in a test: an admin, or nobody where there is a password.
func here(password string) access.Principal {
	if password != "" {
		return access.Principal{}
	}
	return access.Principal{Roles: []access.Role{access.Admin}, By: access.ByLocal}
}

// desk is a server with one open crisis of the level, with a hostile text in its evidence.
func desk(t *testing.T, lang string, level brand.Level, password string) (*httptest.Server, *sqlite.Store, access.Links, string) {
	t.Helper()
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	shelf, err := playbooks.Load("builtin:de", "builtin:en")
	if err != nil {
		t.Fatal(err)
	}
	folks, err := people.Parse("people.yaml", []byte(folk))
	if err != nil {
		t.Fatal(err)
	}
	topics := []brand.Topic{{Name: "acme", Query: "acme"}}
	d := &alert.Desk{Shelf: shelf, People: folks, Topics: topics, Lang: lang, Channels: []string{"c"}}
	hostile := brand.Mention{ID: "m", At: t0, Source: "x", Author: "<b>eve", Text: `it caught fire <script>alert(1)</script>`, URL: "javascript:alert(1)"}
	id := open(t, st, d, brand.Spike{
		ID: "s", Topic: "acme", Kind: brand.Volume, State: brand.Opened, Level: level, Began: t0, Detected: t0, Updated: t0,
		Evidence: brand.Evidence{Terms: []brand.Term{{Text: "<i>fire"}}, Samples: []brand.Mention{hostile}, First: &hostile},
	})
	happens(t, st, id, incident.Program.ID, incident.Assessed{Assessment: incident.Assessment{
		Model: "<i>large", Read: 7, Larger: [3]int{5, 2, 0}, Usual: [3]int{4, 3, 0}, Spent: "money", At: t0,
	}})
	srv := httptest.NewUnstartedServer(nil)
	links := access.Links{Key: make([]byte, 32), URL: "http://" + srv.Listener.Addr().String()}
	s, err := New(Options{Store: st, Intake: plainIntake{st}, Desk: d, Topics: topics, Links: links, Password: password, PublicURL: links.URL, Now: func() time.Time { return t0.Add(time.Minute) }, Log: slog.New(slog.DiscardHandler), Visitor: here(password)})
	if err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = s
	srv.Start()
	t.Cleanup(srv.Close)
	return srv, st, links, id
}

type visitor struct {
	t *testing.T
	c *http.Client
}

func visit(t *testing.T) visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return visitor{t, &http.Client{Jar: jar}}
}

func (v visitor) read(res *http.Response, err error) (int, string) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func (v visitor) get(u string) (int, string) { v.t.Helper(); return v.read(v.c.Get(u)) }
func (v visitor) post(u string, f url.Values) (int, string) {
	v.t.Helper()
	return v.read(v.c.PostForm(u, f))
}

func want(t *testing.T, code int, body string, wantCode int, parts ...string) {
	t.Helper()
	if code != wantCode {
		t.Errorf("got %d, want %d:\n%s", code, wantCode, body)
	}
	for _, p := range parts {
		if !strings.Contains(body, p) {
			t.Errorf("%q is not on the page:\n%s", p, body)
		}
	}
}

func TestEveryPageIsThereInBothLanguagesAndHoldsNoMarkupOfStrangers(t *testing.T) {
	for _, lang := range []string{"de", "en"} {
		srv, _, _, id := desk(t, lang, brand.ModerateBreeze, "")
		v := visit(t)
		for _, path := range []string{"/", "/incidents/" + id, "/topics", "/topics/acme", "/sources", "/playbooks", "/playbooks/recall"} {
			code, body := v.get(srv.URL + path)
			want(t, code, body, http.StatusOK, "</html>")
			for _, bad := range []string{"<script", "<i>fire", "<i>large", "<b>eve", "javascript:"} {
				if strings.Contains(body, bad) {
					t.Errorf("%s %s holds %q", lang, path, bad)
				}
			}
		}
		second := map[string][]string{
			"de": {"Ein zweites Mal gelesen von", "7 Beiträge, 5 negativ, 2 neutral, 0 positiv", "das Tonmodell beurteilte dieselben mit 4, 3, 0", "Nicht alle wurden ein zweites Mal gelesen: das Geld des Monats ist ausgegeben."},
			"en": {"Read a second time by", "7 mentions, 5 negative, 2 neutral, 0 positive", "the tone model judged the same as 4, 3, 0", "Not all were read a second time: the month&#39;s money is spent."},
		}
		code, body := v.get(srv.URL + "/incidents/" + id)
		want(t, code, body, http.StatusOK, second[lang]...)
		code, body = v.get(srv.URL + "/incidents/none")
		want(t, code, body, http.StatusNotFound)
	}
}

// What a person says of the call is kept, shown, and found by the detector; the last word holds.
func TestWhetherTheCallWasRightIsAskedAndKept(t *testing.T) {
	srv, st, _, id := desk(t, "en", brand.ModerateBreeze, "")
	v := visit(t)
	code, body := v.get(srv.URL + "/incidents/" + id)
	want(t, code, body, http.StatusOK, "Was it right to call?", "/verdict")
	code, body = v.post(srv.URL+"/incidents/"+id+"/verdict", url.Values{"right": {"perhaps"}})
	want(t, code, body, http.StatusBadRequest, "yes or no")
	if said, err := st.Feedback(t.Context()); err != nil || len(said) != 0 {
		t.Fatalf("an answer that is none made feedback %v, %v", said, err)
	}
	for _, say := range []struct {
		answer, page string
		right        bool
	}{{"yes", "You said: right.", true}, {"no", "You said: for nothing.", false}} {
		code, body = v.post(srv.URL+"/incidents/"+id+"/verdict", url.Values{"right": {say.answer}})
		want(t, code, body, http.StatusOK, say.page, "says that the call was")
		said, err := st.Feedback(t.Context())
		if err != nil || len(said) != 1 || said[0].Right != say.right || said[0].Topic != "acme" || !said[0].To.After(said[0].From) {
			t.Errorf("the feedback is %+v, %v", said, err)
		}
	}
}

// A mention that was judged wrong is corrected on its topic's page. The correction is kept, shown, and stands before
// what a filter thought.
func TestAMentionJudgedWrongIsCorrected(t *testing.T) {
	srv, st, _, _ := desk(t, "en", brand.ModerateBreeze, "")
	if _, err := st.Append(t.Context(), t0, []brand.Mention{{ID: "x:1", At: t0, Source: "x", Author: "kim", Text: "acme is a word for summit"}, {ID: "x:2", At: t0, Source: "x", Text: "acme of skiing"}}); err != nil {
		t.Fatal(err)
	}
	es, err := st.After(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Keep(t.Context(), []store.Match{{Topic: "acme", Pos: es[0].Pos, At: t0, Weight: 1}, {Topic: "acme", Pos: es[1].Pos, At: t0, Weight: 1, Doubt: 0.9}}); err != nil {
		t.Fatal(err)
	}
	v := visit(t)
	page := srv.URL + "/topics/acme"
	code, body := v.get(page)
	want(t, code, body, http.StatusOK, "acme is a word for summit", "1 held back", "acme of skiing", "not about you 90 %")
	for _, bad := range []url.Values{{"mention": {"x:1"}}, {"mention": {"x:1"}, "about": {"perhaps"}}, {"mention": {"x:1"}, "meant": {"kindly"}}} {
		code, body = v.post(page+"/corrections", bad)
		want(t, code, body, http.StatusBadRequest, "whether it is about you")
	}
	code, body = v.post(page+"/corrections", url.Values{"mention": {"none"}, "about": {"no"}})
	want(t, code, body, http.StatusNotFound)
	code, body = v.post(srv.URL+"/topics/other/corrections", url.Values{"mention": {"x:1"}, "about": {"no"}})
	want(t, code, body, http.StatusNotFound)
	code, body = v.post(page+"/corrections", url.Values{"mention": {"x:1"}, "about": {"no"}})
	want(t, code, body, http.StatusOK, "2 held back", `value="no" class="said"`)
	code, body = v.post(page+"/corrections", url.Values{"mention": {"x:1"}, "meant": {"neutral"}})
	want(t, code, body, http.StatusOK, "2 held back", `value="neutral" class="said"`)
	code, body = v.post(page+"/corrections", url.Values{"mention": {"x:2"}, "about": {"yes"}})
	want(t, code, body, http.StatusOK, "1 held back")
	cs, err := st.Corrections(t.Context())
	if err != nil || len(cs) != 2 {
		t.Fatalf("%d corrections, %v", len(cs), err)
	}
	cs, err = st.Corrections(t.Context(), (&brand.Correction{Topic: "acme", Mention: "x:1"}).Key())
	if err != nil || len(cs) != 1 || cs[0].About != brand.NotAboutUs || cs[0].Meant != brand.MeantNeutral || cs[0].Text != "acme is a word for summit" || cs[0].By != "desk" {
		t.Errorf("kept %+v, %v", cs, err)
	}
}

// A competitor's storm calls nobody, and stands on the first page.
func TestACompetitorsStormIsTold(t *testing.T) {
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	topics := []brand.Topic{{Name: "acme", Query: "acme"}, {Name: "velta", Query: "velta", Role: brand.Competitor}}
	folks, err := people.Parse("people.yaml", []byte(folk))
	if err != nil {
		t.Fatal(err)
	}
	shelf, err := playbooks.Load("builtin:en")
	if err != nil {
		t.Fatal(err)
	}
	spike := func(id, topic, why string, at time.Time) brand.Spike {
		return brand.Spike{ID: id, Topic: topic, Kind: brand.Volume, Level: brand.Storm, Began: at, Updated: at, Evidence: brand.Evidence{Terms: []brand.Term{{Text: why}}}}
	}
	if err := st.AppendSpikes(t.Context(), []brand.Spike{spike("1", "velta", "old news", t0.Add(-30*time.Hour)), spike("2", "velta", "first word", t0.Add(-time.Hour)), spike("2", "velta", "last word", t0), spike("3", "acme", "our own", t0)}); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(nil)
	links := access.Links{Key: make([]byte, 32), URL: "http://" + srv.Listener.Addr().String()}
	s, err := New(Options{Store: st, Desk: &alert.Desk{Shelf: shelf, People: folks, Topics: topics, Lang: "en"}, Topics: topics, Links: links, PublicURL: links.URL, Now: func() time.Time { return t0 }, Log: slog.New(slog.DiscardHandler), Visitor: here("")})
	if err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = s
	srv.Start()
	t.Cleanup(srv.Close)
	code, body := visit(t).get(srv.URL + "/")
	want(t, code, body, http.StatusOK, "Not yours, but near", "last word", "All is calm")
	for _, not := range []string{"old news", "first word", "our own"} {
		if strings.Contains(body, not) {
			t.Errorf("%q is on the page", not)
		}
	}
}

// The owner comes by her link, takes it, edits and approves; opening the link alone takes nothing; nobody else may
// speak.
func TestTheOwnerTakesItEditsAndApproves(t *testing.T) {
	srv, st, links, id := desk(t, "en", brand.ModerateBreeze, "")
	page := srv.URL + "/incidents/" + id
	reader := visit(t)
	for _, path := range []string{"/take", "/statements/d1", "/statements/d1/approve"} {
		code, body := reader.post(page+path, url.Values{"text": {"mine"}})
		want(t, code, body, http.StatusForbidden, "You may not do this here.")
	}
	anna := visit(t)
	code, body := anna.get(links.Make("anna", id, access.Owner, time.Now()))
	want(t, code, body, http.StatusOK, "I take it", "You are here as Anna A")
	if in, _ := st.Incident(t.Context(), id); in.Taken.By != "" {
		t.Error("opening the link took the incident")
	}
	code, body = anna.post(page+"/take", nil)
	want(t, code, body, http.StatusOK, "Taken by Anna A")
	code, body = anna.post(page+"/statements/d1/approve", url.Values{"revision": {"1"}})
	want(t, code, body, http.StatusOK, "approved by Anna A")
	code, body = anna.post(page+"/statements/d1", url.Values{"revision": {"1"}, "text": {"We are looking into it."}})
	want(t, code, body, http.StatusOK, "We are looking into it.", "its approvals do not count any more")
	if in, _ := st.Incident(t.Context(), id); len(in.Statements[0].Latest().Approvals) != 0 {
		t.Error("an edit left the approval standing")
	}
	anna.post(page+"/statements/d1/approve", url.Values{"revision": {"2"}})
	code, body = reader.post(page+"/steps/s1", url.Values{"done": {"yes"}})
	want(t, code, body, http.StatusOK, "somebody at the desk")
	code, body = anna.post(page+"/experts/cem/ask", nil)
	want(t, code, body, http.StatusOK, "asked <bdi>Cem C</bdi> for help")
	in, err := st.Incident(t.Context(), id)
	if err != nil || !in.Approved(&in.Statements[0]) {
		t.Errorf("got %+v, %v, want it approved", in.Statements[0], err)
	}
}

func TestAtTheHighestLevelsASecondPersonsWordIsNeeded(t *testing.T) {
	srv, st, links, id := desk(t, "en", brand.Storm, "")
	page := srv.URL + "/incidents/" + id
	anna, gil := visit(t), visit(t)
	anna.get(links.Make("anna", id, access.Owner, time.Now()))
	gil.get(links.Make("gil", id, access.Owner, time.Now()))
	code, body := gil.post(page+"/statements/d1/approve", url.Values{"revision": {"1"}})
	want(t, code, body, http.StatusForbidden)
	anna.post(page+"/statements/d1/approve", url.Values{"revision": {"1"}})
	if in, _ := st.Incident(t.Context(), id); in.Approved(&in.Statements[0]) {
		t.Error("one word was enough at level 5")
	}
	gil.post(page+"/statements/d1/approve", url.Values{"revision": {"1"}})
	if in, _ := st.Incident(t.Context(), id); !in.Approved(&in.Statements[0]) {
		t.Error("two words were not enough")
	}
}

func TestALinkThatWasChangedOrHasRunOutOpensNothing(t *testing.T) {
	srv, _, links, id := desk(t, "en", brand.ModerateBreeze, "")
	good := links.Make("anna", id, access.Owner, time.Now())
	for _, u := range []string{good + "x", srv.URL + "/call/x.y", links.Make("anna", id, access.Owner, time.Now().Add(-30*24*time.Hour))} {
		code, body := visit(t).get(u)
		want(t, code, body, http.StatusForbidden, "not valid")
	}
}

func TestWithAPasswordOnlyThoseWhoKnowItRead(t *testing.T) {
	srv, _, _, id := desk(t, "en", brand.ModerateBreeze, "open sesame")
	v := visit(t)
	code, body := v.get(srv.URL + "/incidents/" + id)
	want(t, code, body, http.StatusOK, "Password")
	code, body = v.post(srv.URL+"/sign-in", url.Values{"password": {"wrong"}})
	want(t, code, body, http.StatusForbidden)
	code, body = v.get(srv.URL + "/api/v1/incidents")
	want(t, code, body, http.StatusUnauthorized)
	code, body = v.post(srv.URL+"/sign-in", url.Values{"password": {"open sesame"}})
	want(t, code, body, http.StatusOK, "Incidents")
}

func TestMentionsArePushedAndWrongOnesTold(t *testing.T) {
	srv, st, _, _ := desk(t, "en", brand.ModerateBreeze, "")
	v := visit(t)
	code, body := v.read(v.c.Post(srv.URL+"/api/v1/mentions", "application/x-ndjson", strings.NewReader(
		`{"at":"2026-03-14T18:00:00Z","text":"acme"}`+"\n"+`{"at":"2026-03-14T18:00:00Z","text":"acme"}`+"\n"+`{"text":"no time"}`+"\n")))
	want(t, code, body, http.StatusAccepted, `"taken":1`, `"known":1`, `"line":3`, `\"at\" is missing`)
	es, err := st.After(t.Context(), "", 10)
	if err != nil || len(es) != 1 {
		t.Errorf("got %v, %v", es, err)
	}
}

func TestAPageElsewhereCannotReachUsUnderItsOwnName(t *testing.T) {
	srv, _, _, _ := desk(t, "en", brand.ModerateBreeze, "")
	req, _ := http.NewRequest(http.MethodGet, srv.URL+"/", nil)
	req.Host = "evil.example"
	v := visit(t)
	code, body := v.read(v.c.Do(req))
	want(t, code, body, http.StatusMisdirectedRequest)
	req, _ = http.NewRequest(http.MethodPost, srv.URL+"/incidents/x/close", nil)
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	code, body = v.read(v.c.Do(req))
	want(t, code, body, http.StatusForbidden)
}
