package ingest

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func init() { kinds["bulletin"] = kind{[]string{"url"}, time.Minute, newBulletin} }

// --- the board
func serveBulletin(w *world) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ps, more := w.newest(number(r.FormValue("before")), 50)
		doc := obj{"notices": each(w.shuffled(ps), func(p post) any {
			return obj{"id": strconv.Itoa(p.n), "at": p.at, "by": p.author(), "text": p.text}
		})}
		if more {
			doc["older"] = strconv.Itoa(ps[len(ps)-1].n)
		}
		writeJSON(rw, doc)
	})
}

// --- end

// The page on how to write a source shows code that compiles, and that passes the tests of all sources.
func TestThePageOnSourcesShowsWhatCompiles(t *testing.T) {
	page, err := os.ReadFile("../docs/contributing-a-source.md")
	if err != nil {
		t.Fatal(err)
	}
	for file, begin := range map[string]string{
		"bulletin_test.go": "// --- bulletin.go\n", "contributing_test.go": "// --- the board\n",
	} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, code, ok := strings.Cut(string(source), begin)
		code, _, ok2 := strings.Cut(code, "\n// --- end")
		if !ok || !ok2 || !strings.Contains(string(page), strings.TrimSpace(code)) {
			t.Errorf("docs/contributing-a-source.md does not show what %s holds", file)
		}
	}
}
