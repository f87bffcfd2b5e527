package ingest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brandmelder/store/sqlite"
)

func push(h http.Handler, path, secret, body string) (int, string) {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestWhatIsPushedIsOnTheStreamWhenItIsAnswered(t *testing.T) {
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	const secret = "geheim, geheim, geheim"
	l, err := New(st, []Config{{
		Kind: "webhook", Name: "clips", Token: secret, Items: "data.list", Map: map[string]string{"text": "body", "at": "when", "author": "by.name", "followers": "by.reach", "id": "key"},
	}}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := l.Handler()
	body := `{"data":{"list":[{"key":17,"body":"Acme brennt","when":1773511200,"by":{"name":"dpa","reach":1200000}},{"body":"no time"},{"body":"Acme, again","when":"2026-03-14T18:01:00Z"}]}}`
	if code, _ := push(h, "/hooks/clips", secret, body); code != http.StatusServiceUnavailable {
		t.Errorf("before anybody listens: %d", code)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- l.Run(ctx) }()
	defer func() {
		cancel()
		<-ended
	}()
	code, text := 0, ""
	for range 500 {
		if code, text = push(h, "/hooks/clips", secret, body); code != http.StatusServiceUnavailable {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if code != http.StatusAccepted || text != "2 mentions, 1 could not be read\nitem 2: bad mention: field \"at\" is missing\n" {
		t.Fatalf("got %d %s", code, text)
	}
	es, err := st.After(ctx, "", 10)
	if err != nil || len(es) != 2 || es[0].Mention.ID != "hook clips:17" || es[0].Mention.Followers != 1200000 || es[0].Mention.Author != "dpa" || !es[0].Mention.At.Equal(time.Unix(1773511200, 0)) || es[0].Mention.Source != "clips" {
		t.Errorf("got %+v, %v", es, err)
	}
	for _, c := range []struct {
		path, secret, body string
		want               int
	}{
		{"/hooks/clips", "falsch", body, http.StatusUnauthorized},
		{"/hooks/clips", secret, "{", http.StatusBadRequest},
		{"/hooks/clips", secret, `{"data":{}}`, http.StatusBadRequest},
		{"/hooks/clips", secret, body, http.StatusAccepted},
		{"/hooks/other", secret, body, http.StatusNotFound},
		{"/hooks/clips", secret, strings.Repeat(" ", maxBody+1), http.StatusRequestEntityTooLarge},
	} {
		if code, text := push(h, c.path, c.secret, c.body); code != c.want {
			t.Errorf("%s %.40s: got %d %s, want %d", c.path, c.body, code, text, c.want)
		}
	}
	if es, _ := st.After(ctx, "", 10); len(es) != 2 {
		t.Errorf("%d mentions in the end", len(es))
	}
}

func TestTablesAreReadWithTheirColumnsAndGrow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clippings.csv")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	table := "\ufeffDatum;Medium;Text\n2026-03-14T18:00:00Z;Anzeiger;\"Acme; wieder\nAcme\"\nkein Datum;Bote;Acme\n2026-03-14T18:05:00Z;Kurier;halb"
	write(table)
	s := source(t, Config{Kind: "file", Path: path, Map: map[string]string{"at": "Datum", "author": "Medium", "text": "Text"}})
	ms, bad, cursor, err := listenOnce(t, s, "")
	if err != nil || len(ms) != 1 || ms[0].Text != "Acme; wieder\nAcme" || ms[0].Author != "Anzeiger" || len(bad) != 1 || !strings.Contains(bad[0].Err.Error(), "Datum") {
		t.Fatalf("got %+v, %v, %v", ms, bad, err)
	}
	write(table + " fertig\n")
	ms, bad, cursor, err = listenOnce(t, s, cursor)
	if err != nil || len(ms) != 1 || ms[0].Text != "halb fertig" || len(bad) != 0 {
		t.Errorf("grown: got %+v, %v, %v", ms, bad, err)
	}
	if ms, bad, _, err := listenOnce(t, s, cursor); err != nil || len(ms)+len(bad) != 0 {
		t.Errorf("unchanged: got %+v, %v, %v", ms, bad, err)
	}
	s = source(t, Config{Kind: "file", Path: path, Map: map[string]string{"at": "Tag", "text": "Text"}})
	if _, _, _, err := listenOnce(t, s, ""); err == nil || !strings.Contains(err.Error(), `no column "Tag"`) {
		t.Errorf("a column that is not there: got %v", err)
	}
	if _, err := newFile(Config{Path: path, Map: map[string]string{"txt": "Text"}}, Deps{}); err == nil || !strings.Contains(err.Error(), `no field "txt"`) {
		t.Errorf("a field that is none: got %v", err)
	}
}
