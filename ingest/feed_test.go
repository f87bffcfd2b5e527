package ingest

import (
	"bytes"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"

	"github.com/mmcdole/gofeed"
)

// The test files of gofeed, RSS, Atom and JSON, with unusual elements and encodings. The source reads what gofeed can
// read; the rest becomes dead letters.
func TestFeedsOfAllSortsAreHeard(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/mmcdole/gofeed").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(strings.TrimSpace(string(dir)), "testdata")
	srv := httptest.NewServer(http.FileServer(http.Dir(root)))
	defer srv.Close()
	deps := Deps{Client: &http.Client{Transport: http.DefaultTransport}, Topics: []brand.Topic{{Name: "a", Query: "a"}}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	read, broken, items := 0, 0, 0
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		want, parseErr := gofeed.NewParser().Parse(bytes.NewReader(body))
		if parseErr == nil && want == nil {
			return nil
		}
		s, err := newFeed(Config{Kind: "feed", URL: srv.URL + filepath.ToSlash(strings.TrimPrefix(path, root))}, deps)
		if err != nil {
			return err
		}
		ms, bad, cursor, err := listenOnce(t, s, "{}") // not the first visit: undated items count too
		switch {
		case parseErr != nil:
			if broken++; err == nil || len(bad) != 1 {
				t.Errorf("%s: got %v and %d dead letters for a feed that is none", path, err, len(bad))
			}
		case err != nil || len(bad) > 0 || len(ms) != len(want.Items) || cursor == "":
			t.Errorf("%s: got %d of %d items, %v, %v", path, len(ms), len(want.Items), bad, err)
		default:
			read++
			items += len(ms)
		}
		for _, m := range ms {
			if m.ID == "" || m.At.IsZero() || strings.Contains(m.Text, "<script") {
				t.Errorf("%s: got %+v", path, m)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if t.Logf("%d feeds read, %d items, %d broken", read, items, broken); read < 300 || items < 100 {
		t.Errorf("only %d feeds with %d items were read", read, items)
	}
}
