package brand

import (
	"encoding/json"
	"testing"
)

// A spike of an older version has sentences beside its numbers. They are left out when it is read.
func TestASpikeWithStoredSentencesIsRead(t *testing.T) {
	doc := `{"id": "s", "topic": "acme", "level": 3, "observed": 64, "why": {"en": "64 voices"}, "reasons": [{"for": true, "text": {"en": "rare"}}],
		"outlook": {"de": "bald"}, "evidence": {"mentions": 7, "stories": [{"told": 3, "reach": 9, "first": {"id": "m", "text": "fire"}}]}}`
	var sp Spike
	if err := json.Unmarshal([]byte(doc), &sp); err != nil {
		t.Fatal(err)
	}
	if sp.ID != "s" || sp.Level != ModerateBreeze || sp.Observed != 64 || sp.Evidence.Mentions != 7 || sp.Evidence.Clusters[0].Copies != 3 {
		t.Errorf("got %+v", sp)
	}
}
