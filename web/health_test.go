package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"brandmelder/alert"
	"brandmelder/brand"
	"brandmelder/i18n"
	"brandmelder/playbooks"
	"brandmelder/store"
	"brandmelder/store/sqlite"
)

// Fails on 0005da9: the start page said "All is calm" and /readyz "ready" while detection had stopped.
func TestThePagesAreCalmOnlyWhileDetectionWorks(t *testing.T) {
	for lang, says := range map[string]struct{ calm, down, never, lost string }{
		"en": {"All is calm", "Detection is down since 14 Mar 18:00. Nobody is called for a new crisis.", "Detection has not started yet. Nobody", "The store was emptied"},
		"de": {"Alles ruhig", "Die Erkennung steht still seit 14.3. 18:00. Für eine neue Krise wird niemand gerufen.", "Die Erkennung ist noch nicht gestartet. Für", "Der Speicher wurde geleert"},
	} {
		t.Run(lang, func(t *testing.T) {
			st, err := sqlite.Open(t.Context(), ":memory:")
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			shelf, err := playbooks.Load("builtin:en")
			if err != nil {
				t.Fatal(err)
			}
			health := store.Health{}
			s, err := New(Options{
				Store: st, Desk: &alert.Desk{Shelf: shelf, Lang: lang}, Topics: []brand.Topic{{Name: "acme", Query: "acme"}}, Log: slog.New(slog.DiscardHandler),
				Now: func() time.Time { return t0.Add(time.Hour) }, Health: func() store.Health { return health }, Visitor: here(""),
			})
			if err != nil {
				t.Fatal(err)
			}
			srv := httptest.NewServer(s)
			defer srv.Close()
			see := func(h store.Health, pageCode, readyCode int, parts ...string) {
				t.Helper()
				health = h
				code, page := visit(t).get(srv.URL + "/")
				want(t, code, strings.Join(strings.Fields(page), " "), pageCode, parts...)
				if calm := strings.Contains(page, says.calm); calm != h.Working() {
					t.Errorf("%s: the page is calm: %v", h.Cause, calm)
				}
				code, ready := visit(t).get(srv.URL + "/readyz")
				want(t, code, ready, readyCode)
				if down := readyCode != http.StatusOK; down && strings.Contains(ready, "ready") {
					t.Errorf("%s: /readyz says %q", h.Cause, ready)
				}
				_, doc := visit(t).get(srv.URL + "/api/v1/health")
				if !strings.Contains(doc, fmt.Sprintf(`"working":%v`, h.Working())) || !strings.Contains(doc, string(h.Cause)) {
					t.Errorf("the API says %s", doc)
				}
			}
			see(store.Health{}, http.StatusOK, http.StatusOK)
			for cause, code := range map[store.Cause]int{
				store.StoreSilent: http.StatusServiceUnavailable, store.StoreRefuses: http.StatusOK, store.StoreGone: http.StatusOK,
				store.DetectionStopped: http.StatusOK, store.DetectionLags: http.StatusOK,
			} {
				why, first := alert.CauseText(cause, i18n.In(lang))
				see(store.Health{Cause: cause, Since: t0}, code, http.StatusServiceUnavailable, says.down, sentence(why), first)
			}
			see(store.Health{Cause: store.DetectionNever}, http.StatusOK, http.StatusServiceUnavailable, says.never)
			lost := []store.Fault{{Kind: store.StoreLost, At: t0}, {Kind: store.StoreLost, At: t0}}
			see(store.Health{Faults: lost}, http.StatusOK, http.StatusOK, says.lost)
		})
	}
}
