package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/store"
	"brandmelder/store/sqlite"

	"github.com/prometheus/client_golang/prometheus"
)

func memory(t *testing.T) *sqlite.Store {
	t.Helper()
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// onStream returns all mentions of the stream by ID.
func onStream(t *testing.T, st store.Mentions) map[string]brand.Mention {
	t.Helper()
	es, err := st.After(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]brand.Mention{}
	for _, e := range es {
		out[e.Mention.ID] = e.Mention
	}
	return out
}

// A file, a webhook and a hostile Mastodon server use the ID of a post before X is read. The post of X is taken all
// the same, and what its own origin sends twice is known. A server can remove nothing of others either.
//
// Fails on 0005da9: whoever was first had the ID, and the post was never on the stream.
func TestNobodyCanUseTheIDOfAnotherSourceFirst(t *testing.T) {
	st := memory(t)
	l, err := New(st, []Config{
		{Kind: "file", Name: "lines", Path: "m.jsonl"},
		{Kind: "webhook", Name: "a:b", Token: "geheim, geheim, geheim"},
		{Kind: "mastodon", URL: "https://social.example", Tags: []string{"acme"}},
		{Kind: "feed", URL: "https://news.example/rss"},
	}, topics, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{"x:1", "https://social.example/1", "feed:0011223344556677", "api:1", "file lines:1", "hook a%3Ab:1"}
	batch := func(source string) (b Batch) {
		for _, id := range ids {
			b.Mentions = append(b.Mentions, brand.Mention{ID: id, At: time.Now(), Text: "acme, says " + source, Source: "x", InReplyTo: "x:1"})
		}
		return b
	}
	for range 2 {
		for _, s := range l.sources {
			if err := l.emit(t.Context(), s, batch(s.conf.Name)); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := NewIntake(st, Options{}).Take(t.Context(), batch(API).Mentions); err != nil {
			t.Fatal(err)
		}
	}
	got := onStream(t, st)
	own := map[string]string{ // whose mention has the ID
		"x:1": "", "https://social.example/1": "social.example", "feed:0011223344556677": "news.example/rss",
		"api:1": API, "file lines:1": "lines", "hook a%3Ab:1": "a:b",
		"file lines:x:1": "lines", "hook a%3Ab:x:1": "a:b", "source social.example:x:1": "social.example",
		"source news.example/rss:https://social.example/1": "news.example/rss", "api:feed:0011223344556677": API,
	}
	for id, who := range own {
		if m := got[id]; who != "" && m.Text != "acme, says "+who || who == "" && m.ID != "" {
			t.Errorf("%s: %q, want it of %q", id, m.Text, who)
		}
	}
	if want := len(ids) * (len(l.sources) + 1); len(got) != want {
		t.Errorf("%d mentions, want %d: each origin's once", len(got), want)
	}
	if m := got["file lines:x:1"]; m.InReplyTo != "file lines:x:1" || m.Source != "lines" || string(m.Extra["source"]) != `"x"` {
		t.Errorf("threads must join within an origin, and a claimed source decides nothing: %+v", m)
	}
	if err := l.emit(t.Context(), l.sources[2], Batch{Gone: []string{"api:1", "feed:0011223344556677", "https://social.example/1"}}); err != nil {
		t.Fatal(err)
	}
	if n := len(onStream(t, st)); n != len(got)-3 {
		t.Errorf("%d mentions were removed, want the three of its own", len(got)-n)
	}
}

// Who may push is no proof of who somebody is: the press is whom the configuration names.
//
// Fails on 0005da9: the mention was shown as one of the press, and the tally counted a billion voices.
func TestAPushMayNotSayAll(t *testing.T) {
	st := memory(t)
	authors, err := NewAuthors(map[brand.Standing][]string{brand.Press: {"x:bote", "@kurier"}})
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	now := time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC)
	in := NewIntake(st, Options{Authors: authors, Metrics: NewMetrics(reg), Now: func() time.Time { return now }})
	tally := brand.Mention{ID: "t", At: now, Kind: brand.Tally, Topic: "acme", Count: MaxPushedTally}
	large := tally
	large.ID, large.Count = "t2", MaxPushedTally+1
	ms := []brand.Mention{
		{ID: "1", At: now, Text: "acme", Author: "eve", Standing: brand.Press},
		{ID: "2", At: now, Text: "acme", Source: "x", Author: "bote", Counted: true},
		{ID: "3", At: now, Text: "acme", Author: "@Kurier"},
		{ID: "4", At: now},
		tally, large,
	}
	added, refused, err := in.Take(t.Context(), ms)
	if err != nil || added != 4 || len(refused) != 6 || refused[0] != nil || refused[4] != nil || !errors.Is(refused[3], brand.ErrBadMention) || !strings.Contains(fmt.Sprint(refused[5]), "send several") {
		t.Fatalf("got %d, %v, %v", added, refused, err)
	}
	got := onStream(t, st)
	if got["api:1"].Standing != "" || got["api:2"].Standing != "" || got["api:2"].Counted || got["api:3"].Standing != brand.Press {
		t.Errorf("got %+v", got)
	}
	if added, _, err = in.Take(t.Context(), ms); err != nil || added != 0 {
		t.Errorf("sent again: %d, %v", added, err)
	}
	in.Refuse(3)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "brandmelder_ingest_mentions_total" {
				counts[m.GetLabel()[1].GetValue()+" "+m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	if want := map[string]float64{"api new": 4, "api known": 4, "api bad": 7}; !maps.Equal(counts, want) {
		t.Errorf("counted %v, want %v", counts, want)
	}
}

// A mention of next year counts when it is received, whoever brings it. It keeps the ID of what it says, so that it
// is known when it comes again.
//
// Fails on 0005da9: it stood on the stream with a time of next year, where no topic page showed it.
func TestAMentionFromTheFutureCountsWhenItIsReceived(t *testing.T) {
	st := memory(t)
	now := time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	l, err := New(st, []Config{{Kind: "file", Name: "lines", Path: "m.jsonl"}, {Kind: "feed", URL: "https://news.example/rss"}}, topics, Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	begun, late := now, now.Add(-time.Hour)
	for range 2 {
		for _, s := range l.sources {
			b := Batch{Mentions: []brand.Mention{{At: begun.AddDate(1, 0, 0), Text: "acme, soon"}, {At: late, Text: "acme, late"}}}
			if err := l.emit(t.Context(), s, b); err != nil {
				t.Fatal(err)
			}
		}
		m, err := brand.DecodeMention([]byte(`{"at":"2027-03-14T18:00:00Z","text":"acme, soon"}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := NewIntake(st, Options{Now: clock}).Take(t.Context(), []brand.Mention{m}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
	}
	got := onStream(t, st)
	if len(got) != 5 {
		t.Errorf("%d mentions, want 5: sent again they are known", len(got))
	}
	for id, m := range got {
		if m.Text == "acme, soon" && !m.At.Equal(begun) || m.Text == "acme, late" && !m.At.Equal(late) {
			t.Errorf("%s: %q is of %s", id, m.Text, m.At)
		}
	}
}

// choosy is a store that refuses some mentions, or all.
type choosy struct {
	store.Mentions
	refuse func(*brand.Mention) error
}

func (c *choosy) Append(ctx context.Context, received time.Time, ms []brand.Mention) (int, error) {
	for i := range ms {
		if err := c.refuse(&ms[i]); err != nil {
			return 0, err
		}
	}
	return c.Mentions.Append(ctx, received, ms)
}

// A mention that the store refuses is refused alone. When the store fails, nothing is acknowledged.
func TestAPushedMentionThatTheStoreRefusesIsRefusedAlone(t *testing.T) {
	st := &choosy{memory(t), func(m *brand.Mention) error {
		if m.Text == "acme 3" {
			return errors.New("out of range: /var/lib/x")
		}
		return nil
	}}
	in := NewIntake(st, Options{})
	var ms []brand.Mention
	for i := range 6 {
		ms = append(ms, brand.Mention{ID: fmt.Sprint(i), At: time.Now(), Text: fmt.Sprint("acme ", i)})
	}
	added, refused, err := in.Take(t.Context(), ms)
	if err != nil || added != 5 || !errors.Is(refused[3], errStoreRefused) || refused[2] != nil {
		t.Errorf("got %d, %v, %v", added, refused, err)
	}
	st.refuse = func(*brand.Mention) error { return errors.New("disk full") }
	for _, some := range [][]brand.Mention{ms[:1], ms[:3], ms} {
		if _, _, err := in.Take(t.Context(), some); err == nil {
			t.Errorf("%d mentions were acknowledged by a store that fails", len(some))
		}
	}
}

// A dead letter that is tried again gets the ID that it would have had, in its own origin; one that was ready for
// the stream keeps its ID.
//
// Fails on 0005da9: it got the ID that it claimed, and the fields of a mapped webhook were not found.
func TestADeadLetterIsReplayedInItsOrigin(t *testing.T) {
	st := memory(t)
	now := time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC)
	sources := []Config{
		{Kind: "webhook", Name: "clips", Map: map[string]string{"text": "body", "at": "when", "id": "key"}},
		{Kind: "file", Name: "lines"},
		{Kind: "x"},
	}
	item := func(id string) string {
		doc, _ := json.Marshal(brand.Mention{ID: id, At: now.AddDate(1, 0, 0), Text: "acme", Standing: brand.Press, Counted: true})
		return string(doc)
	}
	for _, c := range []struct{ from, item, id string }{
		{"lines", item("x:1"), "file lines:x:1"},
		{"lines", item("file lines:7"), "file lines:7"},
		{"clips", `{"key":1801234567890123457,"body":"acme","when":1773511200}`, "hook clips:1801234567890123457"},
		{"clips", item("hook clips:8"), "hook clips:8"},
		{"x", item("x:1"), "x:1"},
		{"removed from the configuration", item("x:2"), "source removed from the configuration:x:2"},
	} {
		if err := Replay(t.Context(), st, store.DeadLetter{ID: "d", From: c.from, Item: c.item}, sources, nil, now); err != nil {
			t.Errorf("%s: %v", c.from, err)
		}
		m, ok := onStream(t, st)[c.id]
		if !ok || m.Standing != "" || m.At.After(now) || m.Counted && c.from == "clips" {
			t.Errorf("%s: %s is not on the stream, or says too much: %+v", c.from, c.id, m)
		}
	}
	if err := Replay(t.Context(), st, store.DeadLetter{ID: "d", From: "lines", Item: "nonsense"}, sources, nil, now); err == nil {
		t.Error("nonsense was taken for a mention")
	}
}
