package brandmelder

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is who may know whom; a new room must state it here. cmd knows everything.
var mayImport = map[string][]string{
	"brand": nil, "i18n": {"brand"}, "strictyaml": nil, "detect/sentiment": nil, "detect/sentiment/glove": {"detect/sentiment"}, "cmd/brandmelder/story": {"brand"}, "cmd/brandmelder/hostile": nil, "deploy/grafana": nil, "ingest/xtest": nil, "detect/lab": {"brand", "detect", "detect/sentiment"},
	"query": {"brand"}, "playbooks": {"brand", "strictyaml"}, "store": {"brand"}, "access": {"store"},
	"store/sqlite": {"store", "brand"}, "store/redisstore": {"store", "brand"}, "store/storetest": {"store", "brand"},
	"ingest": {"detect/sentiment", "query", "store", "brand"}, "detect/relevance": nil, "detect": {"detect/relevance", "detect/sentiment", "query", "store", "brand"},
	"alert": {"i18n", "playbooks", "store", "brand"}, "web": {"access", "alert", "i18n", "query", "store", "brand"},
}

func TestRoomsImportOnlyWhatTheTableAllows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		words := strings.Fields(line)
		room := strings.TrimPrefix(words[0], "brandmelder/")
		if room == "brandmelder" || room == "cmd/brandmelder" {
			continue
		}
		allowed, ok := mayImport[room]
		if !ok {
			t.Errorf("room %s is not in the table", room)
		}
		for _, w := range words[1:] {
			if other, ours := strings.CutPrefix(w, "brandmelder/"); ours && !slices.Contains(allowed, other) {
				t.Errorf("%s imports %s; the table does not allow it", room, other)
			}
		}
	}
}
