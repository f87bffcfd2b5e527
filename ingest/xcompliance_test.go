package ingest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
)

func TestWhatWasDeletedAtXIsToldByAComplianceJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		given, asked, plan := "", 0, true
		mux := http.NewServeMux()
		job := func(status string) obj {
			return obj{"data": obj{"id": "7", "type": "tweets", "status": status, "upload_url": "http://store.test/up?sig=s", "download_url": "http://store.test/down?sig=s"}}
		}
		mux.HandleFunc("POST x.test/2/compliance/jobs", func(w http.ResponseWriter, r *http.Request) {
			if !plan || r.Header.Get("Authorization") != "Bearer geheim" {
				http.Error(w, `{"title":"Client Forbidden","detail":"not in your plan"}`, http.StatusForbidden)
				return
			}
			sayJSON(w, job("created"))
		})
		mux.HandleFunc("PUT store.test/up", func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if given = string(body); r.Header.Get("Authorization") != "" {
				http.Error(w, "the token is not for others", http.StatusBadRequest)
			}
		})
		mux.HandleFunc("GET x.test/2/compliance/jobs/7", func(w http.ResponseWriter, _ *http.Request) {
			if asked++; asked < 4 {
				sayJSON(w, job("in_progress"))
				return
			}
			sayJSON(w, job("complete"))
		})
		mux.HandleFunc("GET store.test/down", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"id":"12","action":"delete","created_at":"2026-03-14T18:00:00.000Z","reason":"deleted"}`+"\n"+`{"id":"13","action":"scrub_geo","reason":"scrubbed_geo"}`+"\n\n"+`{"id":"14","action":"delete","reason":"suspended"}`+"\n")
		})
		l, err := assemble(nil, []Config{{Kind: "x", Token: "geheim", BaseURL: "http://x.test"}}, Deps{Client: network(t, mux, rate.Inf), Topics: topics}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		gone, err := l.Withdrawn(t.Context(), []string{"x:11", "x:12", "x:count:ab:1", "at://a", "x:13", "x:14"})
		if err != nil || !slices.Equal(gone, []string{"x:12", "x:14"}) || given != "11\n12\n13\n14\n" {
			t.Errorf("got %v, %v; X was given %q", gone, err, given)
		}
		plan = false
		if _, err := l.Withdrawn(t.Context(), []string{"x:11"}); !errors.Is(err, ErrGiveUp) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("without the plan: %v", err)
		}
		if gone, err := l.Withdrawn(t.Context(), []string{"at://a"}); len(gone) != 0 || err != nil {
			t.Errorf("of others it asks nothing: %v, %v", gone, err)
		}
		time.Sleep(time.Second)
	})
}
