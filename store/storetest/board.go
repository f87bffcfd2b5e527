package storetest

import (
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
)

// Board puts documents onto the board of commit 5a11e2e, as that commit wrote them. Kept looks for them.
func Board(t *testing.T, put func(key, doc string)) {
	t.Helper()
	c := brand.Correction{Topic: "acme", Mention: "x:1"}
	for key, doc := range map[string]string{
		"correction/" + c.Key():          `{"topic":"acme","mention":"x:1","text":"a text","about":"no","by":"anna","at":"2026-03-14T18:00:00Z"}`,
		"mark/s1":                        `{"topic":"acme","from":"2026-03-14T18:00:00Z","to":"2026-03-14T19:00:00Z","right":true}`,
		"source/a.example/feed":          `{"name":"a.example/feed","kind":"feed","state":"waiting","every":"5m0s","heard":7,"known":1,"bad":0,"rhythm":{"days":3}}`,
		"topic/acme":                     `{"name":"acme","query":"acme","role":"","mentions":70,"too_late":0,"learning":true,"curve":null,"nearly":null,"new":null}`,
		"detection/detect/0-of-1":        `{"at":"2026-03-14T18:00:00Z"}`,
		"forgotten/2026-03-14T18:00:00Z": `{"at":"2026-03-14T18:00:00Z","by":"anna","mentions":3,"spikes":0,"incidents":0,"dead_letters":0,"corrections":0}`,
		"larger-ear":                     `{"day":"2026-03-14","calls":3,"month":"2026-03","money":1.5,"labels":{"k1":2},"order":["k1"]}`,
		"of nobody":                      `{}`,
	} {
		put(key, doc)
	}
}

// Kept fails where a store that had the documents of Board has lost one.
func Kept(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	same(t, get[[]brand.Correction](t)(s.Corrections(ctx)), []brand.Correction{
		{Topic: "acme", Mention: "x:1", Text: "a text", About: brand.NotAboutUs, By: "anna", At: t0},
	})
	same(t, get[[]brand.Feedback](t)(s.Feedback(ctx)), []brand.Feedback{
		{Spike: "s1", Topic: "acme", From: t0, To: t0.Add(time.Hour), Right: true},
	})
	same(t, get[[]store.SourceStatus](t)(s.SourceStatuses(ctx)), []store.SourceStatus{
		{Name: "a.example/feed", Kind: "feed", State: "waiting", Every: "5m0s", New: 7, Known: 1, Rhythm: []byte(`{"days":3}`)},
	})
	same(t, get[[]store.TopicStatus](t)(s.TopicStatuses(ctx)), []store.TopicStatus{{Name: "acme", Query: "acme", Mentions: 70, Learning: true}})
	same(t, get[[]store.DetectionStatus](t)(s.DetectionStatuses(ctx)), []store.DetectionStatus{{Shard: "detect/0-of-1", At: t0}})
	same(t, get[[]store.Erasure](t)(s.Erasures(ctx)), []store.Erasure{{At: t0, By: "anna", Forgotten: store.Forgotten{Mentions: 3}}})
	same(t, get[float64](t)(s.Spent(ctx, "larger_ear_calls", "2026-03-14")), 3.0)
	same(t, get[float64](t)(s.Spent(ctx, "larger_ear_money", "2026-03")), 1.5)
	same(t, get[map[string]int](t)(s.ToneLabels(ctx, []string{"k1"})), map[string]int{"k1": 2})
	same(t, string(get[[]byte](t)(s.Key(ctx, "links"))), "of the links")
}

// DamagedDocuments tries a store whose documents somebody damaged by hand: those that cannot be read are moved to the
// dead letters, and the others are returned.
func DamagedDocuments(t *testing.T, s store.Store, table store.DocumentTable) {
	ctx := t.Context()
	for kind, docs := range map[string][]string{
		"correction": {`[]`, `{"topic":"x"}`}, "feedback": {`{"right":7}`, `{}`}, "source": {`{"name":7}`, `{}`}, "topic": {`"x"`, `{}`},
		"detection": {`no JSON`, `{}`}, "erasure": {``, `{}`}, "tone_label": {"\x00", `{}`},
	} {
		must(t, table.Put(ctx, kind, "bad", []byte(docs[0])))
		must(t, table.Put(ctx, kind, "good", []byte(docs[1])))
	}
	for range 2 {
		same(t, len(get[[]brand.Correction](t)(s.Corrections(ctx))), 1)
		same(t, len(get[[]brand.Feedback](t)(s.Feedback(ctx))), 1)
		same(t, len(get[[]store.SourceStatus](t)(s.SourceStatuses(ctx))), 1)
		same(t, len(get[[]store.TopicStatus](t)(s.TopicStatuses(ctx))), 1)
		same(t, len(get[[]store.DetectionStatus](t)(s.DetectionStatuses(ctx))), 1)
		same(t, len(get[[]store.Erasure](t)(s.Erasures(ctx))), 1)
		same(t, len(get[map[string]int](t)(s.ToneLabels(ctx, []string{"bad", "good"}))), 1)
		letters := get[[]store.DeadLetter](t)(s.ListDeadLetters(ctx, 100))
		same(t, len(letters), 7)
		for _, d := range letters {
			if !strings.HasSuffix(d.From, " bad") {
				t.Errorf("a dead letter is from %s", d.From)
			}
		}
	}
}
