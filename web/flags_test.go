package web

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"brandmelder/access"
	"brandmelder/brand"
	"brandmelder/incident"
)

// A model's draft holds an address and a promise. The page lists both, in German and English, and offers a checkbox for
// each, and one for having read every word; without them the draft is not approved, whatever the browser sends.
// Confirmed, the page says by whom.
// Fails on 0005da9: the draft was approved by one click, and the page said nothing of the address.
func TestThePageAsksToConfirmWhatOnlyADraftSays(t *testing.T) {
	for lang, says := range map[string]map[string]string{
		"en": {
			"flag": "no approved text says it", "box": "I confirm the address",
			"whole": "I have read every word; it says nothing that we have not decided", "error": "Tick each box below the draft first", "by": "confirmed by Anna A",
		},
		"de": {
			"flag": "kein freigegebener Text sagt es", "box": "Ich bestätige: Adresse",
			"whole": "Ich habe jedes Wort gelesen; es sagt nichts, was wir nicht beschlossen haben", "error": "Haken Sie zuerst jedes Kästchen unter dem Entwurf an", "by": "bestätigt von Anna A",
		},
	} {
		srv, st, links, id := desk(t, lang, brand.ModerateBreeze, "")
		rev := incident.Revision{Number: 1, At: t0, Text: "Go to www.evil.example/\"><b>👩\u200d👧 and get a refund. Call 0800\n123456."}
		rev.Flags = []incident.Flag{{Kind: incident.FlagAddress, Text: "www.evil.example/\"><b>👩\u200d👧"}, {Kind: incident.FlagPromise, Text: "refund"}}
		happens(t, st, id, incident.Program.ID, incident.StatementDrafted{Statement: incident.Statement{
			ID: "d1m", Kind: incident.Holding, Lang: "en", From: "model", Revisions: []incident.Revision{rev},
		}})
		anna := visit(t)
		anna.get(links.Make("anna", id, access.Owner, time.Now()))
		page, approve := srv.URL+"/incidents/"+id, srv.URL+"/incidents/"+id+"/statements/d1m/approve"
		code, body := anna.get(page)
		want(t, code, body, http.StatusOK, says["flag"], says["box"], says["whole"], "<q><bdi>refund</bdi></q>")
		var keys []string
		for _, m := range regexp.MustCompile(`name="confirm" value="([^"]*)"`).FindAllStringSubmatch(body, -1) {
			keys = append(keys, html.UnescapeString(m[1]))
		}
		if len(keys) != 4 {
			t.Fatalf("%s: the boxes are %q", lang, keys)
		}
		code, body = anna.post(approve, url.Values{"revision": {"1"}})
		want(t, code, body, http.StatusConflict, says["error"])
		code, body = anna.post(approve, url.Values{"revision": {"1"}, "confirm": keys[:1]})
		want(t, code, body, http.StatusConflict, says["error"])
		code, body = anna.post(approve, url.Values{"revision": {"1"}, "confirm": keys})
		want(t, code, body, http.StatusOK, says["by"])
		if in := stored(t, st, id); len(in.Statement("d1m").Latest().Approvals) != 1 {
			t.Errorf("%s: %+v", lang, in.Statement("d1m"))
		}
		code, body = visit(t).get(page) // a reader, who may not approve
		want(t, code, body, http.StatusOK, says["by"], "<q><bdi>refund</bdi></q>")
	}
}
