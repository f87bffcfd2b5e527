package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/store/sqlite"
)

// listenOnce visits once and returns the mentions, the items that cannot be read, and the last cursor.
func listenOnce(t *testing.T, s Source, cursor string) (ms []brand.Mention, bad []Bad, next string, err error) {
	t.Helper()
	next = cursor
	err = s.Listen(t.Context(), cursor, func(_ context.Context, b Batch) error {
		ms, bad, next = append(ms, b.Mentions...), append(bad, b.Bad...), b.Cursor
		return nil
	})
	return ms, bad, next, err
}

func source(t *testing.T, c Config) Source {
	t.Helper()
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	c.AllowPrivate = true
	l, err := New(st, []Config{c}, topics, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return l.sources[0].source
}

const rss = `<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>
<item><guid>1</guid><title>Acme &amp; Co</title><description>&lt;p&gt;It &lt;b&gt;burns&lt;/b&gt;&lt;/p&gt;&lt;script&gt;x()&lt;/script&gt;</description><link>https://news.example/1</link><pubDate>Sat, 14 Mar 2026 18:00:00 GMT</pubDate></item>
<item><guid>2</guid><title>No date</title><description>old or new?</description></item>%s</channel></rss>`

func TestAFeedIsReadOnceAndUndatedNewsCountsFromWhenItIsFirstSeen(t *testing.T) {
	extra, asked := "", 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		tag := strconv.Quote(strconv.Itoa(len(extra)))
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", tag)
		fmt.Fprintf(w, rss, extra)
	}))
	defer srv.Close()
	s := source(t, Config{Kind: "feed", URL: srv.URL})
	ms, _, cursor, err := listenOnce(t, s, "")
	if err != nil || len(ms) != 1 || ms[0].Title != "Acme & Co" || ms[0].Text != "It burns" || ms[0].Kind != brand.Article {
		t.Fatalf("got %+v, %v", ms, err)
	}
	if ms, _, _, err := listenOnce(t, s, cursor); err != nil || len(ms) != 0 {
		t.Errorf("unchanged: got %+v, %v", ms, err)
	}
	extra = "<item><guid>3</guid><title>Fresh</title><description>no date either</description></item>"
	ms, _, _, err = listenOnce(t, s, cursor)
	if err != nil || len(ms) != 2 || ms[1].Title != "Fresh" || time.Since(ms[1].At) > time.Minute {
		t.Errorf("got %+v, %v", ms, err)
	}
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
}

func TestAFeedThatIsNoneGoesToTheDeadLettersAndASlowOneIsLeftInPeace(t *testing.T) {
	code, body := http.StatusOK, "<rss><channel><item>"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}))
	defer srv.Close()
	s := source(t, Config{Kind: "feed", URL: srv.URL})
	if _, bad, _, err := listenOnce(t, s, ""); err == nil || len(bad) != 1 {
		t.Errorf("a broken feed: got %v, %v", bad, err)
	}
	code = http.StatusTooManyRequests
	var slow *SlowDown
	if _, _, _, err := listenOnce(t, s, ""); !errors.As(err, &slow) || time.Until(slow.Until).Round(time.Minute) != 2*time.Minute {
		t.Errorf("429: got %v", err)
	}
	code = http.StatusGone
	if _, _, _, err := listenOnce(t, s, ""); !errors.Is(err, ErrGiveUp) {
		t.Errorf("410: got %v", err)
	}
}

func TestPrivateAddressesAreNotVisited(t *testing.T) {
	for _, a := range []string{"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1", "::1", "::", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"} {
		if Public(netip.MustParseAddr(a)) {
			t.Errorf("%s counts as public", a)
		}
	}
	if !Public(netip.MustParseAddr("93.184.216.34")) {
		t.Error("a public address does not count as public")
	}
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	if _, err := NewClient(nil, "").Get(srv.URL); err == nil || !strings.Contains(err.Error(), "private address") {
		t.Errorf("got %v", err)
	}
}

func TestLinesGoOnBehindABadOneAndALastHalfLineWaits(t *testing.T) {
	text := `{"at":"2026-03-14T18:00:00Z","text":"one"}` + "\nnonsense\n" + `{"at":"2026-03-14T18:01:00Z","text":"two"}` + "\n" + `{"at":"2026-03-14T`
	var ms []brand.Mention
	var bad []Bad
	cursor := ""
	err := Lines(t.Context(), strings.NewReader(text), "f", 0, func(_ context.Context, b Batch) error {
		ms, bad, cursor = append(ms, b.Mentions...), append(bad, b.Bad...), b.Cursor
		return nil
	})
	if err != nil || len(ms) != 2 || len(bad) != 1 || !strings.Contains(bad[0].Err.Error(), "f:2:") || cursor != strconv.Itoa(strings.LastIndex(text, "\n")+1) {
		t.Errorf("got %d mentions, %v, cursor %s, %v", len(ms), bad, cursor, err)
	}
}

