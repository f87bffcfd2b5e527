package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/cmd/brandmelder/story"
	"brandmelder/store/storetest"
)

// Shuffled within the lateness and with every line doubled, the recording gives the same to the byte, on both stores.
func TestAShuffledAndDoubledRecordingGivesTheSame(t *testing.T) {
	replay := func(ms []brand.Mention, store string) string {
		t.Helper()
		conf, err := demoConfig()
		if err != nil {
			t.Fatal(err)
		}
		var lines bytes.Buffer
		for _, m := range ms {
			if err := json.NewEncoder(&lines).Encode(m); err != nil {
				t.Fatal(err)
			}
		}
		out, bad, err := replay(t.Context(), conf, store, &lines, "story", time.Hour)
		if err != nil || len(bad) > 0 {
			t.Fatal(err, bad)
		}
		var doc bytes.Buffer
		if err := printJSON(&doc, out); err != nil {
			t.Fatal(err)
		}
		return doc.String()
	}
	var ms []brand.Mention // the storm with the two days before it
	for _, m := range story.Tell(story.Storm) {
		if m.At.After(story.Starts[story.Storm].Add(-48*time.Hour)) && m.At.Before(story.Starts[story.Storm].Add(3*time.Hour)) {
			ms = append(ms, m)
		}
	}
	want := replay(ms, "file::memory:")
	if !bytes.Contains([]byte(want), []byte(`"crisis"`)) {
		t.Fatal("there is no storm in it to compare")
	}
	r := rand.New(rand.NewPCG(1, 2))
	var mixed []brand.Mention
	for len(ms) > 0 { // one of those within 50 minutes of the earliest
		n := 1
		for n < len(ms) && ms[n].At.Sub(ms[0].At) < 50*time.Minute {
			n++
		}
		i := r.IntN(n)
		mixed = append(mixed, ms[i], ms[i])
		ms = append(ms[:i:i], ms[i+1:]...)
	}
	for _, store := range []string{"file::memory:", storetest.Redis(t)} {
		if got := replay(mixed, store); got != want {
			t.Errorf("on %.5s it reports something else", store)
		}
	}
}
