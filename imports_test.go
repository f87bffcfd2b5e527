package brandmelder

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is which package may import which of the others; a new package must state it here. cmd/brandmelder may
// import all.
var mayImport = map[string][]string{
	"brand": nil, "language": nil, "strictyaml": nil,
	"i18n": {"brand"}, "incident": {"brand"}, "people": {"brand", "strictyaml"}, "playbooks": {"brand", "strictyaml"}, "query": {"brand"},
	"store":        {"incident", "brand"},
	"store/sqlite": {"store", "incident", "brand"}, "store/redisstore": {"store", "incident", "brand"}, "store/storetest": {"store", "incident", "brand"},
	"access":   {"incident", "store", "brand"},
	"ingest/x": {"query", "brand"}, "ingest/x/xtest": nil, "ingest": {"ingest/x", "language", "query", "store", "brand"},
	"detect/sentiment": nil, "detect/sentiment/glove": {"detect/sentiment"}, "detect/relevance": nil,
	"detect": {"detect/relevance", "detect/sentiment", "language", "query", "store", "brand"}, "detect/lab": {"brand", "i18n", "detect", "detect/sentiment"},
	"alert/foreign": nil, "alert/outbound": {"alert/foreign"}, "alert/notify": {"alert/foreign", "alert/outbound", "i18n", "incident", "people", "brand"},
	"alert/assist":          {"alert/foreign", "alert/outbound", "incident", "store", "brand"},
	"alert":                 {"alert/foreign", "alert/notify", "alert/assist", "access", "i18n", "incident", "people", "playbooks", "store", "brand"},
	"web":                   {"alert", "alert/foreign", "alert/notify", "access", "i18n", "incident", "people", "playbooks", "query", "store", "brand"},
	"cmd/brandmelder/story": {"brand"}, "cmd/brandmelder/hostile": nil, "deploy/grafana": nil,
}

func TestPackagesImportOnlyWhatTheTableAllows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		words := strings.Fields(line)
		folder := strings.TrimPrefix(words[0], "brandmelder/")
		if folder == "brandmelder" || folder == "cmd/brandmelder" {
			continue
		}
		allowed, ok := mayImport[folder]
		if !ok {
			t.Errorf("folder %s is not in the table", folder)
		}
		for _, w := range words[1:] {
			if other, ours := strings.CutPrefix(w, "brandmelder/"); ours && !slices.Contains(allowed, other) {
				t.Errorf("%s imports %s; the table does not allow it", folder, other)
			}
		}
	}
}