// A recording that is out of order within the lateness, with every line twice, is sorted, and has each line once.
func TestRecordedMentionsAreSortedAndCountOnce(t *testing.T) {
	t0 := time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC)
	var got []string
	r := &Recorded{Lateness: time.Hour, Next: func(m brand.Mention) error { got = append(got, m.ID); return nil }}
	for _, i := range []int{3, 1, 3, 2, 1, 5, 4, 4, 2, 9, 8} {
		if err := r.Add(brand.Mention{ID: strconv.Itoa(i), At: t0.Add(time.Duration(i) * 10 * time.Minute)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Flush(); err != nil || !slices.Equal(got, []string{"1", "2", "3", "4", "5", "8", "9"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("<p>a &amp; b</p><script>x</script>")
	f.Fuzz(func(_ *testing.T, html string) { plain(html) })
}

// A mention gets the language of its text unless its source gave one.
func TestAMentionWithoutALanguageGetsTheOneOfItsText(t *testing.T) {
	b := Batch{Mentions: []brand.Mention{
		{At: time.Now(), Text: "De trein naar Utrecht heeft weer een uur vertraging en niemand zegt iets"},
		{At: time.Now(), Text: "The source says what it is", Lang: "xx"},
		{At: time.Now(), Text: "ok"},
	}}
	for i, m := range Prepare("test", &b) {
		if want := []string{"nl", "xx", ""}[i]; m.Lang != want {
			t.Errorf("%q is taken for %q, want %q", m.Text, m.Lang, want)
		}
	}
}

// A mention that its author deleted is removed, stays removed when it arrives again, and its deletion is noted for
// those who quote it.
func TestWhatIsTakenBackIsRemovedForGood(t *testing.T) {
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	l, err := New(st, []Config{{Kind: "feed", URL: "https://news.example/rss"}}, topics, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := l.sources[0]
	said := Batch{Mentions: []brand.Mention{{ID: "a", At: time.Now(), Text: "acme"}, {ID: "b", At: time.Now(), Text: "acme too"}}, Cursor: "1"}
	for _, b := range []Batch{said, {Gone: []string{"a", "never heard"}, Cursor: "2"}, said, {Gone: []string{"never heard"}, Cursor: "3"}} {
		if err := l.emit(t.Context(), s, b); err != nil {
			t.Fatal(err)
		}
	}
	es, err := st.After(t.Context(), "", 10)
	if err != nil || len(es) != 1 || es[0].Mention.ID != "b" || s.status.Gone != 1 {
		t.Errorf("got %v, %v, %d gone", es, err, s.status.Gone)
	}
	if ds, err := st.Deletions(t.Context()); err != nil || len(ds) != 1 || ds[0].Mention != "a" {
		t.Errorf("deletions %v, %v", ds, err)
	}
}

// If the service does not know a page token any more, the pass begins at the top and loses nothing.
func TestAForgottenPageIsNoEnd(t *testing.T) {
	forgotten := true
	page := func(_ context.Context, _ time.Time, next string) (page, error) {
		at := func(id string, ago time.Duration) brand.Mention {
			return brand.Mention{ID: id, At: time.Now().Add(-ago), Text: "acme"}
		}
		switch {
		case next == "":
			return page{mentions: []brand.Mention{at("c", time.Minute)}, next: "2"}, nil
		case forgotten:
			forgotten = false
			return page{}, &RefusedError{Service: "s", Status: http.StatusBadRequest}
		}
		return page{mentions: []brand.Mention{at("b", time.Hour), at("a", 2*time.Hour)}}, nil
	}
	var ids []string
	cursor := ""
	emit := func(_ context.Context, b Batch) error {
		for _, m := range b.Mentions {
			ids = append(ids, m.ID)
		}
		cursor = b.Cursor
		return nil
	}
	if err := readLists(t.Context(), []list{{"l", page}}, "", time.Now, emit); err != nil || strings.Join(ids, "") != "ccba" || strings.Contains(cursor, "next") {
		t.Errorf("ids %v, %v, cursor %s", ids, err, cursor)
	}
}
