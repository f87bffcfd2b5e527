package x

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"brandmelder/brand"
)

// served is a network on which h answers each request, within the test's own time.
type served struct{ h http.Handler }

func (s served) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	in := r.Clone(r.Context())
	in.Host, in.RequestURI = r.URL.Host, r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	s.h.ServeHTTP(answer, in)
	res := answer.Result()
	res.Request = r
	return res, nil
}

// A compliance job gets the numbers of X's posts alone, and says which of them were deleted.
func TestAComplianceJobNamesTheDeletedPosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		given, asked, plan := "", 0, true
		answer := func(w io.Writer, status string) {
			fmt.Fprintf(w, `{"data":{"id":"7","type":"tweets","status":%q,"upload_url":"http://store.test/up?sig=s","download_url":"http://store.test/down?sig=s"}}`, status)
		}
		mux := http.NewServeMux()
		mux.HandleFunc("POST x.test/2/compliance/jobs", func(w http.ResponseWriter, r *http.Request) {
			if !plan || r.Header.Get("Authorization") != "Bearer geheim" {
				http.Error(w, `{"title":"Client Forbidden","detail":"not in your plan"}`, http.StatusForbidden)
				return
			}
			answer(w, "created")
		})
		mux.HandleFunc("PUT store.test/up", func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if given = string(body); r.Header.Get("Authorization") != "" {
				http.Error(w, "the token is not for others", http.StatusBadRequest)
			}
		})
		mux.HandleFunc("GET x.test/2/compliance/jobs/7", func(w http.ResponseWriter, _ *http.Request) {
			if asked++; asked < 4 {
				answer(w, "in_progress")
				return
			}
			answer(w, "complete")
		})
		mux.HandleFunc("GET store.test/down", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"id":"12","action":"delete","created_at":"2026-03-14T18:00:00.000Z","reason":"deleted"}`+"\n"+`{"id":"13","action":"scrub_geo","reason":"scrubbed_geo"}`+"\n\n"+`{"id":"14","action":"delete","reason":"suspended"}`+"\n")
		})
		made, err := New(Config{Token: "geheim", BaseURL: "http://x.test"}, depsOf(&http.Client{Transport: served{mux}}, time.Now, brand.Topic{Name: "a", Query: "acme"}))
		if err != nil {
			t.Fatal(err)
		}
		s := made.(*search)
		gone, err := s.Withdrawn(t.Context(), []string{"x:11", "x:12", "x:count:ab:1", "at://a", "x:13", "x:14"})
		if err != nil || !slices.Equal(gone, []string{"x:12", "x:14"}) || given != "11\n12\n13\n14\n" {
			t.Errorf("got %v, %v; X was given %q", gone, err, given)
		}
		plan = false
		var no *refused
		if _, err := s.Withdrawn(t.Context(), []string{"x:11"}); !errors.As(err, &no) || no.status != http.StatusForbidden {
			t.Errorf("without the plan: %v", err)
		}
		if gone, err := s.Withdrawn(t.Context(), []string{"at://a"}); len(gone) != 0 || err != nil {
			t.Errorf("without posts of X it asks nothing: got %v, %v", gone, err)
		}
	})
}
